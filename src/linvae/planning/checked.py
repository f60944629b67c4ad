"""Whether what a study says still lies at its stable names, as the stamp there claims."""

import filecmp
from contextlib import suppress
from pathlib import Path

from linvae.planning.plan import Plan
from linvae.report.publish import is_link_to, set_aside

__all__ = ["forget_false_stamp"]


def forget_false_stamp(plan: Plan) -> None:
    """Set a study's stamp aside if something at a stable name is not what it says.

    Then the local job that copies is planned again, and nothing else.
    """
    stamp = Path(plan.stamp)
    if not stamp.exists():
        return
    settings, folder = plan.jobs[plan.final].settings, stamp.parent
    copied = all(_is_copy(folder / name, path) for name, path in settings["files"].items())
    if not copied or not all(is_link_to(folder / name, p) for name, p in settings["runs"].items()):
        with suppress(OSError):  # results that can only be read may still be looked at
            set_aside(stamp)


def _is_copy(copy: Path, path: str) -> bool:
    try:
        return filecmp.cmp(copy, path)
    except OSError:
        # What it was copied from is computed again, and copied then.
        return copy.is_file() and not Path(path).is_file()
