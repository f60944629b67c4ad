"""Claim 1: whether training a linear VAE reaches the maximum of pPCA.

The claim is about the ELBO and not about an optimiser: one optimiser at the maximum on every seed
is enough. Seeds are judged one by one; intervals over seeds are only shown. What would turn the
verdict: an ELBO above the maximum, or an optimiser that comes to its end below it while none
reaches it.
"""

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence
from linvae.claims.finding import Finding
from linvae.claims.results import Results
from linvae.claims.rows import linear_row
from linvae.claims.verdicts import Answer, interval
from linvae.digits import short
from linvae.naming import Run
from linvae.settings.model import Training

__all__ = ["ADAM_FALLS_SHORT", "REACHES_MAXIMUM", "linear_runs", "reaches_maximum"]

# Why figures 1 to 3 of the report look as they do.
ADAM_FALLS_SHORT = (
    "Adam moves each parameter by about its learning rate a step and runs out of steps before it "
    "arrives: training falls short, not the theorem."
)

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
    earlier=(
        Earlier(
            1,
            "",
            "A curve like that of Adam here with one small rate for all parameters.",
            "The ELBO of the linear VAE reaches the pPCA maximum.",
            report_side=None,
            paper_side=True,
            why=ADAM_FALLS_SHORT,
        ),
    ),
    checked="from memory",
)


def reaches_maximum(runs: pd.DataFrame, reached: float) -> Finding:
    """Claim 1. Whether an optimiser closes the gap between ELBO and pPCA maximum.

    Parameters
    ----------
    runs : DataFrame
        As `linear_runs` gives it; ``gap`` in nats per datum.
    reached : float
        Gaps up to it count as none, in nats per datum.
    """
    rows, numbers = [], {}
    for (name, condition), own in runs.groupby(["optimiser", "condition"], sort=False):
        gap = interval(own["gap"])
        row = Evidence(
            "gap to the pPCA maximum",
            gap,
            "nats",
            subject=name,
            condition=condition,
            split="train",
            margin=reached,
            main=True,
        )
        rows.append(row.answered(_reaches(own, reached), "more iterations"))
        worst = float(own["gap"].max())
        numbers[f"{name}, {condition}"] = {"gap": gap.to_dict(), "worst_gap": worst}
    above = runs.loc[runs["gap"] < -reached, "optimiser"].tolist()
    there = [row.subject for row in rows if row.answer == "yes"]
    stuck = [row.subject for row in rows if row.answer == "no"]
    headline = next(iter([*above, *there, *stuck]), None)
    sentence = _where_they_end(rows, above, there, stuck)
    return Finding.by_subject(rows, sentence, numbers, headline)


def _reaches(own: pd.DataFrame, reached: float) -> Answer | None:
    """Answer for one optimiser; a budget of steps that ends decides nothing."""
    gap = own["gap"]
    if (gap < -reached).any() or (own["ended"] & (gap > reached)).any():
        return "no"
    if (gap <= reached).all():
        return "yes"
    # Adam never comes to an end.
    return "undecided" if own["stops"].all() else None


def _where_they_end(
    rows: list[Evidence], above: list[str], there: list[str], stuck: list[str]
) -> str:
    short_of_it = [row for row in rows if row.answer is None]
    if above:
        return f"{above[0]} exceeds the pPCA maximum, which no ELBO can: the numbers are wrong."
    if there:
        text = f"{_listed(there)} the pPCA maximum on every seed"
        if short_of_it:
            row = min(short_of_it, key=lambda row: row.interval.mean)
            text += f"; {row.subject} runs out of steps {short(row.interval.mean)} nats below it"
        return f"{text}."
    if stuck:
        return f"{stuck[0]} comes to its end below the pPCA maximum, and no optimiser reaches it."
    return "Open: no optimiser reached the pPCA maximum on every seed before its steps ended."


def _listed(names: list[str]) -> str:
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last} reach" if others else f"{last} reaches"


def linear_runs(results: Results, section: str) -> pd.DataFrame:
    """Tabulate the runs of a section with linear decoders, one row a run.

    Columns beside the metrics: ``optimiser`` (a name to print) and ``condition`` (latents, and
    steps where they are a budget), ``rotates``, ``stops`` (L-BFGS, which has a rule to stop by),
    and ``ended`` (it stopped by that rule).
    """
    rows = []
    for run in results.runs(section):
        training, metrics = results.models[run.model].training, results.metrics(run)
        lbfgs = training.optimizer == "lbfgs"
        rows.append(
            {
                **linear_row(run, metrics),
                "optimiser": _optimiser(training),
                "condition": _condition(run, training),
                "rotates": lbfgs and not training.never_rotate,
                "stops": lbfgs,
                "ended": lbfgs and metrics["steps"] < training.steps,
            }
        )
    runs = pd.DataFrame(rows)
    several = runs.groupby("optimiser")["model"].transform("nunique") > 1
    return runs.assign(
        optimiser=runs["optimiser"].mask(several, runs["optimiser"] + " (" + runs["model"] + ")")
    )


def _optimiser(training: Training) -> str:
    if training.optimizer == "lbfgs":
        return "L-BFGS without rotations" if training.never_rotate else "L-BFGS"
    return f"{training.optimizer.capitalize()} at {training.learning_rate:g}"


def _condition(run: Run, training: Training) -> str:
    if training.optimizer == "lbfgs":
        return f"k = {run.n_latent}"
    budget = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
    return f"k = {run.n_latent}, {budget}"
