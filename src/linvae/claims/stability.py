"""Claim 4: which stationary points of the marginal likelihood are stable.

The claim is exact, and its points differ in kind, not by chance: there is no interval. A point is
stable if no curvature in all entries of W is above zero. One point turns the verdict: one that is
stable though an unused eigenvalue exceeds sigma^2, one that rises although none does, or a zero
column whose Hessian is not the formula's. Points of one kind alone leave it open, as "exactly when"
needs both.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, Finding

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

    `table` is as `linvae.landscape.hessian.hessian_table` gives it.
    """
    groups = table.groupby(["noise_at", "retained"], sort=False)
    points = pd.DataFrame([_point(rows) for _, rows in groups])
    judged, without = points[points["n_zero"] > 0], points[points["n_zero"] == 0]
    rows = [*_judged(judged), *_beside(points, without)]
    sentences = {
        "supported": f"Each of {len(judged)} stationary points with a zero column is stable "
        "exactly when no unused eigenvalue exceeds sigma^2.",
        "not supported": f"The rule fails at one of {len(judged)} stationary points, or is not the "
        "Hessian's.",
        "inconclusive": f"Open: the {len(judged)} stationary points are all of one kind, stable or "
        "not.",
    }
    return Finding.of(rows, sentences)


def _judged(points: pd.DataFrame) -> Iterator[Evidence]:
    """Compare points with a zero column with the rule, and their Hessian with the formula."""
    n, stable = len(points), int(points["stable"].sum())
    agree = int((points["stable"] == points["rule"]).sum())
    worst = float(points["error"].max()) if n else 0.0
    told = {"condition": "with a zero column", "answer": "yes" if agree == n else "no"}
    what = "stationary points that are stable or not as the rule says"
    yield Evidence.exact(what, agree, "points", reference=n, main=True, **told)
    what = "relative difference of Hessian and formula, the worst"
    told = {"condition": "all zero columns and eigenvectors", "margin": SAME_CURVATURE}
    answer = "yes" if worst <= SAME_CURVATURE else "no"
    yield Evidence.exact(what, worst, answer=answer, main=True, **told)
    what = f"stable points, of {n}"
    row = Evidence.exact(what, stable, "points", condition="with a zero column")
    # "Exactly when" needs points of both kinds.
    one_kind = stable in (0, n)
    settles = "other values of study.stationary.noise_at"
    yield row.answered("undecided" if one_kind else None, settles)


def _beside(points: pd.DataFrame, without: pd.DataFrame) -> Iterator[Evidence]:
    """Say what the rule without its condition does, and which points are not what they should."""
    n = int((without["stable"] & ~without["rule"]).sum())
    if n:
        what = f"stable points where an unused eigenvalue exceeds sigma^2, of {len(without)}"
        yield Evidence.exact(what, n, "points", condition="without a zero column")
    worst = float(points["gradient"].max())
    if worst > SAME_CURVATURE:
        what = "gradient at a point that should be stationary"
        yield Evidence.exact(what, worst, margin=SAME_CURVATURE, answer="no")


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
