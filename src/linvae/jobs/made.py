"""What a file was computed with: versions, commit, machine. It lies beside the file.

Nothing of it is part of an address: a result stays when a library is upgraded, and says which
version it is of.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from linvae.jobs.atomic import replacing
from linvae.jobs.job import Job

__all__ = ["computed_with", "write_made"]

# What results may depend on.
_PACKAGES = (
    "linvae",
    "matplotlib",
    "numpy",
    "pandas",
    "pydantic",
    "safetensors",
    "scipy",
    "torch",
    "torchvision",
)

_OF_A_HOOK = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
)


def write_made(path: str, job: Job) -> None:
    """Write what made a job's outputs: all that decides them, and what they were computed with."""
    content = {"job": job.to_dict(), "address": job.address, "computed": computed_with()}
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, sort_keys=True)
        temporary.write_text(text + "\n", encoding="utf-8")


def computed_with() -> dict[str, object]:
    """Return commit, versions and machine of this process.

    Returns
    -------
    dict
        ``commit``, and whether the checkout was ``clean``, both None outside a checkout;
        ``versions`` by package, None where it is not installed; ``platform``.
    """
    return {
        **_code(),
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "byteorder": sys.byteorder,
        },
    }


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _code() -> dict[str, object]:
    """Return the commit of the checkout, and whether it held changes; nulls if it is none."""
    root = Path(__file__).resolve().parents[3]
    # A copy without a history of its own may lie in somebody else's checkout.
    top = _git(root, "rev-parse", "--show-toplevel", "HEAD")
    folder, _, commit = (top or "").partition("\n")
    if not folder or Path(folder).resolve() != root:
        return {"commit": None, "clean": None}
    status = _git(root, "status", "--porcelain")
    return {"commit": commit, "clean": None if status is None else not status}


def _git(root: Path, *arguments: str) -> str | None:
    # A hook of git that starts a study names its own repository so.
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
