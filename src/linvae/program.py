"""What every script of the workflow shares: arguments, log and one-line errors."""

import argparse
import errno
import gc
import inspect
import json
import logging
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from linvae.planned import require_planned
from linvae.record import recording

__all__ = ["run"]

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and run again",
    errno.EROFS: "the file system is read-only: make results/ writable, or link it elsewhere",
    errno.EACCES: "no permission: make results/ writable for this user",
}


def run(main: Callable[..., None], modules: Callable[[dict], Iterable[str]] = lambda _: ()) -> None:
    """Call `main` with the command line's values and exit; an error becomes one clear line.

    Each parameter of `main` is a required option of the same name: JSON for a parameter annotated
    ``dict``, one or more values for ``list[str]``, else a string. If there is a `spec` that says
    which code was planned, nothing is called unless it is this code, and a record of what made them
    is left beside the outputs.

    Parameters
    ----------
    main
        The program.
    modules
        Function from `spec` to the names of the modules that the program loads by name.
    """
    # Imports live to the end: searching torch for garbage at exit would take half a second.
    gc.freeze()
    texts, values = _arguments(main)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    script = Path(inspect.getmodule(main).__file__)
    spec = values.get("spec", {})
    is_planned = "code" in spec
    paths = [path for name in texts if name != "spec" for path in _listed(texts[name])]
    try:
        if is_planned:
            require_planned(spec["code"], script, modules(spec))
        with recording(script.stem, texts["spec"] if is_planned else None, paths):
            main(**values)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        sys.exit(_os_message(error))
    except MemoryError as error:
        sys.exit(f"error: out of memory ({error}); take fewer images, or a machine with more")
    except (ValueError, ArithmeticError, RuntimeError) as error:
        sys.exit(f"error: {error}")


def _arguments(main: Callable[..., None]) -> tuple[dict[str, object], dict[str, object]]:
    """Values of the options that `main` names, as given and as `main` takes them."""
    parser = argparse.ArgumentParser(description=inspect.getmodule(main).__doc__)
    parameters = inspect.signature(main).parameters
    for name, parameter in parameters.items():
        option = {"required": parameter.default is inspect.Parameter.empty}
        if parameter.annotation == list[str]:
            option["nargs"] = "*"
        if not option["required"]:
            option["default"] = parameter.default
        parser.add_argument(f"--{name.replace('_', '-')}", **option)
    texts = vars(parser.parse_args())
    values = dict(texts)
    for name, parameter in parameters.items():
        if parameter.annotation is dict:
            try:
                values[name] = json.loads(texts[name])
            except ValueError as error:
                parser.error(f"argument --{name}: {error}")
    return texts, values


def _listed(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _os_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno)
    reason = error.strerror or str(error)
    return f"error: {where}{reason}" + (f"; {hint}" if hint else "")
