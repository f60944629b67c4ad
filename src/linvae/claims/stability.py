"""Claim 4: which stationary points of the marginal likelihood are stable.

The claim is exact, and its points differ in kind, not by chance: there is no interval. A point is
stable if no curvature in all entries of W is above zero. One point turns the verdict: one that is
stable though an unused eigenvalue exceeds sigma^2, one that rises although none does, or a zero
column whose Hessian is not the formula's. Points of one kind alone leave it open, as "exactly when"
needs both.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence
from linvae.claims.finding import Finding
from linvae.claims.verdicts import Interval

__all__ = ["STABILITY", "stability"]

# Relative to the largest curvature: round-off of a d x d matrix inverse, with a wide margin.
SAME_CURVATURE = 1e-6
# Times the noise variance: what Lanczos' method leaves. Curvatures that decide are 0.01 or more,
# unless two eigenvalues are as close as that.
FLAT = 1e-5


STABILITY = Claim(
    number=4,
    text="At fixed sigma^2 a stationary point of the likelihood with a zero column is stable "
    "exactly when no unused lambda_j exceeds sigma^2.",
    made_by="paper",
    question=2,
    section="stationary",
    judge=lambda results: stability(results.table(results.study.stationary.table(results.names))),
    shown_in=("fig9",),
    checked="from memory",
)


def stability(table: pd.DataFrame) -> Finding:
    """Claim 4. Whether automatic differentiation agrees with the rule for stability.

    Parameters
    ----------
    table : DataFrame
        As `linvae.landscape.hessian.hessian_table` gives it.
    """
    points = [_point(rows) for _, rows in table.groupby(["noise_at", "retained"], sort=False)]
    judged = [point for point in points if point["n_zero"] > 0]
    without = [point for point in points if point["n_zero"] == 0]
    rows = [_rule(judged), _hessian(judged), _stable(judged), *_needed(without)]
    found = Finding.of([*rows, *_not_stationary(points)], "")
    return replace(found, sentence=_SENTENCES[found.verdict].format(n=len(judged)))


_SENTENCES = {
    "supported": "Each of {n} stationary points with a zero column is stable exactly when no "
    "unused eigenvalue exceeds sigma^2.",
    "not supported": "The rule fails at one of {n} stationary points, or is not the Hessian's.",
    "inconclusive": "Open: the {n} stationary points are all of one kind, stable or not.",
}


def _rule(judged: list[dict]) -> Evidence:
    agree = sum(point["stable"] == point["rule"] for point in judged)
    return Evidence(
        "stationary points that are stable or not as the rule says",
        Interval.exact(agree),
        "points",
        condition="with a zero column",
        reference=float(len(judged)),
        answer="yes" if agree == len(judged) else "no",
        main=True,
    )


def _hessian(judged: list[dict]) -> Evidence:
    worst = max((point["error"] for point in judged), default=0.0)
    return Evidence(
        "relative difference of Hessian and formula, the worst",
        Interval.exact(worst),
        condition="all zero columns and eigenvectors",
        margin=SAME_CURVATURE,
        answer="yes" if worst <= SAME_CURVATURE else "no",
        main=True,
    )


def _stable(judged: list[dict]) -> Evidence:
    n = sum(point["stable"] for point in judged)
    row = Evidence(
        f"stable points, of {len(judged)}",
        Interval.exact(n),
        "points",
        condition="with a zero column",
    )
    # "Exactly when" needs points of both kinds.
    one_kind = n in (0, len(judged))
    settles = "other values of study.stationary.noise_at"
    return row.answered("undecided" if one_kind else None, settles)


def _needed(without: list[dict]) -> list[Evidence]:
    """Say what stable points without a zero column do to the rule without its condition."""
    n = sum(point["stable"] and not point["rule"] for point in without)
    what = f"stable points where an unused eigenvalue exceeds sigma^2, of {len(without)}"
    row = Evidence(what, Interval.exact(n), "points", condition="without a zero column")
    return [row] if n else []


def _not_stationary(points: list[dict]) -> list[Evidence]:
    worst = max(point["gradient"] for point in points)
    what = "gradient at a point that should be stationary"
    row = Evidence(what, Interval.exact(worst), margin=SAME_CURVATURE, answer="no")
    return [row] if worst > SAME_CURVATURE else []


def _point(rows: pd.DataFrame) -> dict[str, object]:
    """Compare Hessian and formula at one stationary point."""
    scale = float(rows["formula"].abs().max())
    unused = rows[~rows["used"]]
    difference = np.fmax((rows["autograd"] - rows["formula"]).abs(), rows["off_diagonal"])
    return {
        "n_zero": int(rows["n_zero"].iloc[0]),
        # Without zero columns there is nothing to compare.
        "error": float(difference.max()) / scale if rows["n_zero"].iloc[0] else 0.0,
        "gradient": float(rows["gradient"].max()),
        "stable": bool(rows["largest"].max() <= FLAT),
        "rule": bool((unused["eigenvalue"] <= unused["noise_variance"]).all()),
    }
