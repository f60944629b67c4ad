"""Claim 11: whether annealing the KL term removes posterior collapse."""

from collections.abc import Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.observation_noise import deep_runs, near_optimum
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, answer, interval, joint

__all__ = ["ANNEALING_LEAVES_COLLAPSE", "annealing_leaves_collapse"]

# Percentage points of collapse below which there is nothing to remove.
WORTH_POINTS = 10.0
# Annealing removes collapse if less than this share of it stays.
KEPT_SHARE = 0.5


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "collapse", "annealing")
    base = results.study.collapse.model
    return annealing_leaves_collapse(runs[runs["kind"] == "fixed"], base)


ANNEALING_LEAVES_COLLAPSE = Claim(
    number=11,
    text="KL annealing does not remove collapse.",
    made_by="paper",
    question=4,
    section="annealing",
    judge=_from_results,
    shown_in=("fig13",),
)


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
    without = runs[runs["model"] == base]
    for (model, initial), rows in runs[runs["model"] != base].groupby(["model", "initial"]):
        found = _compared(rows, without[without["initial"] == initial])
        if found is None:
            continue
        numbers[f"{model} at {initial:g}"] = found
        answers += [found["stays"]] if found["stays"] else []
        parts.append(f"sigma^2 = {initial:g}, {model}: {_told(found)}")
    text = "; ".join(parts) or "No runs with and without annealing have noise and seed in common"
    if not answers:
        reason = f"Nowhere did {WORTH_POINTS:g} % collapse without annealing, so none can go."
        return Finding("inconclusive", " ".join([f"{text}.", reason]), numbers)
    return Finding(joint(answers), f"{text}.", numbers)


def _compared(rows: pd.DataFrame, base: pd.DataFrame) -> dict[str, object] | None:
    """Compare runs with and without annealing at one noise variance; None without a pair."""
    paired = rows.set_index("seed").join(base.set_index("seed").add_suffix("_base"), how="inner")
    if paired.empty:
        return None
    before, after = (float(paired[name].mean()) for name in ("collapse_base", "collapse"))
    kept = interval(paired["collapse"] - KEPT_SHARE * paired["collapse_base"])
    stays: Answer | None = answer(kept, 0.0) if before >= WORTH_POINTS else None
    near = [float(near_optimum(part).mean()) for part in (base, rows)]
    if stays and _far(*near):
        stays = "undecided"
    return {
        "collapse_without": before,
        "collapse_with": after,
        "removed": interval(paired["collapse_base"] - paired["collapse"]).to_dict(),
        "elbo_gained": interval(paired["elbo"] - paired["elbo_base"]).to_dict(),
        "predicted": float(paired["predicted"].mean()),
        "near_optimum_without": near[0],
        "near_optimum_with": near[1],
        "stays": stays,
    }


def _far(*shares: float) -> bool:
    """Whether of one side most runs are far from their optimum."""
    return min(shares) <= 0.5


def _told(found: Mapping) -> str:
    far = _far(found["near_optimum_without"], found["near_optimum_with"])
    return (
        f"from {found['collapse_without']:.3g} % to {found['collapse_with']:.3g} %, removed "
        f"{Interval(**found['removed'])} points (theory leaves {found['predicted']:.3g} % inactive)"
        f"{', but most runs are far from their optimum' if far else ''}"
    )
