"""Claim 12: when a deep VAE collapses entirely, and whether it had to."""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.observation_noise import deep_runs, near_optimum
from linvae.claims.verdicts import Finding

__all__ = ["TOTAL_COLLAPSE", "total_collapse"]

_REASONS = {
    "optimal": "At least one of them is no worse than the best linear VAE: no failure.",
    "stuck": "Not for every one of them does another run at the same sigma^2 escape.",
    "none": "A total collapse to explain, or enough runs near their optimum, are missing.",
}

TOTAL_COLLAPSE = Claim(
    number=12,
    text="A deep VAE collapses entirely only when sigma^2 exceeds the largest eigenvalue lambda_1; "
    "below it, total collapse is a failure of optimisation.",
    made_by="Li et al. (2025), this project",
    question=4,
    section="collapse",
    judge=lambda results: total_collapse(
        deep_runs(results, "collapse", "annealing", "optimisation")
    ),
    shown_in=("fig8", "fig11"),
)


def total_collapse(runs: pd.DataFrame) -> Finding:
    """Claim 12. Whether total collapse below lambda_1 is a failure of optimisation.

    It is one if the run ended below the linear bound, and another run at the same noise did not
    collapse entirely and has a higher ELBO.

    Parameters
    ----------
    runs : DataFrame
        All deep runs, with ``largest_eigenvalue`` too.
    """
    total = runs["collapse"] >= 100.0
    below = runs["noise_variance"] < runs["largest_eigenvalue"]
    failures = [_failure(row, runs) for _, row in runs[total & below].iterrows()]
    largest = float(runs["largest_eigenvalue"].max())
    numbers = {
        "largest_eigenvalue": largest,
        "n_below": int(below.sum()),
        "n_above": int((~below).sum()),
        "n_total_below": len(failures),
        "n_total_above": int((total & ~below).sum()),
        "failures": failures,
    }
    text = (
        f"lambda_1 = {largest:.4g}. Of {numbers['n_below']} runs with sigma^2 below it "
        f"{len(failures)} collapsed entirely, of {numbers['n_above']} above it "
        f"{numbers['n_total_above']}."
    )
    parts = [text, *(_told(failure) for failure in failures)]
    if any(failure["bound_minus_elbo"] <= 0 for failure in failures):
        return Finding("not supported", " ".join([*parts, _REASONS["optimal"]]), numbers)
    if not all(failure["escapes"] for failure in failures):
        return Finding("inconclusive", " ".join([*parts, _REASONS["stuck"]]), numbers)
    near = near_optimum(runs[below]).mean() if below.any() else 0.0
    if not failures and (numbers["n_total_above"] == 0 or near <= 0.5):
        return Finding("inconclusive", " ".join([*parts, _REASONS["none"]]), numbers)
    return Finding("supported", " ".join(parts), numbers)


def _failure(row: pd.Series, runs: pd.DataFrame) -> dict[str, object]:
    """Describe a total collapse below lambda_1, and the runs at the same noise that escape it."""
    same = runs[(runs["kind"] == row["kind"]) & (runs["initial"] == row["initial"])]
    better = same[(same["collapse"] < 100.0) & (same["elbo"] > row["elbo"])]
    escapes = better.sort_values("elbo", ascending=False)
    return {
        "model": row["model"],
        "noise": f"{row['kind']} {row['initial']:g}",
        "noise_variance": float(row["noise_variance"]),
        "seed": int(row["seed"]),
        "elbo": float(row["elbo"]),
        "bound_minus_elbo": float(row["linear_bound"] - row["elbo"]),
        "escapes": [
            {"model": other["model"], "seed": int(other["seed"]), "elbo": float(other["elbo"])}
            for _, other in escapes.iterrows()
        ],
    }


def _told(failure: dict) -> str:
    """Say in a sentence how a run failed, and what shows that it need not have."""
    text = (
        f"{failure['model']}, sigma^2 {failure['noise']}, seed {failure['seed']}: ELBO "
        f"{failure['elbo']:.5g}, {failure['bound_minus_elbo']:.3g} nats below the linear bound"
    )
    if not failure["escapes"]:
        return f"{text}; no other run at this noise escapes."
    best = failure["escapes"][0]
    return f"{text}; {best['model']} (seed {best['seed']}) escapes with {best['elbo']:.5g}."
