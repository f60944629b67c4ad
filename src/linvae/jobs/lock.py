"""One run at a time in a folder of results: Snakemake deletes outputs before a job starts.

Snakemake's own lock is on a working directory; a folder of results may be linked from several.
"""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import TextIO

__all__ = ["LockedError", "lock"]

_NAME = ".lock"


class LockedError(RuntimeError):
    """Another run computes in the folder; the message says whose."""


def lock(results: str | Path) -> TextIO | None:
    """Lock a folder of results until the file that is returned is closed, or the process ends.

    The system forgets the lock with the process, however that ends. The file stays, and says who
    has had it last.

    Returns
    -------
    file object or None
        None where the file system knows no locks.

    Raises
    ------
    LockedError
        If another process holds it.
    """
    path = Path(results) / _NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be opened ({error.strerror}): remove it, or have its owner do so"
        raise LockedError(msg) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "another run"
        file.close()
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            return None
        msg = (
            f"{path} is held by {holder}: one run at a time computes in a folder of results; "
            "wait for it or stop it, and run the same command again"
        )
        raise LockedError(msg) from None
    file.truncate(0)
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    file.write(f"process {os.getpid()} on {socket.gethostname()}, in {Path.cwd()}, since {started}")
    file.flush()
    return file
