"""Where results go: a link that leads nowhere, or a file, is told before anything is planned."""

import os
from pathlib import Path

__all__ = ["dangling_link"]


def dangling_link(folder: str | Path) -> str | None:
    """Return one line on a link that leads nowhere, the folder itself or one directly in it.

    Snakemake would find it when a job needs the folder, and name neither the link nor its end.

    Parameters
    ----------
    folder
        Where results go; it need not exist.

    Returns
    -------
    str or None
        None where all is well.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file, and results go to a folder of that name: move it away"
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (folder, *inside):
        if path.is_symlink() and not path.exists():
            end = os.readlink(path)
            return (
                f"{path} is a link to {end}, which is not there: mount or make that folder "
                "(mkdir -p), or remove the link"
            )
    return None
