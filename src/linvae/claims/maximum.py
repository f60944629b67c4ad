"""Claims 1 and 3: the maximum that training a linear VAE reaches, and what it finds there."""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.results import Results
from linvae.claims.rows import linear_row
from linvae.claims.verdicts import Finding, interval
from linvae.digits import shown_interval, significant
from linvae.naming import Run
from linvae.settings.model import Training

__all__ = [
    "gap_numbers",
    "COLUMNS_ARE_COMPONENTS",
    "REACHES_MAXIMUM",
    "columns_are_components",
    "linear_runs",
    "reaches_maximum",
]


def gap_numbers(numbers: Mapping) -> Iterator[str]:
    """Give the gap of each optimiser or encoder."""
    for name, row in numbers.items():
        yield f"{name} ends {shown_interval(row['gap'])} nats below the maximum"


REACHES_MAXIMUM = Claim(
    number=1,
    text="The ELBO of the linear VAE reaches the pPCA maximum.",
    made_by="paper",
    question=1,
    section="linear",
    judge=lambda results: reaches_maximum(
        linear_runs(results, "linear"), results.study.linear.reached
    ),
    shown_in=("fig1", "fig10"),
    main_numbers=gap_numbers,
)


def reaches_maximum(runs: pd.DataFrame, reached: float) -> Finding:
    """Claim 1. Whether an optimiser closes the gap between ELBO and pPCA maximum.

    What would turn the verdict round: an ELBO above the maximum, or an optimiser that has come to
    its end short of it on some seed, while none reaches it on all. An optimiser that stops because
    its budget does decides nothing.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``gap`` in nats per datum, and ``ended``: it has
        stopped by its own rule.
    reached : float
        Gaps up to it count as none, in nats per datum.
    """
    numbers = {
        optimiser: {
            "gap": interval(rows["gap"]).to_dict(),
            "worst_gap": float(rows["gap"].max()),
            "ended": bool(rows["ended"].all()),
            "reached": bool((rows["gap"] <= reached).all()),
        }
        for optimiser, rows in runs.groupby("optimiser", sort=False)
    }
    at_maximum = [name for name, row in numbers.items() if row["reached"]]
    stuck = runs[runs["ended"] & (runs["gap"] > reached)]
    if (runs["gap"] < -reached).any():
        verdict, reason = "not supported", "An ELBO exceeds the maximum, which must not happen."
    elif at_maximum:
        verdict = "supported"
        reason = f"{', '.join(at_maximum)}: within {reached:g} nats on every seed."
        if len(at_maximum) < len(numbers):
            short = ", ".join(name for name in numbers if name not in at_maximum)
            reason += f" {short}: not within the budget, a limit of that optimiser."
    elif len(stuck):
        verdict, reason = "not supported", "An optimiser came to its end short of the maximum."
    else:
        verdict = "inconclusive"
        reason = "No optimiser reached the maximum or came to its end; more steps would decide."
    return Finding(verdict, f"{_by_optimiser(runs, 'gap', 'gap')} {reason}", numbers)


def _cosine_numbers(numbers: Mapping) -> Iterator[str]:
    for name, row in numbers.items():
        yield f"mean |cos| {row['mean_abs_cos']['mean']:.4f} by {name}"


COLUMNS_ARE_COMPONENTS = Claim(
    number=3,
    text="At the maximum the decoder's columns are the principal components.",
    made_by="paper",
    question=3,
    section="linear",
    judge=lambda results: columns_are_components(
        linear_runs(results, "linear"), results.study.linear.reached, results.study.linear.aligned
    ),
    shown_in=("fig2", "fig3"),
    main_numbers=_cosine_numbers,
)


def columns_are_components(runs: pd.DataFrame, reached: float, aligned: float) -> Finding:
    """Claim 3. Whether the columns of W are the principal components, at the maximum.

    A rotation to the principal axes is a step of L-BFGS here that builds the alignment in, so that
    runs without are judged beside. What would turn the verdict round: a run at the maximum, which
    has come to its end, whose columns are not the components. How close columns are is seen only
    where the gap has closed: an inference gap of a hundredth of a nat leaves neighbours mixed.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``mean_abs_cos``, ``rotates`` and ``ended``, and
        ``gap``, ``marginal_gap``, ``inference_gap`` in nats per datum.
    reached : float
        Gaps up to it count as none, in nats per datum.
    aligned : float
        Mean |cos| from which columns count as the components.
    """
    measures = ("mean_abs_cos", "gap", "marginal_gap", "inference_gap")
    numbers = {
        optimiser: {name: interval(rows[name]).to_dict() for name in measures}
        for optimiser, rows in runs.groupby("optimiser", sort=False)
    }
    text = _by_optimiser(runs, "mean_abs_cos", "mean |cos|")
    for optimiser, row in numbers.items():
        gap, marginal, inference = (row[name]["mean"] for name in measures[1:])
        if gap > reached:
            text += (
                f" {optimiser} stopped {significant(gap, 3)} nats short of the maximum: "
                f"{significant(marginal, 3)} in the likelihood of its decoder, "
                f"{significant(inference, 3)} in inference, which is zero only where columns are "
                "orthogonal."
            )
    at_maximum = runs[(runs["gap"] <= reached) & runs["ended"]]
    plain = at_maximum[~at_maximum["rotates"]]
    if at_maximum.empty or plain.empty:
        missing = "" if at_maximum.empty else " without rotations, which build the alignment in"
        reason = f"No run came to its end at the maximum{missing}: study.linear.unrotated decides."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    lowest = float(at_maximum["mean_abs_cos"].min())
    verdict = "supported" if lowest >= aligned else "not supported"
    reason = (
        f"Of the runs that ended at the maximum the worst has mean |cos| {lowest:.5f}, of those "
        f"without rotations {float(plain['mean_abs_cos'].min()):.5f}."
    )
    return Finding(verdict, f"{text} {reason}", numbers)


def linear_runs(results: Results, section: str) -> pd.DataFrame:
    """Tabulate the runs of a section with linear decoders, one row a run.

    Columns beside the metrics: ``optimiser`` (a name to print), ``rotates``, and ``ended`` (L-BFGS
    that stopped by its own rule; Adam has none).
    """
    rows = []
    for run in results.runs(section):
        training, metrics = results.models[run.model].training, results.metrics(run)
        lbfgs = training.optimizer == "lbfgs"
        rows.append(
            {
                **linear_row(run, metrics),
                "optimiser": _optimiser(run, training),
                "rotates": lbfgs and not training.never_rotate,
                "ended": lbfgs and metrics["steps"] < training.steps,
            }
        )
    return pd.DataFrame(rows)


def _optimiser(run: Run, training: Training) -> str:
    """Name a run's optimiser and its budget."""
    if training.optimizer == "lbfgs":
        plain = ", never rotating" if training.never_rotate else ""
        return f"L-BFGS ({run.model}, k = {run.n_latent}{plain})"
    budget = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return f"Adam ({run.model}, k = {run.n_latent}: {budget} at {training.learning_rate:g})"


def _by_optimiser(runs: pd.DataFrame, column: str, label: str) -> str:
    parts = [
        f"{name}: {interval(rows[column])}" for name, rows in runs.groupby("optimiser", sort=False)
    ]
    unit = " in nats" if column == "gap" else ""
    return f"Final {label}{unit}, " + "; ".join(parts) + "."
