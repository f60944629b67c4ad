"""Whether what a study says still lies at its stable names, as the stamp there claims."""

import filecmp
import os
from pathlib import Path

from linvae.planning.plan import Plan

__all__ = ["forget_false_stamp"]


def forget_false_stamp(plan: Plan) -> None:
    """Remove a study's stamp if something at a stable name is not what it says.

    Then the local job that copies is planned again, and nothing else.
    """
    stamp = Path(plan.stamp)
    if not stamp.exists():
        return
    settings = plan.jobs[plan.final].settings
    folder = stamp.parent
    copied = all(_is_copy(folder / name, path) for name, path in settings["files"].items())
    linked = all(os.path.lexists(folder / name) for name in settings["runs"])
    if not (copied and linked):
        stamp.unlink(missing_ok=True)


def _is_copy(copy: Path, path: str) -> bool:
    try:
        return filecmp.cmp(copy, path)
    except OSError:
        # What it was copied from is computed again, and copied then.
        return copy.is_file() and not Path(path).is_file()
