"""A job looks at its code itself: what it has imported must be what was planned.

A job runs the code that lies there when it starts; its specification was made when the workflow was
planned. Planning therefore leaves the hashes of each program's files below ``.snakemake``, under
the program's fingerprint. The job compares before it computes, and again at each later import.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path

import linvae
from linvae.files import DamagedFileError, read_json, write_json
from linvae.fingerprint import BOOKKEEPING, code_files, combined, module_file, tree_hash

__all__ = ["ChangedCodeError", "plan", "require_planned"]

_FOLDER = Path(".snakemake/linvae")
# What was read so shortly before or after a change may be either version: when the interpreter
# started is not known, only when it first imported linvae.
_DOUBT_SECONDS = 2
_STARTS = 5
_COUNTER = "LINVAE_STARTS"
# File systems stamp with the clock's last tick.
_TICK_NS = 50_000_000


class ChangedCodeError(RuntimeError):
    """The code that a job has imported is not the code that was planned."""


def plan(script: str | Path, modules: Iterable[str] = ()) -> str:
    """Return a program's fingerprint, and leave the hashes of its files for its jobs.

    Parameters
    ----------
    script
        Path of the program.
    modules
        Modules that the program loads by name.
    """
    files = code_files(script, modules)
    hashes = {name: _hashes(path) for name, path in files.items()}
    code = _fingerprint(hashes)
    if _left_by_plan(code) != hashes:
        with suppress(OSError):  # a job that misses them hashes for itself
            write_json(_FOLDER / f"{code}.json", hashes)
    for path in files.values():
        # Compiled anew once, no job needs to look at what it holds.
        if _may_be_stale(path):
            with suppress(OSError):
                Path(cache_from_source(path)).unlink(missing_ok=True)
    return code


def require_planned(code: str, script: str | Path, modules: Iterable[str] = ()) -> None:
    """Stop unless the code that is imported, by now and from now on, is what was planned.

    Parameters
    ----------
    code
        The fingerprint that was planned.
    script
        Path of the program.
    modules
        Modules that the program loads by name.

    Raises
    ------
    ChangedCodeError
        If it is not. The message names the files where planning has left their hashes.
    """
    hashes = _left_by_plan(code)
    if hashes is None:
        hashes = {name: _hashes(path) for name, path in code_files(script, modules).items()}
        if _fingerprint(hashes) != code:
            raise ChangedCodeError(_changed([f"the code of {_shown(script)}"]))
    program = _Program(hashes, script)
    program.check_imports_until_now()
    sys.meta_path.insert(0, program)


class _Program(MetaPathFinder):
    """The planned files of a program; as the first finder, it sees every later import."""

    def __init__(self, hashes: Mapping[str, Mapping], script: str | Path) -> None:
        self.hashes = hashes
        self.files = {
            name: Path(script) if name == "__main__" else module_file(name) for name in hashes
        }

    def check_imports_until_now(self) -> None:
        """Compare all files, and make sure that those imported were read as they are now."""
        changed = [name for name in self.hashes if not self._is_unchanged(name)]
        if changed:
            raise ChangedCodeError(_changed([_shown(self.files[name] or name) for name in changed]))
        # A folder that is no package has no file.
        imported = {name: module for name, module in sys.modules.items() if _is_ours(name)}
        imported = {name: file for name, m in imported.items() if (file := m.__file__)}
        for name, file in imported.items():
            self._require_known(name, file)
        stale = [name for name in imported if self._forget_stale(name)]
        if stale or any(self._is_doubtful(name) for name in ("__main__", *imported)):
            _start_again()

    def find_spec(self, name: str, *_: object) -> None:
        """Check a module that is about to be imported; finding it is left to the next finder."""
        file = module_file(name)
        if _is_ours(name) and file is not None:
            self._require_known(name, file)
            if not self._is_unchanged(name):
                raise ChangedCodeError(_changed([_shown(file)]))
            self._forget_stale(name)

    def _require_known(self, name: str, file: str | Path) -> None:
        """Refuse a module that the fingerprint does not cover."""
        if name not in self.hashes:
            msg = f"{name} is imported, but not by a statement: name it in the call of run"
            raise ChangedCodeError(msg)
        if not os.path.samefile(file, self.files[name]):
            msg = f"{name} comes from {file} and not from {self.files[name]}"
            raise ChangedCodeError(msg)

    def _is_unchanged(self, name: str) -> bool:
        """Whether a file still holds the code that was planned, if not the same text."""
        try:
            source = self.files[name].read_bytes()
            if hashlib.sha256(source).hexdigest() == self.hashes[name]["bytes"]:
                return True
            return tree_hash(self.files[name], source) == self.hashes[name]["code"]
        except (AttributeError, OSError, SyntaxError, ValueError):  # no such file, or no Python
            return False

    def _is_doubtful(self, name: str) -> bool:
        """Whether a file may have been another when it was read, since it changed so late."""
        changed = self.files[name].stat().st_ctime_ns
        since = linvae.IMPORTED_AT - _DOUBT_SECONDS
        return changed != self.hashes[name]["changed"] and changed / 1e9 > since

    def _forget_stale(self, name: str) -> bool:
        """Remove compiled code that is not its source's though times and sizes match."""
        path = self.files[name]
        if not _may_be_stale(path):
            return False
        loader = SourceFileLoader(name, str(path))
        source = path.read_bytes()
        if loader.get_code(name) == loader.source_to_code(source, str(path)):
            return False
        Path(cache_from_source(path)).unlink(missing_ok=True)
        return True


def _is_ours(name: str) -> bool:
    """Whether a module decides what a program of linvae gives."""
    return name.partition(".")[0] == "linvae" and name not in BOOKKEEPING


def _may_be_stale(path: Path) -> bool:
    """Whether a source is no older than its compiled code: times in seconds could match still."""
    try:
        return (
            Path(cache_from_source(path)).stat().st_mtime_ns <= path.stat().st_ctime_ns + _TICK_NS
        )
    except OSError:
        return False


def _start_again() -> None:
    """Replace this process by a new one, which reads the files as they are now."""
    starts = int(os.environ.get(_COUNTER, 1))
    if starts >= _STARTS:
        msg = "files of linvae change while this job starts; run the same command again"
        raise ChangedCodeError(msg)
    os.environ[_COUNTER] = str(starts + 1)
    time.sleep(_DOUBT_SECONDS)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@cache
def _hashes(path: Path) -> dict[str, str | int]:
    changed = path.stat().st_ctime_ns
    source = path.read_bytes()
    return {
        "bytes": hashlib.sha256(source).hexdigest(),
        "changed": changed,
        "code": tree_hash(path, source),
    }


def _fingerprint(hashes: Mapping[str, Mapping]) -> str:
    return combined({name: found["code"] for name, found in hashes.items()})


def _left_by_plan(code: str) -> dict[str, dict] | None:
    """Hashes of the files of a fingerprint, or None if there are none or they are damaged."""
    try:
        hashes = read_json(_FOLDER / f"{code}.json")
        return hashes if _fingerprint(hashes) == code else None
    except (OSError, DamagedFileError, LookupError, TypeError, AttributeError):
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
