"""Bring what a study says to its stable names, from the addresses where it was computed."""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from linvae.files import write_text
from linvae.jobs.atomic import replacing

__all__ = ["STAMPS", "is_link_to", "named_by_stamps", "publish", "set_aside"]

# The stamp of a folder that is whole; and one that was, whose files are still named.
STAMPS = ("finished-*.txt", "was-finished-*.txt")


def publish(
    files: Mapping[str, str],
    runs: Mapping[str, str],
    stamp: str | Path,
    rests_on: Iterable[str] = (),
) -> None:
    """Copy files, link the files of runs, and leave a stamp that names all of them.

    Older stamps are set aside first and the new one comes last: a folder without a stamp that says
    finished may be mixed.

    Parameters
    ----------
    files
        What is copied, by its name below the stamp's folder.
    runs
        What is linked, by its name there, which begins with ``runs/``.
    stamp
        File to write. It names all of them, and all else that the study rests on.
    rests_on
        What the study rests on, too.
    """
    stamp, named = Path(stamp), {**files, **runs}
    folder = stamp.parent
    for old in folder.glob(STAMPS[0]):
        set_aside(old)
    _drop_former(folder, set(named))
    for name, path in files.items():
        with replacing(folder / name) as temporary:
            # With its times: a copy is known by them.
            shutil.copy2(path, temporary)
    for name, path in runs.items():
        _link(folder / name, path)
    lines = [f"{name} {path}" for name, path in sorted(named.items())]
    lines += [f"- {path}" for path in sorted(set(rests_on) - set(named.values()))]
    write_text(stamp, "\n".join(lines))
    for old in folder.glob(STAMPS[1]):
        old.unlink()


def set_aside(stamp: Path) -> None:
    """Let a stamp say finished no longer; it still names what the study rests on."""
    os.replace(stamp, stamp.with_name(f"was-{stamp.name}"))


def named_by_stamps(folder: Path) -> dict[str, set[str]]:
    """Return what a study's stamps name: the paths by name, ``-`` for those without one."""
    found: dict[str, set[str]] = {}
    for pattern in STAMPS:
        for stamp in sorted(folder.glob(pattern)):
            for line in stamp.read_text(encoding="utf-8").splitlines():
                name, _, path = line.partition(" ")
                found.setdefault(name, set()).add(path)
    return found


def is_link_to(link: Path, path: str) -> bool:
    """Whether a link leads to a file, in the words that `publish` writes into it."""
    return link.is_symlink() and os.readlink(link) == _target(link, path)


def _target(link: Path, path: str) -> str:
    # Of two folders below results/, so that it holds wherever that lies.
    return os.path.relpath(path, link.parent)


def _drop_former(folder: Path, names: set[str]) -> None:
    """Remove what former stamps name and the new one will not; a user's own files stay."""
    for name in named_by_stamps(folder).keys() - names - {"-"}:
        path = folder / name
        path.unlink(missing_ok=True)
        with suppress(OSError):  # others are in it
            for parent in path.relative_to(folder).parents:
                (folder / parent).rmdir()


def _link(link: Path, path: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not is_link_to(link, path):
        link.unlink(missing_ok=True)
        link.symlink_to(_target(link, path))
