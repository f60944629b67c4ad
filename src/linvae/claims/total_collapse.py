"""Claim 12: when a deep VAE collapses entirely, and by how much it then failed.

For a total collapse the residual covariance is that of the data, and the linear bound less the ELBO
is what a linear VAE has more at this noise variance: G nats that training did not find. That half
of the claim is a theorem, and only the other one can fail, or the measurement.

What would turn the verdict: a run with sigma^2 above lambda_1 that uses latents; or a totally
collapsed one below lambda_1 whose ELBO exceeds the linear bound, which none does that is measured
rightly.
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.recipes import deep_runs, near_optimum
from linvae.claims.results import Results
from linvae.claims.verdicts import Finding, Verdict
from linvae.digits import short, significant
from linvae.linear.bound import BOUND_NATS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["TOTAL_COLLAPSE", "total_collapse"]

_PROVED = (
    "That runs above lambda_1 end there is an observation: total collapse is proved to be the "
    "optimum of every Gaussian VAE only where sigma^2 is at least diam^2 / 4, diam the largest "
    "distance between two data."
)


def _from_results(results: Results) -> Finding:
    return total_collapse(deep_runs(results, "recipes", "endings", "sizes"), results.margins)


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    yield f"{numbers['n_total_above']} of {numbers['n_above']} above"
    largest = short(numbers["largest_eigenvalue"])
    yield f"{numbers['n_total_below']} of {numbers['n_below']} below λ₁ = {largest}"


TOTAL_COLLAPSE = Claim(
    number=12,
    text="With sigma^2 above the largest eigenvalue lambda_1 every run of a deep VAE collapses "
    "entirely; below it, total collapse is a failure of optimisation by G nats or more.",
    made_by="Li et al. (2025), this project",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig8", "fig11"),
    main_numbers=_main_numbers,
)


def total_collapse(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 12. Whether runs above lambda_1 collapse entirely, and by how much those below fail.

    Parameters
    ----------
    runs : DataFrame
        All deep runs.
    margins
        Of the study.
    """
    found = _judged(runs, margins)
    verdicts = {
        str(model): _judged(rows, margins).verdict
        for model, rows in runs.groupby("model", sort=False)
    }
    return Finding(found.verdict, found.explanation, found.numbers, verdicts)


def _judged(runs: pd.DataFrame, margins: Margins) -> Finding:
    above = runs["noise_variance"] >= runs["largest_eigenvalue"]
    on_train, on_test = runs["collapse"] >= 100.0, runs["test_collapse"] >= 100.0
    failures = [_failure(row, runs) for _, row in runs[on_train & ~above].iterrows()]
    largest = float(runs["largest_eigenvalue"].max())
    counts = {
        "n_above": int(above.sum()),
        "n_total_above": int((on_train & above).sum()),
        "test_n_total_above": int((on_test & above).sum()),
        "n_below": int((~above).sum()),
        "n_total_below": len(failures),
        "test_n_total_below": int((on_test & ~above).sum()),
    }
    numbers = {"largest_eigenvalue": largest, **counts, "failures": failures}
    text = (
        f"lambda_1 = {significant(largest)}. Of {counts['n_above']} runs with sigma^2 above it "
        f"{counts['n_total_above']} collapsed entirely on train and {counts['test_n_total_above']} "
        f"on test; of {counts['n_below']} below it {len(failures)} and "
        f"{counts['test_n_total_below']}."
    )
    near = near_optimum(runs[~above], margins).mean() if (~above).any() else 0.0
    verdict, reason = _verdict(counts, failures, trained=bool(near > 0.5))
    parts = [text, *(_sentence(failure) for failure in failures), _PROVED, reason]
    return Finding(verdict, " ".join(part for part in parts if part), numbers)


def _verdict(
    counts: dict[str, int], failures: Sequence[dict], *, trained: bool
) -> tuple[Verdict, str]:
    if counts["n_total_above"] < counts["n_above"]:
        return "not supported", "A run above lambda_1 uses latents."
    if any(failure["G"] < -BOUND_NATS for failure in failures):
        return "not supported", "A total collapse below lambda_1 is no worse than a linear VAE."
    if counts["n_above"] == 0:
        return "inconclusive", (
            "No run had sigma^2 above lambda_1: one of any recipe there would decide."
        )
    if any(failure["G"] <= BOUND_NATS for failure in failures):
        return "inconclusive", f"A G of {BOUND_NATS:g} nats or less is not told from round-off."
    if not failures and not trained:
        return "inconclusive", (
            "Below lambda_1 none collapsed entirely, but most runs are far from their optimum."
        )
    return "supported", ""


def _failure(row: pd.Series, runs: pd.DataFrame) -> dict[str, object]:
    """Describe a total collapse below lambda_1, and the best run at the same noise beside it."""
    same = runs[(runs["kind"] == row["kind"]) & (runs["initial"] == row["initial"])]
    better = same[(same["collapse"] < 100.0) & (same["elbo"] > row["elbo"])]
    escapes = better.sort_values("elbo", ascending=False)
    return {
        "model": row["model"],
        "noise": f"{row['kind']} {number(row['initial'])}",
        "noise_variance": float(row["noise_variance"]),
        "seed": int(row["seed"]),
        "elbo": float(row["elbo"]),
        "G": float(row["linear_bound"] - row["elbo"]),
        "escapes": [
            {"model": other["model"], "seed": int(other["seed"]), "elbo": float(other["elbo"])}
            for _, other in escapes.iterrows()
        ],
    }


def _sentence(failure: dict) -> str:
    """Say in a sentence by how much a run failed."""
    text = (
        f"{failure['model']}, sigma^2 {failure['noise']}, seed {failure['seed']}: ELBO "
        f"{significant(failure['elbo'], 5)} at sigma^2 = {failure['noise_variance']:.4g}, G = "
        f"{significant(failure['G'])} nats"
    )
    if not failure["escapes"]:
        return f"{text}."
    best = failure["escapes"][0]
    return f"{text} ({best['model']}, seed {best['seed']}, has {significant(best['elbo'], 5)})."
