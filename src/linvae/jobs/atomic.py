"""Write a file so that a reader sees either the whole file or none.

Every file is written under a temporary name beside its target, synced, and renamed. A program that
is killed leaves at most one temporary file, which the next writer of the same target removes; the
file of a writer that is still at work is left alone.
"""

import glob
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["discard_leftovers", "replacing"]


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path to write to; rename it to `path` if the block succeeds.

    Raises
    ------
    OSError
        If writing fails; it names `path`, whatever the failing call knew of it.
    """
    path = Path(path)
    # The suffix stays last, since numpy and matplotlib choose by it.
    temporary = path.with_name(
        f".{path.name}.part-{socket.gethostname()}-{os.getpid()}{path.suffix}"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_leftovers(path)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (None, str(temporary)):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):  # the error that matters is on its way already
            temporary.unlink(missing_ok=True)


def discard_leftovers(path: str | Path) -> None:
    """Remove what killed writers of `path` on this machine have left beside it."""
    path = Path(path)
    for part in path.parent.glob(f".{glob.escape(path.name)}.part-{socket.gethostname()}-*"):
        pid = part.name.removesuffix(path.suffix).rsplit("-", 1)[1]
        if not pid.isdecimal() or not _is_running(int(pid)):
            part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Bring a file to the disk: after a power failure its new name must not show an empty file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
