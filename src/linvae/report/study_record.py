"""What a study was: its configuration, its code, its versions, and the folder of every run."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.inputs import Inputs

__all__ = ["runs_table", "study_record"]

# What results may depend on.
_PACKAGES = (
    "linvae",
    "matplotlib",
    "numpy",
    "pandas",
    "pydantic",
    "safetensors",
    "scipy",
    "snakemake",
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


def runs_table(inputs: Inputs) -> pd.DataFrame:
    """Tabulate the runs whose metrics are among the files, with the folder of each.

    Returns
    -------
    DataFrame
        Columns ``model``, ``data``, ``n_latent``, ``noise``, ``seed``, ``folder`` (of weights and
        curve), ``metrics`` (their file).
    """
    rows = [
        {
            "model": run.model,
            "data": run.data,
            "n_latent": run.n_latent,
            "noise": run.noise,
            "seed": run.seed,
            "folder": run.folder,
            "metrics": path,
        }
        for run, path in inputs.files("metrics.json").items()
    ]
    columns = ["model", "data", "n_latent", "noise", "seed", "folder", "metrics"]
    return pd.DataFrame(rows, columns=columns)


def study_record(configuration: Mapping, device: str, provenance: Mapping) -> dict[str, object]:
    """Return what to know about a study later on, as JSON holds it.

    Parameters
    ----------
    configuration
        Resolved: overlays merged, `extends` and defaults filled in. What is off (null, false, zero
        or empty) by default is not told where it is off.
    device
        What ``device: auto`` meant.
    provenance
        Of the images.
    """
    return {
        "name": configuration["name"],
        "configuration": configuration,
        "device": device,
        "data": provenance,
        "code": _code(),
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
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != root:
        return {"commit": None, "clean": None}
    commit = _git(root, "rev-parse", "HEAD")
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
