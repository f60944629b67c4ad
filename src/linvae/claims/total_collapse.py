"""Claim 12: what a total collapse below lambda_1 leaves to training, and what is proved of one.

For a total collapse the residual covariance is that of the data. Below lambda_1 a linear VAE has
G = 1/2 sum (lambda_i / sigma^2 - 1 - log(lambda_i / sigma^2)) nats more, over lambda_i > sigma^2
and k terms at most, which is the linear bound less the ELBO: a theorem, of which the runs give the
size. That the collapse is the optimum is proved from sigma^2 = diam^2 / 4 on, diam the largest
distance between two data; between lambda_1 and that nothing is claimed, so that runs there are
reported and decide nothing.

What would turn the verdict: a totally collapsed run below lambda_1 at or above the linear bound,
which none is that is measured rightly. Without such a run, or with one or two, it is inconclusive.
"""

from collections.abc import Iterator

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, Finding
from linvae.claims.recipes import at, deep_runs
from linvae.claims.rows import THRESHOLDS
from linvae.claims.verdicts import Answer
from linvae.digits import short
from linvae.linear.bound import BOUND_NATS
from linvae.measure.splits import SPLITS
from linvae.noise import number

__all__ = ["ENOUGH_RUNS", "TOTAL_COLLAPSE", "total_collapse"]

# A verdict needs as many totally collapsed runs below lambda_1.
ENOUGH_RUNS = 3
_CELL = ["model", "kind", "initial", "n_latent"]


TOTAL_COLLAPSE = Claim(
    number=12,
    text="Total collapse with sigma^2 below the largest eigenvalue lambda_1 leaves G nats or more "
    "to training, the network's size or its output range; it is proved to be the optimum from "
    "sigma^2 = diam^2 / 4 on only.",
    made_by="this project, on the threshold of Li et al. (2025)",
    question=4,
    section="recipes",
    judge=lambda results: total_collapse(deep_runs(results, "recipes", "endings", "sizes")),
    shown_in=("fig8", "fig11"),
)


def total_collapse(runs: pd.DataFrame) -> Finding:
    """Claim 12. By how many nats totally collapsed runs below lambda_1 miss the linear bound.

    `runs` are all deep runs: `linvae.claims.recipes.deep_runs`.
    """
    below = runs["noise_variance"] < runs["largest_eigenvalue"]
    failures = runs[below & _collapsed(runs)]
    failures = failures.assign(G=failures["linear_bound"] - failures["elbo"])
    told = {"split": "train", "reference": ENOUGH_RUNS, "main": True}
    n = Evidence.exact("totally collapsed runs below lambda_1", len(failures), "runs", **told)
    if len(failures) < ENOUGH_RUNS:
        n = n.answered("undecided", "more runs that collapse entirely below lambda_1")
    return Finding.of([n, *_cells(failures), *_above(runs[~below])], _sentence(failures))


def _collapsed(runs: pd.DataFrame, prefix: str = "") -> pd.Series:
    """Whether runs use no latent at the smallest threshold, and so at none."""
    return runs[f"{prefix}used_{number(min(THRESHOLDS))}"] <= 0.0


def _cells(failures: pd.DataFrame) -> Iterator[Evidence]:
    """Give G of each cell, and what a linear bypass gains on images that it was not fitted to."""
    several = failures["n_latent"].nunique() > 1
    for i, ((model, kind, initial, k), own) in enumerate(failures.groupby(_CELL, sort=False)):
        where = at(float(f"{own['noise_variance'].mean():.3g}"))
        where += f", learned from {number(initial)}" if kind == "learned" else ""
        where += f", k = {k}" if several else ""
        least, gain = float(own["G"].min()), float(own["test_residual_gain"].min())
        told = {"subject": str(model), "condition": where, "margin": BOUND_NATS}
        what = "G, linear bound less ELBO, least of the runs"
        row = Evidence.exact(what, least, "nats", split="train", main=i < 2, **told)
        yield row.answered(_answer(least), "a smaller sigma^2")
        what = "gain of a linear bypass, least of the runs"
        yield Evidence.exact(what, gain, "nats", split="test", **told)


def _answer(least: float) -> Answer:
    """Within what measuring leaves, G is not told from zero."""
    if abs(least) <= BOUND_NATS:
        return "undecided"
    return "yes" if least > 0 else "no"


def _above(runs: pd.DataFrame) -> Iterator[Evidence]:
    """Report how many runs above lambda_1 collapse entirely, of which nothing is claimed."""
    what, where = "runs above lambda_1 that collapse entirely", f"{len(runs)} runs"
    for split, prefix in SPLITS.items() if len(runs) else ():
        share = 100.0 * float(_collapsed(runs, prefix).mean())
        yield Evidence.exact(what, share, "%", condition=where, split=split)


def _sentence(failures: pd.DataFrame) -> str:
    if failures.empty:
        return "No run with sigma^2 below lambda_1 collapsed entirely, so there is no G to measure."
    least = float(failures["G"].min())
    if least < -BOUND_NATS:
        return (
            f"A run that collapsed entirely below lambda_1 ends {short(-least)} nats above the "
            "linear bound, which no collapse does that is measured rightly."
        )
    runs = f"{len(failures)} runs" if len(failures) > 1 else "one run"
    text = f"Total collapse below lambda_1 leaves at least {short(least)} nats in {runs}"
    if len(failures) < ENOUGH_RUNS:
        return f"{text}, too few for a verdict."
    return f"{text}; it is proved to be the optimum from sigma^2 = diam^2 / 4 on only."
