"""Claim 3: whether the columns of a linear VAE's decoder are the principal components.

Judged at the maximum alone, on every seed; intervals over seeds are only shown. What would turn the
verdict: a run that has come to its end at the maximum and whose columns are not the components.
"""

from operator import attrgetter

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence, Finding, missing
from linvae.claims.maximum import ADAM_FALLS_SHORT, linear_runs
from linvae.claims.verdicts import Answer, Verdict, interval

__all__ = ["COLUMNS_ARE_COMPONENTS", "columns_are_components"]

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
            why=ADAM_FALLS_SHORT,
        )
        for figure, said in (
            (2, "The columns are not aligned: Adam is tens of nats short after 5,000 steps."),
            (3, "The same columns are not aligned with those of pPCA."),
        )
    ),
    checked="from memory",
)


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
