"""Bring what a study says to its stable names, from the addresses where it was computed."""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from linvae.files import write_text
from linvae.jobs.atomic import replacing

__all__ = ["STAMPS", "publish"]

STAMPS = "finished-*.txt"


def publish(
    files: Mapping[str, str],
    runs: Mapping[str, str],
    stamp: str | Path,
    rests_on: Iterable[str] = (),
) -> None:
    """Copy files, link the files of runs, and leave a stamp that names all of them.

    Older stamps go first and the new one comes last: without a stamp the folder may be mixed.

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
    stamp = Path(stamp)
    folder = stamp.parent
    for old in folder.glob(STAMPS):
        old.unlink()
    for name, path in files.items():
        with replacing(folder / name) as temporary:
            # With its times: a copy is known by them.
            shutil.copy2(path, temporary)
    _drop_others(folder, {*files, *runs})
    for name, path in runs.items():
        _link(folder / name, path)
    named = {**files, **runs}
    lines = [f"{name} {path}" for name, path in sorted(named.items())]
    lines += [f"- {path}" for path in sorted(set(rests_on) - set(named.values()))]
    write_text(stamp, "\n".join(lines))


def _drop_others(folder: Path, names: set[str]) -> None:
    """Remove figures, tables and links of before, which are none of this study's any more."""
    for part in ("figures", "tables", "runs"):
        for root, _, found in os.walk(folder / part, topdown=False):
            for name in found:
                path = Path(root, name)
                if path.relative_to(folder).as_posix() not in names:
                    path.unlink()
            with suppress(OSError):  # others are in it
                os.rmdir(root)


def _link(link: Path, path: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    # Of two folders below results/, so that it holds wherever that lies.
    target = os.path.relpath(path, link.parent)
    if link.is_symlink() and os.readlink(link) == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)
