"""Claims 1 to 4: the maxima of the linear VAE's ELBO and of the marginal likelihood.

Each function takes numbers and gives a finding; none reads a file.
"""

import numpy as np
import pandas as pd

from linvae.claims.verdicts import Finding, interval

__all__ = [
    "CONVERGED_SHARE",
    "REACHED_NATS",
    "columns_are_components",
    "no_spurious_maxima",
    "reaches_maximum",
    "stability",
]

# Nats per datum, where the log-likelihoods at stake are of the order of a thousand.
REACHED_NATS = 0.01
# A run has converged if the last tenth of its steps closed less than this share of its gap.
CONVERGED_SHARE = 0.05
ALIGNED_COS = 0.99
# Fewer starts say little about all of them.
ENOUGH_STARTS = 20
# Relative: round-off of a d x d matrix inverse, with a wide margin.
SAME_CURVATURE = 1e-6


def reaches_maximum(runs: pd.DataFrame) -> Finding:
    """Claim 1. Whether an optimiser closes the gap between ELBO and pPCA maximum.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``gap`` in nats, ``falling`` (share of the gap that
        the last tenth of the steps closed).
    """
    numbers = {
        optimiser: {
            "gap": interval(rows["gap"]).to_dict(),
            "worst_gap": float(rows["gap"].max()),
            "falling": float(rows["falling"].mean()),
            "reached": bool((rows["gap"] <= REACHED_NATS).all()),
        }
        for optimiser, rows in runs.groupby("optimiser")
    }
    reached = [name for name, row in numbers.items() if row["reached"]]
    converged = bool((runs["falling"] < CONVERGED_SHARE).all())
    if (runs["gap"] < -REACHED_NATS).any():
        verdict, reason = "not supported", "An ELBO exceeds the maximum, which must not happen."
    elif reached:
        verdict = "supported"
        reason = f"{', '.join(reached)} closes the gap to {REACHED_NATS:g} nats on every seed."
        if len(reached) < len(numbers):
            short = ", ".join(name for name in numbers if name not in reached)
            reason += f" {short} does not within its budget: a limit of that optimiser."
    elif converged:
        verdict, reason = "not supported", "Every optimiser has converged short of the maximum."
    else:
        verdict, reason = "inconclusive", "No optimiser reached the maximum or converged."
    return Finding(verdict, f"{_by_optimiser(runs, 'gap', 'gap')} {reason}", numbers)


def no_spurious_maxima(starts: pd.DataFrame) -> Finding:
    """Claim 2. Whether every restart ends at the global maximum.

    Parameters
    ----------
    starts : DataFrame
        As `linvae.evaluation.restarts.restarts` gives it.
    """
    by_kind = starts.groupby("kind")["gap"]
    worst = float(starts["gap"].max())
    numbers = {
        "n_starts": len(starts),
        "worst_gap": worst,
        "worst_gap_by_kind": {kind: float(gap) for kind, gap in by_kind.max().items()},
        "n_by_kind": {kind: int(n) for kind, n in by_kind.size().items()},
        "most_iterations": int(starts["iterations"].max()),
        "worst_mean_abs_cos": float(starts["mean_abs_cos"].min()),
    }
    kinds = ", ".join(f"{n} {kind}" for kind, n in numbers["n_by_kind"].items())
    text = (
        f"L-BFGS from {len(starts)} starts ({kinds}): the worst ends {worst:.2g} nats below the "
        f"maximum, after at most {numbers['most_iterations']} iterations."
    )
    short = starts[starts["gap"] > REACHED_NATS]
    if short["converged"].any():
        return Finding("not supported", f"{text} A converged start ended short of it.", numbers)
    if len(short) > 0:
        return Finding("inconclusive", f"{text} Starts that fell short had not converged.", numbers)
    if len(starts) < ENOUGH_STARTS:
        reason = f"Fewer than {ENOUGH_STARTS} starts are too few for a verdict."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    return Finding("supported", text, numbers)


def columns_are_components(runs: pd.DataFrame) -> Finding:
    """Claim 3. Whether the columns of W are the principal components, at the maximum.

    Parameters
    ----------
    runs : DataFrame
        One row a run: ``optimiser``, ``seed``, ``mean_abs_cos``, and ``gap``, ``marginal_gap``,
        ``inference_gap`` in nats.
    """
    measures = ("mean_abs_cos", "gap", "marginal_gap", "inference_gap")
    numbers = {
        optimiser: {name: interval(rows[name]).to_dict() for name in measures}
        for optimiser, rows in runs.groupby("optimiser")
    }
    text = _by_optimiser(runs, "mean_abs_cos", "mean |cos|")
    for optimiser, row in numbers.items():
        gap, marginal, inference = (row[name]["mean"] for name in measures[1:])
        if gap > REACHED_NATS:
            text += (
                f" {optimiser} stopped {gap:.3g} nats short of the maximum: {marginal:.3g} in the "
                f"likelihood of its decoder, {inference:.3g} in inference, which is zero only "
                "where columns are orthogonal."
            )
    at_maximum = runs[runs["gap"] <= REACHED_NATS]
    if at_maximum.empty:
        reason = "No run reached the maximum, where alone the claim holds."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    lowest = float(at_maximum["mean_abs_cos"].min())
    verdict = "supported" if lowest >= ALIGNED_COS else "not supported"
    reason = f"Of the runs at the maximum the worst has mean |cos| {lowest:.5f}."
    return Finding(verdict, f"{text} {reason}", numbers)


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


def _by_optimiser(runs: pd.DataFrame, column: str, label: str) -> str:
    parts = [f"{name}: {interval(rows[column])}" for name, rows in runs.groupby("optimiser")]
    unit = " in nats" if column == "gap" else ""
    return f"Final {label}{unit}, " + "; ".join(parts) + "."
