"""Reported beside claim 13: what networks of other widths leave in their residuals."""

import json
import math

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.evidence import Evidence
from linvae.claims.results import Results
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import parse_noise
from linvae.settings.margins import Margins

__all__ = ["fall_with_width", "width_runs"]

ENOUGH_WIDTHS = 3
# On few images a held-out variance may come out negative.
_LEAST = 1e-3


def width_runs(results: Results) -> pd.DataFrame:
    """Tabulate the runs of `sizes` that differ in the width of their hidden layers alone.

    One row a run: ``group`` (what they have in common), ``width`` (of the narrowest layer),
    ``model``, ``initial``, ``seed``, and ``log_rho`` of train and, with the prefix ``test_``, of
    test images: log(rho_1 / sigma^2). Only groups of enough widths.
    """
    rows = [_row(results, run) for run in results.runs("sizes") if run.noise.startswith("fixed")]
    runs = pd.DataFrame(rows)
    if runs.empty:
        return runs
    return runs[runs.groupby("group")["width"].transform("nunique") >= ENOUGH_WIDTHS]


def _row(results: Results, run: Run) -> dict[str, object]:
    settings, metrics = results.models[run.model], results.metrics(run)
    common = settings.without_size().model_dump(mode="json", exclude={"job": True})
    shared = [run.data, run.n_latent, run.noise, common]
    row = {"group": json.dumps(shared, sort_keys=True), "width": settings.narrowest}
    row |= {"model": run.model, "initial": parse_noise(run.noise).variance, "seed": run.seed}
    for prefix in SPLITS.values():
        row[f"{prefix}log_rho"] = math.log(max(metrics[f"{prefix}residual_max"], _LEAST))
    return row


def fall_with_width(
    runs: pd.DataFrame, margins: Margins
) -> tuple[list[Evidence], list[dict[str, object]]]:
    """Measure how rho_1 / sigma^2 falls from the narrowest to the widest network.

    `runs` are as `width_runs` gives them. The rows are only reported, two for each group of runs:
    on train and on test. The numbers are ``rho``, by group and split: the means of rho_1 / sigma^2
    by width.
    """
    rows, numbers = [], []
    for _, group in runs.groupby("group", sort=False) if len(runs) else ():
        means = {}
        for split, prefix in SPLITS.items():
            cells = CellMeans.of(group, f"{prefix}log_rho", "width")
            narrowest, *_, widest = cells.means
            fall = cells.contrast({narrowest: 1.0, widest: -1.0}, margins.level)
            what, where = "fall of log(rho_1 / sigma^2), narrowest to widest network", "widths"
            condition = f"widths {narrowest} to {widest}"
            rows.append(Evidence(what, fall, "", where, condition, split))
            rho = {str(width): math.exp(mean) for width, mean in cells.means.items()}
            means[split] = {"rho": rho}
        numbers.append(means)
    return rows, numbers
