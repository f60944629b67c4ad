"""Claim 3: whether the columns of a linear VAE's decoder are the principal components.

Judged at the maximum alone, on every seed; intervals over seeds are only shown. What would turn the
verdict: a run that has come to its end at the maximum and whose columns are not the components.
"""

from dataclasses import replace

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence, missing
from linvae.claims.finding import Finding
from linvae.claims.maximum import ADAM_FALLS_SHORT, linear_runs
from linvae.claims.verdicts import Answer, interval

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

    Parameters
    ----------
    runs : DataFrame
        As `linear_runs` gives it; ``gap``, ``marginal_gap``, ``inference_gap`` in nats per datum.
    reached : float
        Gaps up to it count as none, in nats per datum.
    aligned : float
        Mean |cos| from which columns count as the components.
    """
    rows, numbers = [], {}
    for (name, condition), own in runs.groupby(["optimiser", "condition"], sort=False):
        row = _cosine_row(own, reached, aligned)
        rows.append(row)
        if not own["stops"].all() and (own["gap"] > reached).any():
            what = "inference gap, which is zero only where columns are orthogonal"
            found = interval(own["inference_gap"])
            rows.append(
                row.but(quantity=what, interval=found, unit="nats", reference=0.0, main=False)
            )
        numbers[f"{name}, {condition}"] = {
            measure: interval(own[measure]).to_dict() for measure in _MEASURES
        }
    if not (runs["stops"] & ~runs["rotates"]).any():
        what = "runs of L-BFGS without rotations"
        rows.append(missing(what, "a model for study.linear.unrotated"))
    found = Finding.of(rows, "", numbers)
    return replace(found, sentence=_sentence(found))


def _cosine_row(own: pd.DataFrame, reached: float, aligned: float) -> Evidence:
    """Give the row of one optimiser: of its runs at the maximum, of all if none is there."""
    there = own[(own["gap"] <= reached) & own["ended"]]
    answer: Answer | None = None
    if (there["mean_abs_cos"] < aligned).any():
        answer = "no"
    elif own["stops"].all() and not own["rotates"].any():
        answer = "yes" if len(there) else "undecided"
    row = Evidence(
        "mean |cos| of decoder columns and principal components",
        interval((there if len(there) else own)["mean_abs_cos"]),
        subject=str(own["optimiser"].iloc[0]),
        condition=str(own["condition"].iloc[0]),
        split="train",
        reference=aligned,
        main=True,
    )
    return row.answered(answer, "more iterations")


def _sentence(found: Finding) -> str:
    if found.verdict == "inconclusive":
        return "Open: no run of L-BFGS without rotations came to its end at the maximum."
    wanted = "yes" if found.verdict == "supported" else "no"
    row = min(
        (row for row in found.rows if row.answer == wanted), key=lambda row: row.interval.mean
    )
    cosine = f"mean |cos| is {row.interval.mean:.4f} by {row.subject}"
    if wanted == "yes":
        return f"At the maximum the columns are the principal components: {cosine}."
    return f"Not all columns are principal components at the maximum: {cosine}."
