"""The second half of claim 13: what networks of other widths leave in their residuals."""

import json

import numpy as np
import pandas as pd

from linvae.claims.deciding import side, would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, joint, not_run
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.settings.margins import Margins

__all__ = ["falls_with_width", "width_runs"]

ENOUGH_WIDTHS = 3
# On few images a held-out variance may come out negative.
_LEAST = 1e-3


def width_runs(results: Results) -> pd.DataFrame:
    """Tabulate the runs of `sizes` that differ in the width of their hidden layers alone.

    One row a run: ``group`` (what they have in common), ``width`` (of the narrowest layer),
    ``model``, ``initial``, ``seed``, ``cpu_seconds``, and ``log_rho`` of train and, with the prefix
    ``test_``, of test images: log(rho_1 / sigma^2). Only groups of enough widths.
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
    row = {
        "group": json.dumps(shared, sort_keys=True),
        "width": settings.narrowest,
        "model": run.model,
        "initial": float(run.noise.split("-")[1]),
        "seed": run.seed,
        "cpu_seconds": results.cpu_seconds(run),
    }
    return row | {
        f"{prefix}log_rho": float(np.log(max(metrics[f"{prefix}residual_max"], _LEAST)))
        for prefix in SPLITS.values()
    }


def falls_with_width(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 13, of widths. Whether rho_1 / sigma^2 falls from the narrowest to the widest network.

    Parameters
    ----------
    runs : DataFrame
        As `width_runs` gives them.
    margins
        Of the study.
    """
    if runs.empty:
        return not_run(f"Not run: networks of {ENOUGH_WIDTHS} widths that differ in nothing else.")
    answers: list[Answer] = []
    parts, numbers = [], []
    n = len(SPLITS) * runs["group"].nunique()
    for _, rows in runs.groupby("group", sort=False):
        found = {split: _fall(rows, prefix, margins, n) for split, prefix in SPLITS.items()}
        answers += [case["answer"] for case in found.values()]
        numbers.append(found)
        widths = sorted(rows["width"].unique())
        told = "; ".join(_sentence(split, case, rows, margins) for split, case in found.items())
        parts.append(f"Widths {', '.join(map(str, widths))} at equal updates: {told}.")
    verdict = joint(answers)
    return Finding(verdict, " ".join(parts), {"groups": numbers}, {"widths": verdict})


def _fall(rows: pd.DataFrame, prefix: str, margins: Margins, n: int) -> dict[str, object]:
    """Compare the narrowest network with the widest on one split, and all neighbours."""
    cells = PooledCells.of(rows, f"{prefix}log_rho", "width")
    narrowest, widest = cells.means.index.min(), cells.means.index.max()
    fall = cells.contrast({narrowest: 1.0, widest: -1.0}, margins.level, n)
    where = side(fall, float(np.log1p(margins.residual)), none=0.0)
    monotone = bool((np.diff(cells.means.sort_index()) < 0).all())
    answer: Answer = "undecided"
    if where == "below":
        answer = "no"
    elif where == "above" and monotone:
        answer = "yes"
    return {
        "answer": answer,
        "rho": {str(width): float(np.exp(mean)) for width, mean in cells.means.items()},
        "log_fall": fall.to_dict(),
        "monotone": monotone,
    }


def _sentence(split: str, case: dict, rows: pd.DataFrame, margins: Margins) -> str:
    rho = ", ".join(f"{value:.3g}" for value in case["rho"].values())
    fall = Interval(**case["log_fall"])
    text = f"{split} rho_1 / sigma^2 = {rho}, its logarithm falls by {fall}"
    if case["answer"] != "undecided":
        return text
    if not case["monotone"] and fall.above(0):
        return f"{text}, but not from each width to the next"
    return f"{text} ({would_decide(fall, round(float(np.log1p(margins.residual)), 3), '', rows)})"
