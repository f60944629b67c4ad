"""Claims 1 and 3: the maximum that training a linear VAE reaches, and what it finds there."""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.rows import linear_row
from linvae.claims.verdicts import Finding, interval
from linvae.settings.model import Training

__all__ = [
    "COLUMNS_ARE_COMPONENTS",
    "CONVERGED_SHARE",
    "REACHED_NATS",
    "REACHES_MAXIMUM",
    "columns_are_components",
    "linear_runs",
    "reaches_maximum",
]

# Nats per datum, where the log-likelihoods at stake are of the order of a thousand.
REACHED_NATS = 0.01
# A run has converged if the last tenth of its steps closed less than this share of its gap.
CONVERGED_SHARE = 0.05
ALIGNED_COS = 0.99

REACHES_MAXIMUM = Claim(
    number=1,
    text="The ELBO of the linear VAE reaches the pPCA maximum.",
    made_by="paper",
    question=1,
    section="linear",
    judge=lambda results: reaches_maximum(linear_runs(results, "linear")),
    shown_in=("fig1", "fig10"),
)


def reaches_maximum(runs: pd.DataFrame) -> Finding:
    """Claim 1. Whether an optimiser closes the gap between ELBO and pPCA maximum.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``gap`` in nats, ``falling`` (share of the gap that
        the last tenth of the steps closed).
    """
    numbers = {
        optimiser: {
            "gap": interval(rows["gap"]).to_dict(),
            "worst_gap": float(rows["gap"].max()),
            "falling": float(rows["falling"].mean()),
            "reached": bool((rows["gap"] <= REACHED_NATS).all()),
        }
        for optimiser, rows in runs.groupby("optimiser")
    }
    reached = [name for name, row in numbers.items() if row["reached"]]
    converged = bool((runs["falling"] < CONVERGED_SHARE).all())
    if (runs["gap"] < -REACHED_NATS).any():
        verdict, reason = "not supported", "An ELBO exceeds the maximum, which must not happen."
    elif reached:
        verdict = "supported"
        reason = f"{', '.join(reached)} closes the gap to {REACHED_NATS:g} nats on every seed."
        if len(reached) < len(numbers):
            short = ", ".join(name for name in numbers if name not in reached)
            reason += f" {short} does not within its budget: a limit of that optimiser."
    elif converged:
        verdict, reason = "not supported", "Every optimiser has converged short of the maximum."
    else:
        verdict, reason = "inconclusive", "No optimiser reached the maximum or converged."
    return Finding(verdict, f"{_by_optimiser(runs, 'gap', 'gap')} {reason}", numbers)


COLUMNS_ARE_COMPONENTS = Claim(
    number=3,
    text="At the maximum the decoder's columns are the principal components.",
    made_by="paper",
    question=3,
    section="linear",
    judge=lambda results: columns_are_components(linear_runs(results, "linear")),
    shown_in=("fig2", "fig3"),
)


def columns_are_components(runs: pd.DataFrame) -> Finding:
    """Claim 3. Whether the columns of W are the principal components, at the maximum.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``mean_abs_cos``, and ``gap``, ``marginal_gap``,
        ``inference_gap`` in nats.
    """
    measures = ("mean_abs_cos", "gap", "marginal_gap", "inference_gap")
    numbers = {
        optimiser: {name: interval(rows[name]).to_dict() for name in measures}
        for optimiser, rows in runs.groupby("optimiser")
    }
    text = _by_optimiser(runs, "mean_abs_cos", "mean |cos|")
    for optimiser, row in numbers.items():
        gap, marginal, inference = (row[name]["mean"] for name in measures[1:])
        if gap > REACHED_NATS:
            text += (
                f" {optimiser} stopped {gap:.3g} nats short of the maximum: {marginal:.3g} in the "
                f"likelihood of its decoder, {inference:.3g} in inference, which is zero only "
                "where columns are orthogonal."
            )
    at_maximum = runs[runs["gap"] <= REACHED_NATS]
    if at_maximum.empty:
        reason = "No run reached the maximum, where alone the claim holds."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    lowest = float(at_maximum["mean_abs_cos"].min())
    verdict = "supported" if lowest >= ALIGNED_COS else "not supported"
    reason = f"Of the runs at the maximum the worst has mean |cos| {lowest:.5f}."
    return Finding(verdict, f"{text} {reason}", numbers)


def linear_runs(results: Results, section: str) -> pd.DataFrame:
    """Tabulate the runs of a section with linear decoders, one row a run, with ``optimiser``."""
    rows = [
        {
            **linear_row(run, results.metrics(run), results.curve(run)),
            "optimiser": _optimiser(run.model, results.models[run.model].training),
        }
        for run in results.runs(section)
    ]
    return pd.DataFrame(rows)


def _optimiser(model: str, training: Training) -> str:
    """Name a model's optimiser and its budget."""
    if training.optimizer == "lbfgs":
        return f"L-BFGS ({model})"
    budget = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return f"Adam ({model}: {budget} at {training.learning_rate:g})"


def _by_optimiser(runs: pd.DataFrame, column: str, label: str) -> str:
    parts = [f"{name}: {interval(rows[column])}" for name, rows in runs.groupby("optimiser")]
    unit = " in nats" if column == "gap" else ""
    return f"Final {label}{unit}, " + "; ".join(parts) + "."
