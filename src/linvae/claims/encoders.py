"""Claim 7: encoders that are not linear, with a linear decoder."""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.maximum import CONVERGED_SHARE, REACHED_NATS, linear_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, interval, joint

__all__ = ["OTHER_ENCODERS", "encoder_runs", "other_encoders"]

OTHER_ENCODERS = Claim(
    number=7,
    text="With a linear decoder, encoders other than linear end below the pPCA maximum.",
    made_by="paper, report",
    question=1,
    section="encoders",
    judge=lambda results: other_encoders(encoder_runs(results)),
    shown_in=("fig5",),
)


def other_encoders(runs: pd.DataFrame) -> Finding:
    """Claim 7. Whether encoders other than linear end below the pPCA maximum.

    A gap that a linear encoder leaves as well, trained in the same way, is not the encoder's: the
    linear one has the pPCA maximum for its own, so its gap measures how far training is from its
    end. An excess over it that is no larger than that gap decides nothing.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``model``, ``linear`` (the encoder is one matrix), ``optimiser``, ``seed``,
        ``gap`` in nats, ``falling`` as in `linvae.claims.maximum.reaches_maximum`.
    """
    control = runs[runs["linear"]].groupby("seed")["gap"].mean()
    numbers, answers, parts = {}, [], []
    for (model, linear), rows in runs.groupby(["model", "linear"]):
        gaps = rows.set_index("seed")["gap"]
        excess = (gaps - control).dropna() if not linear else pd.Series(dtype=float)
        own, falling = interval(gaps), float(rows["falling"].mean())
        row = {"gap": own.to_dict(), "falling": falling, "optimiser": rows["optimiser"].iloc[0]}
        parts.append(f"{model} ({row['optimiser']}): gap {own} nats")
        if not linear:
            more = interval(excess) if len(excess) else None
            row["excess_over_linear"] = more.to_dict() if more else None
            row["ends_below"] = _ends_below(own, more, falling, float(control.mean()))
            answers.append(row["ends_below"])
            parts[-1] += f", {more} more than the linear encoder" if more else ""
            parts[-1] += " and still falling" if falling >= CONVERGED_SHARE else ""
        numbers[model] = row
    reason = {
        "supported": "All end below the maximum and below the linear encoder.",
        "not supported": "At least one encoder ends no lower than the maximum or the linear one.",
        "inconclusive": "Not all can be told from the linear encoder by more than its own gap to "
        "the maximum, which it reaches if trained to the end; or they had not stopped rising.",
    }
    verdict = joint(answers)
    return Finding(verdict, f"{'; '.join(parts)}. {reason[verdict]}", numbers)


def encoder_runs(results: Results) -> pd.DataFrame:
    """Tabulate all encoders, one row a run; ``linear`` where the encoder is a single matrix."""
    runs = linear_runs(results, "encoders")
    linear = [results.models[name].encoder.is_single_matrix for name in runs["model"]]
    return runs.assign(linear=linear)


def _ends_below(own: Interval, more: Interval | None, falling: float, unfinished: float) -> Answer:
    if own.below(REACHED_NATS) or (more is not None and more.below(0.0)):
        return "no"
    if more is None or falling >= CONVERGED_SHARE:
        return "undecided"
    return "yes" if own.above(REACHED_NATS) and more.above(unfinished) else "undecided"
