"""Claims 11 and 12: what the way of training decides, at the same observation noise.

Each function takes one row a run, with the columns of `linvae.claims.deep` and ``model``.
"""

import pandas as pd

from linvae.claims.deep import near_optimum
from linvae.claims.verdicts import Answer, Finding, answer, interval, joint

__all__ = ["annealing_leaves_collapse", "total_collapse"]

# Percentage points of collapse below which there is nothing to remove.
WORTH_POINTS = 10.0
# Annealing removes collapse if less than this share of it stays.
KEPT_SHARE = 0.5


def annealing_leaves_collapse(runs: pd.DataFrame, base: str) -> Finding:
    """Claim 11. Whether collapse stays under KL annealing, paired by seed with the base model.

    Where most runs of one side end far below the linear bound, nothing is decided.

    Parameters
    ----------
    runs : DataFrame
        Runs of the base model and of the models with annealing, noise variance fixed.
    base : str
        The model without annealing.
    """
    numbers, answers, parts = {}, [], []
    without = runs[runs["model"] == base].set_index(["initial", "seed"]).add_suffix("_base")
    for (model, initial), rows in runs[runs["model"] != base].groupby(["model", "initial"]):
        paired = rows.set_index(["initial", "seed"]).join(without, how="inner")
        if paired.empty:
            continue
        removed = interval(paired["collapse_base"] - paired["collapse"])
        before, after = (float(paired[name].mean()) for name in ("collapse_base", "collapse"))
        kept = interval(paired["collapse"] - KEPT_SHARE * paired["collapse_base"])
        stays: Answer | None = answer(kept, 0.0) if before >= WORTH_POINTS else None
        near = [
            float(near_optimum(part).mean())
            for part in (runs[(runs["model"] == base) & (runs["initial"] == initial)], rows)
        ]
        far = min(near) <= 0.5
        if stays and far:
            stays = "undecided"
        predicted = float(paired["predicted"].mean())
        numbers[f"{model} at {initial:g}"] = {
            "collapse_without": before,
            "collapse_with": after,
            "removed": removed.to_dict(),
            "elbo_gained": interval(paired["elbo"] - paired["elbo_base"]).to_dict(),
            "predicted": predicted,
            "near_optimum_without": near[0],
            "near_optimum_with": near[1],
            "stays": stays,
        }
        answers += [stays] if stays else []
        parts.append(
            f"sigma^2 = {initial:g}, {model}: from {before:.3g} % to {after:.3g} %, removed "
            f"{removed} points (theory leaves {predicted:.3g} % inactive)"
            f"{', but most runs are far from their optimum' if far else ''}"
        )
    text = "; ".join(parts) or "No runs with and without annealing have noise and seed in common"
    if not answers:
        reason = f"Nowhere did {WORTH_POINTS:g} % collapse without annealing, so none can go."
        return Finding("inconclusive", " ".join([f"{text}.", reason]), numbers)
    return Finding(joint(answers), f"{text}.", numbers)


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


_REASONS = {
    "optimal": "At least one of them is no worse than the best linear VAE: no failure.",
    "stuck": "Not for every one of them does another run at the same sigma^2 escape.",
    "none": "A total collapse to explain, or enough runs near their optimum, are missing.",
}


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
