"""What lies in a folder of results and no study there needs: older addresses, the old layout."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from linvae.files import DamagedFileError, read_json
from linvae.naming import ADDRESS_PATTERN
from linvae.planning.plan import Plan
from linvae.report.publish import STAMPS, named_by_stamps

__all__ = ["Unneeded", "finished_studies", "needed_folders", "remove", "report", "unneeded"]

# Folders below results/ with what was computed, at addresses; `saddles` was called `rotated`.
_COMPUTED = (
    *("data", "hessian", "ppca", "report", "restarts", "rotated", "saddles", "spectrum", "train"),
)
_ABOUT_JOBS = ("logs", "benchmarks")
_ADDRESS = re.compile(ADDRESS_PATTERN)
# What lies at no address, and stays: what `auto` was settled to, and what was downloaded.
_KEPT = ("auto.json", "download")


@dataclass(frozen=True)
class Unneeded:
    """A file or folder that no study needs.

    Attributes
    ----------
    path
    kind
        What it is, in words.
    size
        Of all its files, in bytes.
    """

    path: Path
    kind: str
    size: int


def finished_studies(results: Path) -> dict[str, set[Path]]:
    """Return the folders that each finished study names in its stamp, by its name."""
    found: dict[str, set[Path]] = {}
    for stamp in sorted(path for pattern in STAMPS for path in results.glob(f"*/{pattern}")):
        named = named_by_stamps(stamp.parent).values()
        paths = {Path(path).parent for paths in named for path in paths}
        # And itself, whose log has its address.
        own = Path(stamp.stem.rpartition("-")[2])
        found.setdefault(stamp.parent.name, set()).update({own, *paths})
    return found


def needed_folders(results: Path, plans: Iterable[Plan]) -> set[Path]:
    """Return the folders of all jobs of some plans, and of what finished studies rest on."""
    folders = {Path(job.folder) for plan in plans for job in plan.jobs.values()}
    waiting = [folder for study in finished_studies(results).values() for folder in study]
    while waiting:
        folder = waiting.pop()
        if folder not in folders:
            folders.add(folder)
            with suppress(OSError, DamagedFileError, LookupError, TypeError):
                inputs = read_json(folder / "made.json")["job"]["inputs"].values()
                paths = [path for value in inputs for path in ([value], value)[type(value) is list]]
                waiting += [Path(path).parent for path in paths]
    return folders


def unneeded(results: Path, needed: set[Path]) -> list[Unneeded]:
    """List what may be removed, paths being meant from the folder above `results`."""
    chains = {part for folder in needed for part in (folder, *folder.parents)}
    addresses = {part.name for part in chains if _ADDRESS.fullmatch(part.name)}
    found = [one for kind in _COMPUTED for one in _below(results / kind, chains, at=False)]
    for kind in _ABOUT_JOBS:
        for path in sorted((results / kind).rglob("*")):
            if path.is_file() and path.stem not in addresses:
                found.append(Unneeded(path, "logs and benchmarks", _size(path)))
    for study in sorted(results.iterdir()) if results.is_dir() else ():
        if study.name not in (*_COMPUTED, *_ABOUT_JOBS):
            for name in (*_ABOUT_JOBS, ".made"):
                if (path := study / name).is_dir():
                    found.append(Unneeded(path, "the old layout", _size(path)))
    return found


def _below(folder: Path, chains: set[Path], *, at: bool) -> Iterator[Unneeded]:
    """Go down where something is needed; `at` tells whether the way leads through an address."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_address = bool(_ADDRESS.fullmatch(path.name)) and path.is_dir()
        if path.is_dir() and path in chains:
            yield from _below(path, chains, at=at or is_address)
        elif is_address:
            yield Unneeded(path, "other code or settings", _size(path))
        elif path.is_dir() and path.name not in _KEPT and not _has_address(path):
            yield Unneeded(path, "the old layout", _size(path))
        elif path.is_dir():
            if path.name not in _KEPT:
                yield from _below(path, chains, at=at)
        elif not at and path.name not in _KEPT:
            yield Unneeded(path, "the old layout", _size(path))


def _has_address(folder: Path) -> bool:
    return any(_ADDRESS.fullmatch(path.name) for path in folder.rglob("*") if path.is_dir())


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def report(found: Iterable[Unneeded], *, longest: int = 20) -> list[str]:
    """Tabulate what was found: sizes by kind, and the largest of it."""
    found = sorted(found, key=lambda one: -one.size)
    if not found:
        return ["Nothing: all that lies there is needed."]
    lines = []
    for kind in sorted({one.kind for one in found}):
        own = [one.size for one in found if one.kind == kind]
        lines.append(f"{_megabytes(sum(own))}  {kind}, {len(own)} paths")
    lines += [f"{_megabytes(sum(one.size for one in found))}  together; the largest are", ""]
    lines += [f"{_megabytes(one.size)}  {one.path}" for one in found[:longest]]
    if len(found) > longest:
        lines.append(f"{'':13}... and {len(found) - longest} more")
    return lines


def remove(found: Iterable[Unneeded]) -> None:
    """Remove what was found, and the folders that are empty then."""
    for one in found:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it
            for folder in list(one.path.parents)[:-2]:
                folder.rmdir()


def _megabytes(size: int) -> str:
    return f"{size / 1e6:10,.1f} MB"
