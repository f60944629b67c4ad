"""A job computes with the code that its address says, or stops before it writes anything.

A job runs the code that lies there when it starts, which may have been edited since it was planned.
Planning leaves the hashes of each program's files below ``.snakemake``, under the program's
fingerprint. The job compares them with the files, imports all modules of the fingerprint, and
compares again: what it has imported lies between two looks that agree.
"""

import hashlib
import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, FunctionType

from linvae.jobs.atomic import replacing
from linvae.jobs.fingerprint import (
    code_files,
    combined,
    file_hashes,
    fingerprint,
    is_bookkeeping,
    module_file,
    tree_hash,
)

__all__ = ["ChangedCodeError", "keep_hashes", "require_code", "require_covered"]

_FOLDER = Path(".snakemake/linvae/code")
# File systems stamp with the clock's last tick.
_TICK_NS = 50_000_000


class ChangedCodeError(RuntimeError):
    """The code that a job would run is not the code that was planned."""


def keep_hashes(script: Path, modules: Iterable[str] = ()) -> str:
    """Return a program's fingerprint, and keep the hashes of its files for its jobs."""
    modules = tuple(modules)
    code = fingerprint(script, modules)
    path = _FOLDER / f"{code}.json"
    hashes = {name: file_hashes(file) for name, file in code_files(script, modules).items()}
    if _kept(code) != hashes:
        with suppress(OSError):  # a job that misses them hashes for itself
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(hashes, sort_keys=True), encoding="utf-8")
    return code


def require_code(code: str, script: Path, main: FunctionType, modules: Iterable[str] = ()) -> None:
    """Import all modules of a program, and stop unless they are what was planned.

    Parameters
    ----------
    code
        The fingerprint that was planned.
    script
        Path of the program.
    main
        Its function, which was read before anything could be compared.
    modules
        Modules that the program loads by name.

    Raises
    ------
    ChangedCodeError
        If they are not. The message names the files where planning has left their hashes.
    """
    if early := sorted(name for name in _loaded() if not is_bookkeeping(name)):
        msg = f"{_shown(script)} imports {early[0]} before its code is compared: do it in main"
        raise ChangedCodeError(msg)
    planned = _kept(code)
    if planned is None:
        planned = {name: file_hashes(file) for name, file in code_files(script, modules).items()}
        if _fingerprint(planned) != code:
            raise ChangedCodeError(_changed([f"the code of {_shown(script)}"]))
    files = {name: script if name == "__main__" else module_file(name) for name in planned}
    before = _require_planned(planned, files)
    if not _is_read_from(script, main):
        raise ChangedCodeError(_changed([_shown(script)]))
    for file in files.values():
        _forget_stale(file)
    try:
        for name in sorted(set(planned) - {"__main__"}):
            importlib.import_module(name)
    except Exception:
        # An edit in the middle of it may have broken the code: that is the better explanation.
        _require_planned(planned, files)
        raise
    for name in set(planned) - {"__main__"}:
        if not os.path.samefile(found := sys.modules[name].__file__, files[name]):
            msg = f"{name} comes from {found} and not from {files[name]}"
            raise ChangedCodeError(msg)
    after = _require_planned(planned, files)
    changed = [_shown(files[name]) for name in files if before[name] != after[name]]
    if changed:
        raise ChangedCodeError(_changed(changed))


def require_covered(code: str, script: Path, modules: Iterable[str] = ()) -> None:
    """Stop if a module was loaded that the fingerprint does not cover.

    Raises
    ------
    ChangedCodeError
        With the names of such modules.
    """
    covered = set(_kept(code) or code_files(script, modules))
    places = {os.path.abspath(script.parent), os.path.realpath(script.parent)}
    # The program itself may stand under other names too: multiprocessing gives it one.
    others = ((name, *os.path.split(file)) for name, file in _files())
    if beside := sorted(n for n, place, file in others if place in places and file != script.name):
        msg = (
            f"{', '.join(beside)} lies beside {_shown(script)}, where no fingerprint sees it: move "
            "it into linvae"
        )
        raise ChangedCodeError(msg)
    if missing := sorted(name for name in _loaded() - covered if not is_bookkeeping(name)):
        msg = (
            f"{', '.join(missing)} was imported, but not by a statement that the fingerprint of "
            f"{_shown(script)} sees: name it in the job's modules"
        )
        raise ChangedCodeError(msg)


def _files() -> Iterator[tuple[str, str]]:
    """Name and file of each module that is loaded."""
    for name, module in list(sys.modules.items()):
        if file := getattr(module, "__file__", None):
            yield name, file


def _loaded() -> set[str]:
    return {name for name in sys.modules if name.split(".")[0] == "linvae"}


def _require_planned(
    planned: Mapping[str, Mapping], files: Mapping[str, Path | None]
) -> dict[str, tuple[int, str]]:
    """Return time of the last change and hash of each file, all of which hold what was planned."""
    states, changed = {}, []
    for name, file in files.items():
        try:
            states[name] = (file.stat().st_ctime_ns, _sha256(file.read_bytes()))
            if states[name][1] != planned[name]["bytes"]:
                # A comment may have changed, or where it lies.
                if tree_hash(file, file.read_bytes()) != planned[name]["code"]:
                    changed.append(_shown(file))
        except (AttributeError, OSError, SyntaxError, ValueError):  # no such file, or no Python
            changed.append(_shown(file or name))
    if changed:
        raise ChangedCodeError(_changed(changed))
    return states


def _is_read_from(script: Path, main: FunctionType) -> bool:
    """Whether a program's function is the one that its file holds now."""
    compiled = compile(script.read_bytes(), main.__code__.co_filename, "exec")
    return any(isinstance(part, CodeType) and part == main.__code__ for part in compiled.co_consts)


def _forget_stale(file: Path) -> None:
    """Remove compiled code that may be an older source's.

    Python compares times in whole seconds, and sizes: after two edits in one second, or a change of
    branch, compiled code of the first could pass for that of the second.
    """
    with suppress(OSError):
        compiled = Path(cache_from_source(file))
        if compiled.stat().st_mtime_ns <= file.stat().st_ctime_ns + _TICK_NS:
            compiled.unlink(missing_ok=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _fingerprint(hashes: Mapping[str, Mapping]) -> str:
    return combined({name: found["code"] for name, found in hashes.items()})


def _kept(code: str) -> dict[str, dict] | None:
    """Hashes of the files of a fingerprint, or None if there are none or they are damaged."""
    try:
        hashes = json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8"))
        return hashes if _fingerprint(hashes) == code else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _shown(path: str | Path) -> str:
    """Path as a user types it: from the working directory, if it lies below."""
    path = Path(os.path.abspath(path))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _changed(files: Iterable[str]) -> str:
    files = sorted(files)
    have = "has" if len(files) == 1 else "have"
    return (
        f"{', '.join(files)} {have} changed since this run was planned; run the same command again"
    )
