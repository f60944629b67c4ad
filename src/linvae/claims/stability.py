"""Claim 4: which stationary points of the marginal likelihood are stable."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.verdicts import Finding

__all__ = ["STABILITY", "stability"]

# Relative to the largest curvature: round-off of a d x d matrix inverse, with a wide margin.
SAME_CURVATURE = 1e-6
# Times the noise variance: what Lanczos' method leaves. Curvatures that decide are 0.01 or more,
# unless two eigenvalues are as close as that.
FLAT = 1e-5


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    yield f"{numbers['n_stable']} of {len(numbers['points'])} stable"
    yield f"relative error of the formula {numbers['worst_relative_error']:.0e}"


STABILITY = Claim(
    number=4,
    text="At fixed sigma^2 a stationary point of the likelihood with a zero column is stable "
    "exactly when no unused lambda_j exceeds sigma^2.",
    made_by="paper",
    question=2,
    section="stationary",
    judge=lambda results: stability(results.table(results.study.stationary.table(results.names))),
    shown_in=("fig9",),
    main_numbers=_main_numbers,
)


def stability(table: pd.DataFrame) -> Finding:
    """Claim 4. Whether automatic differentiation agrees with the rule for stability.

    The claim is exact, and its points differ in kind, not by chance: there is no interval. A point
    is stable if no curvature in all entries of W is above zero. One point against the rule, either
    way, turns the verdict: one that is stable though an unused eigenvalue exceeds sigma^2, or one
    that rises although none does; so does any zero column whose Hessian is not the formula's. With
    points of one kind alone it is inconclusive, as "exactly when" needs both.

    Parameters
    ----------
    table : DataFrame
        As `linvae.landscape.hessian.hessian_table` gives it.
    """
    points = [
        {"noise_at": int(noise_at), "retained": str(retained), **_point(rows)}
        for (noise_at, retained), rows in table.groupby(["noise_at", "retained"], sort=False)
    ]
    judged = [point for point in points if point["n_zero"] > 0]
    without = [point for point in points if point["n_zero"] == 0]
    error = max((point["error"] for point in judged), default=0.0)
    stationary = all(point["gradient"] <= SAME_CURVATURE for point in points)
    agree = all(point["stable"] == point["rule"] for point in judged)
    n_stable = sum(point["stable"] for point in judged)
    numbers = {"points": points, "worst_relative_error": error, "n_stable": n_stable}
    text = (
        f"{len(judged)} stationary points with {_counts(judged)} zero columns, {n_stable} of them "
        f"stable: in every zero column and along all {int(table['direction'].max())} eigenvectors "
        f"the Hessian by automatic differentiation differs from the formula by at most {error:.1g} "
        f"of its largest value.{_exceptions(without)}"
    )
    if not (stationary and agree and error <= SAME_CURVATURE):
        return Finding("not supported", f"{text} They disagree.", numbers)
    if n_stable in (0, len(judged)):
        return Finding("inconclusive", f"{text} All are of one kind.", numbers)
    return Finding("supported", f"{text} Every point is stable as the rule says.", numbers)


def _point(rows: pd.DataFrame) -> dict[str, object]:
    """Compare Hessian and formula at one stationary point."""
    scale = float(rows["formula"].abs().max())
    unused = rows[~rows["used"]]
    difference = np.fmax((rows["autograd"] - rows["formula"]).abs(), rows["off_diagonal"])
    return {
        "noise_variance": float(rows["noise_variance"].iloc[0]),
        "n_zero": int(rows["n_zero"].iloc[0]),
        # Without zero columns there is nothing to compare.
        "error": float(difference.max()) / scale if rows["n_zero"].iloc[0] else 0.0,
        "gradient": float(rows["gradient"].max()),
        "largest_curvature": float(rows["largest"].max()),
        "stable": bool(rows["largest"].max() <= FLAT),
        "rule": bool((unused["eigenvalue"] <= unused["noise_variance"]).all()),
    }


def _counts(points: list[dict]) -> str:
    counts = sorted({point["n_zero"] for point in points})
    return f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else ", ".join(map(str, counts))


def _exceptions(without: list[dict]) -> str:
    """Say what stable points without a zero column do to the rule without its condition."""
    found = sum(point["stable"] and not point["rule"] for point in without)
    if not found:
        return ""
    return (
        " The condition is needed: maxima without a zero column that are stable though unused "
        f"eigenvalues exceed sigma^2: {found} of {len(without)}."
    )
