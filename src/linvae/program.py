"""What every script of the workflow shares: arguments, log and one-line errors."""

import argparse
import errno
import gc
import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterable

from linvae.planned import require_planned

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
    which code was planned, nothing is called unless it is this code.

    Parameters
    ----------
    main
        The program.
    modules
        Function from `spec` to the names of the modules that the program loads by name.
    """
    # Imports live to the end: searching torch for garbage at exit would take half a second.
    gc.freeze()
    parser = argparse.ArgumentParser(description=inspect.getmodule(main).__doc__)
    for name, parameter in inspect.signature(main).parameters.items():
        option = {"required": parameter.default is inspect.Parameter.empty}
        if parameter.annotation is dict:
            option["type"] = json.loads
        elif parameter.annotation == list[str]:
            option["nargs"] = "*"
        if not option["required"]:
            option["default"] = parameter.default
        parser.add_argument(f"--{name.replace('_', '-')}", **option)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    spec = getattr(arguments, "spec", {})
    try:
        if "code" in spec:
            require_planned(spec["code"], inspect.getmodule(main).__file__, modules(spec))
        main(**vars(arguments))
    except OSError as error:
        sys.exit(_os_message(error))
    except MemoryError as error:
        sys.exit(f"error: out of memory ({error}); take fewer images, or a machine with more")
    except (ValueError, ArithmeticError, RuntimeError) as error:
        sys.exit(f"error: {error}")


def _os_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    hint = _HINTS.get(error.errno)
    reason = error.strerror or str(error)
    return f"error: {where}{reason}" + (f"; {hint}" if hint else "")
