"""Claims 1 and 3: training a linear VAE reaches the maximum of pPCA, and its components.

Seeds are judged one by one; intervals over seeds are only shown. Claim 1 is about the ELBO and not
about an optimiser: one optimiser at the maximum on every seed is enough. What would turn its
verdict: an ELBO above the maximum, or an optimiser that comes to its end below it while none
reaches it. Claim 3 is judged at the maximum alone. What would turn its verdict: a run that has come
to its end at the maximum and whose columns are not the components.
"""

from operator import attrgetter

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence, Finding, missing
from linvae.claims.results import Results
from linvae.claims.rows import linear_row
from linvae.claims.verdicts import Answer, Verdict, interval
from linvae.digits import short

__all__ = [
    "COLUMNS_ARE_COMPONENTS",
    "REACHES_MAXIMUM",
    "columns_are_components",
    "linear_runs",
    "reaches_maximum",
]

# Why figures 1 to 3 of the report look as they do.
_ADAM_FALLS_SHORT = (
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
            why=_ADAM_FALLS_SHORT,
        ),
    ),
    checked="from memory",
)


_MEASURES = ("mean_abs_cos", "gap", "marginal_gap", "inference_gap")

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
    earlier=tuple(
        Earlier(
            figure,
            "",
            said,
            "At the maximum the decoder's columns are the principal components.",
            report_side=None,
            paper_side=True,
            why=_ADAM_FALLS_SHORT,
        )
        for figure, said in (
            (2, "The columns are not aligned: Adam is tens of nats short after 5,000 steps."),
            (3, "The same columns are not aligned with those of pPCA."),
        )
    ),
    checked="from memory",
)


def reaches_maximum(runs: pd.DataFrame, reached: float) -> Finding:
    """Claim 1. Whether an optimiser closes the gap between ELBO and pPCA maximum.

    `runs` are as `linear_runs` gives them, with ``gap`` in nats per datum, of which those up to
    `reached` count as none.
    """
    rows, numbers = [], {}
    for (name, condition), own in runs.groupby(["optimiser", "condition"], sort=False):
        gap, told = interval(own["gap"]), {"split": "train", "margin": reached, "main": True}
        row = Evidence("gap to the pPCA maximum", gap, "nats", name, condition, **told)
        rows.append(row.answered(_reaches(own, reached), "more iterations"))
        worst = float(own["gap"].max())
        numbers[f"{name}, {condition}"] = {"gap": gap.to_dict(), "worst_gap": worst}
    above = runs.loc[runs["gap"] < -reached, "optimiser"].tolist()
    there = [row.subject for row in rows if row.answer == "yes"]
    stuck = [row.subject for row in rows if row.answer == "no"]
    headline = next(iter([*above, *there, *stuck]), None)
    sentence = "Open: no optimiser reached the pPCA maximum on every seed before its steps ended."
    if above:
        wrong = "exceeds the pPCA maximum, which no ELBO can: the numbers are wrong."
        sentence = f"{above[0]} {wrong}"
    elif there:
        sentence = _reached(there, [row for row in rows if row.answer is None])
    elif stuck:
        stops = "comes to its end below the pPCA maximum, and no optimiser reaches it."
        sentence = f"{stuck[0]} {stops}"
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


def _reached(there: list[str], short_of_it: list[Evidence]) -> str:
    *others, last = dict.fromkeys(there)
    names = f"{', '.join(others)} and {last} reach" if others else f"{last} reaches"
    text = f"{names} the pPCA maximum on every seed"
    if short_of_it:
        row = min(short_of_it, key=attrgetter("mean"))
        text += f"; {row.subject} runs out of steps {short(row.mean)} nats below it"
    return f"{text}."


def columns_are_components(runs: pd.DataFrame, reached: float, aligned: float) -> Finding:
    """Claim 3. Whether the columns of W are the principal components, at the maximum.

    A rotation to the principal axes is a step of L-BFGS here that builds the alignment in, so that
    only runs without it can support the claim. How close columns are is seen only where the gap has
    closed: an inference gap of a hundredth of a nat leaves neighbours mixed.

    `runs` are as `linear_runs` gives them, with ``gap``, ``marginal_gap`` and ``inference_gap`` in
    nats per datum, of which those up to `reached` count as none; from a mean |cos| of `aligned` on
    columns count as the components.
    """
    rows, numbers = [], {}
    for (name, condition), own in runs.groupby(["optimiser", "condition"], sort=False):
        rows.append(_cosine_row(own, reached, aligned))
        if not own["stops"].all() and (own["gap"] > reached).any():
            what = "inference gap, which is zero only where columns are orthogonal"
            gap = interval(own["inference_gap"])
            rows.append(Evidence(what, gap, "nats", name, condition, "train"))
        numbers[f"{name}, {condition}"] = {
            measure: interval(own[measure]).to_dict() for measure in _MEASURES
        }
    if not (runs["stops"] & ~runs["rotates"]).any():
        what = "runs of L-BFGS without rotations"
        rows.append(missing(what, "a model for study.linear.unrotated"))
    return Finding.of(rows, _sentences(rows), numbers)


def _cosine_row(own: pd.DataFrame, reached: float, aligned: float) -> Evidence:
    """Give the row of one optimiser: of its runs at the maximum, of all if none is there."""
    there = own[(own["gap"] <= reached) & own["ended"]]
    answer: Answer | None = None
    if (there["mean_abs_cos"] < aligned).any():
        answer = "no"
    elif own["stops"].all() and not own["rotates"].any():
        answer = "yes" if len(there) else "undecided"
    cosine = interval((there if len(there) else own)["mean_abs_cos"])
    what = "mean |cos| of decoder columns and principal components"
    where = str(own["optimiser"].iloc[0]), str(own["condition"].iloc[0]), "train"
    row = Evidence(what, cosine, "", *where, reference=aligned, main=True)
    return row.answered(answer, "more iterations")


def _sentences(rows: list[Evidence]) -> dict[Verdict, str]:
    """Name the worst cosine among the rows that decide."""
    said = {"inconclusive": "no run of L-BFGS without rotations came to its end at the maximum"}
    for verdict, answer in (("supported", "yes"), ("not supported", "no")):
        own = [row for row in rows if row.answer == answer]
        worst = min(own, key=attrgetter("mean"), default=None)
        said[verdict] = f"mean |cos| is {worst.mean:.4f} by {worst.subject}" if worst else ""
    return {
        "supported": "At the maximum the columns are the principal components: "
        f"{said['supported']}.",
        "not supported": "Not all columns are principal components at the maximum: "
        f"{said['not supported']}.",
        "inconclusive": f"Open: {said['inconclusive']}.",
    }


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
        name = "L-BFGS without rotations" if training.never_rotate else "L-BFGS"
        budget = f"{training.steps} steps" if training.steps else f"{training.epochs} epochs"
        told = {
            "optimiser": f"{training.optimizer.capitalize()} at {training.learning_rate:g}",
            "condition": f"k = {run.n_latent}, {budget}",
            "rotates": lbfgs and not training.never_rotate,
            "stops": lbfgs,
            "ended": lbfgs and metrics["steps"] < training.steps,
        }
        if lbfgs:
            told |= {"optimiser": name, "condition": f"k = {run.n_latent}"}
        rows.append({**linear_row(run, metrics), **told})
    runs = pd.DataFrame(rows)
    several = runs.groupby("optimiser")["model"].transform("nunique") > 1
    named = runs["optimiser"] + " (" + runs["model"] + ")"
    return runs.assign(optimiser=runs["optimiser"].mask(several, named))
