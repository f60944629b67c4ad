"""Which runs a study rests on, and where their files lie."""

from pathlib import PurePosixPath

import pandas as pd

from linvae.inputs import Inputs
from linvae.naming import Run

__all__ = ["runs_table", "training_folder"]

_COLUMNS = ["model", "data", "n_latent", "noise", "seed", "folder", "metrics"]


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
            "folder": training_folder(run, path),
            "metrics": path,
        }
        for run, path in inputs.files("metrics.json").items()
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)


def training_folder(run: Run, path: str) -> str:
    """Return the folder of a run's weights, by the path of its metrics: measuring lies below it."""
    parts = PurePosixPath(path).parts
    named = len(str(run).split("/"))
    return "/".join(parts[: parts.index("train") + named + 2])
