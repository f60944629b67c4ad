"""Claim 4: which stationary points of the marginal likelihood are stable."""

import numpy as np
import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.verdicts import Finding

__all__ = ["STABILITY", "stability"]

# Relative: round-off of a d x d matrix inverse, with a wide margin.
SAME_CURVATURE = 1e-6

STABILITY = Claim(
    number=4,
    text="A stationary point of the likelihood is stable exactly when no unused lambda_j exceeds "
    "sigma^2.",
    made_by="paper",
    question=2,
    section="stationary",
    judge=lambda results: stability(results.table(results.study.stationary.table(results.names))),
    shown_in=("fig9",),
)


def stability(table: pd.DataFrame) -> Finding:
    """Claim 4. Whether automatic differentiation agrees with the rule for stability.

    Parameters
    ----------
    table : DataFrame
        As `linvae.evaluation.hessian.curvature` gives it.
    """
    points = [
        {"noise_at": int(noise_at), "retained": retained, **_point(rows)}
        for (noise_at, retained), rows in table.groupby(["noise_at", "retained"])
    ]
    error = max(point["error"] for point in points)
    stationary = all(point["gradient"] <= SAME_CURVATURE for point in points)
    agree = all(point["stable"] == point["rule"] for point in points)
    n_stable = sum(point["stable"] for point in points)
    numbers = {"points": points, "worst_relative_error": error, "n_stable": n_stable}
    text = (
        f"{len(points)} stationary points, {n_stable} of them stable, along all "
        f"{int(table['direction'].max())} eigenvectors: the Hessian by automatic differentiation "
        f"differs from the formula by at most {error:.1g} of its largest value."
    )
    if not (stationary and agree and error <= SAME_CURVATURE):
        return Finding("not supported", f"{text} They disagree.", numbers)
    if n_stable in (0, len(points)):
        return Finding("inconclusive", f"{text} All are of one kind.", numbers)
    return Finding("supported", f"{text} Every point is stable as the rule says.", numbers)


def _point(rows: pd.DataFrame) -> dict[str, object]:
    """Compare Hessian and formula at one stationary point."""
    scale = float(rows["formula"].abs().max())
    unused = rows[~rows["used"]]
    difference = np.maximum((rows["autograd"] - rows["formula"]).abs(), rows["off_diagonal"])
    return {
        "noise_variance": float(rows["noise_variance"].iloc[0]),
        "error": float(difference.max()) / scale,
        "gradient": float(rows["gradient"].max()),
        "largest_curvature": float(unused["autograd"].max()),
        "stable": bool(unused["autograd"].max() <= SAME_CURVATURE * scale),
        "rule": bool((unused["eigenvalue"] <= unused["noise_variance"]).all()),
    }
