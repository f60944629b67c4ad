"""Claim 7: encoders that are not linear, with a linear decoder."""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.maximum import gap_numbers, linear_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import Finding, answer, interval, joint

__all__ = ["OTHER_ENCODERS", "encoder_runs", "other_encoders"]

# Of the intervals: several encoders are judged, each of which may refute the claim.
LEVEL = 0.99

OTHER_ENCODERS = Claim(
    number=7,
    text="With a linear decoder, encoders other than linear end below the pPCA maximum.",
    made_by="paper, report",
    question=1,
    section="encoders",
    judge=lambda results: other_encoders(encoder_runs(results), results.study.encoders.margin),
    shown_in=("fig5",),
    main_numbers=gap_numbers,
)


def other_encoders(runs: pd.DataFrame, margin: float) -> Finding:
    """Claim 7. Whether encoders other than linear end below the pPCA maximum.

    The maximum is the linear encoder's own. A way of training that does not bring the linear one
    there cannot tell what another lacks, and judges none. What would turn the verdict round: every
    encoder ending further below than the margin on all seeds, in a way of training by which the
    linear one arrives.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``model``, ``linear`` (the encoder is one matrix), ``trained`` (the way of
        training), ``seed``, ``gap`` in nats per datum.
    margin : float
        Gaps up to it count as none, in nats per datum.
    """
    numbers, answers, parts = {}, [], []
    for trained, way in runs.groupby("trained", sort=False):
        control = way.loc[way["linear"], "gap"]
        arrives = bool(len(control) and (control <= margin).all())
        for (model, linear), rows in way.groupby(["model", "linear"], sort=False):
            gap = interval(rows["gap"], LEVEL)
            row = {"gap": gap.to_dict(), "trained": trained, "linear": bool(linear)}
            parts.append(f"{model}: {gap}")
            if arrives and not linear:
                row["ends_below"] = answer(gap, margin)
                answers.append(row["ends_below"])
            numbers[model] = row
        short = "" if arrives else f" (its linear encoder is not within {margin:g}: judges none)"
        parts[-1] += f" by {trained}{short}"
    verdict = joint(answers)
    text = f"Gap to the pPCA maximum in nats, {'; '.join(parts)}."
    return Finding(verdict, f"{text} {_reason(verdict, bool(answers), margin)}", numbers)


def encoder_runs(results: Results) -> pd.DataFrame:
    """Tabulate all encoders, one row a run.

    Columns beside those of `linvae.claims.maximum.linear_runs`: ``linear`` where the encoder is a
    single matrix, and ``trained``.
    """
    runs = linear_runs(results, "encoders")
    solved = runs["model"].isin(results.study.encoders.solved)
    return runs.assign(
        linear=[results.models[name].encoder.is_single_matrix for name in runs["model"]],
        trained=solved.map({True: "solving the decoder", False: "training the decoder too"}),
    )


def _reason(verdict: str, judged: bool, margin: float) -> str:
    if not judged:
        return "No way of training brings the linear encoder to its own maximum, so none judges."
    return {
        "supported": "All others end below the maximum that the linear encoder reaches.",
        "not supported": "At least one of the others reaches it: what it lacked before was "
        "training, and not the encoder's.",
        "inconclusive": f"Some end on both sides of {margin:g} nats: more steps would decide.",
    }[verdict]
