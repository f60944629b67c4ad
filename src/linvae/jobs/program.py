"""What every script of the workflow shares: its job, its code, threads, log and one-line errors."""

import argparse
import errno
import gc
import inspect
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from linvae.jobs.code import ChangedCodeError, require_code, require_covered
from linvae.jobs.job import Job, read_job, text_hash
from linvae.jobs.made import write_made

__all__ = ["run"]

# Of an output, it is this module's to write.
_MADE = "made"
_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EROFS: "the file system is read-only: make results/ writable, or link it elsewhere",
    errno.EACCES: "no permission: make results/ writable for this user",
}
# Of each library that NumPy, SciPy or torch may compute with.
_THREADS = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def run(main: Callable[..., None]) -> None:
    """Compute the job whose address the command line gives, and exit; an error becomes one line.

    Parameters
    ----------
    main
        The program. Of its parameters `settings` is what the job says, each other one an option of
        the job: a path, or a list of them. It imports what it needs itself, so that nothing is
        imported before the code is compared with the one that was planned.
    """
    script = Path(inspect.getmodule(main).__file__)
    parser = argparse.ArgumentParser(description=inspect.getmodule(main).__doc__)
    parser.add_argument("address", help="twelve hexadecimal digits, as in the path of the outputs")
    address = parser.parse_args().address
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    # A scheduler that takes a node back sends it: as Ctrl-C, it is no failure to be mended.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        job = read_job(address)
        # Whatever Snakemake allows a job: the numbers are the same on any number of cores.
        os.environ.update(dict.fromkeys(_THREADS, str(job.threads)))
        require_code(job.code, script, main, job.modules)
        # Imports live to the end: searching torch for garbage at exit would take half a second.
        gc.freeze()
        main(**_values(job, script))
        require_covered(job.code, script, job.modules)
        if _MADE in job.outputs:
            write_made(job.outputs[_MADE], job)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        sys.exit(_os_message(error))
    except MemoryError as error:
        sys.exit(f"error: out of memory ({error}); take fewer images, or a machine with more")
    except (ValueError, ArithmeticError, RuntimeError) as error:
        sys.exit(f"error: {error}")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _values(job: Job, script: Path) -> dict[str, object]:
    """Return what the program's parameters are given."""
    outputs = {option: path for option, path in job.outputs.items() if option != _MADE}
    return {"settings": job.settings, **job.inputs, **outputs, **_texts(job, script)}


def _texts(job: Job, script: Path) -> dict[str, str]:
    """Read the files of the workflow that the job reads, which must be what was planned."""
    texts = {}
    for option, digest in job.texts.items():
        path = script.parents[1] / job.text_files[option]
        text = path.read_text(encoding="utf-8").rstrip()
        if text_hash(text) != digest:
            msg = f"{path} has changed since this run was planned; run the same command again"
            raise ChangedCodeError(msg)
        texts[option] = text
    return texts


def _os_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno)
    reason = error.strerror or str(error)
    return f"error: {where}{reason}" + (f"; {hint}" if hint else "")
