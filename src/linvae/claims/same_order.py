"""Claim 18: whether ELBO and log p(x) prefer the same of two recipes that use other latents.

Recipes are compared at one sigma^2, number of latents and size of networks, the two whose numbers
of used latents differ most. The ELBO is that with q optimised for each image, so that no encoder
decides; log p(x) is an estimate from below for both, and two such estimates differ by what their
slacks differ by, up to `margins.log_likelihood`. If the claim holds, the ELBO is not to blame for
the number of latents: the likelihood would choose as it does.

What would turn the verdict: a difference of log p(x) beyond the margin on the other side than that
of the ELBO. Where the recipes' ELBOs do not differ, neither is preferred, and nothing is said.
"""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, Finding, not_run
from linvae.claims.recipes import at, deep_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Interval
from linvae.measure.splits import SPLITS
from linvae.settings.margins import Margins

__all__ = ["SAME_ORDER", "same_order"]


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", "endings", kind="fixed")
    layers = {name: results.models[name].encoder.size for name in runs["model"].unique()}
    return same_order(runs.assign(layers=runs["model"].map(layers)), results.margins)


SAME_ORDER = Claim(
    number=18,
    text="Of two recipes with different numbers of used latents, ELBO with q optimised and "
    "log p(x) prefer the same.",
    made_by="this project, as what would clear the ELBO",
    question=4,
    section="recipes",
    instead="endings",
    judge=_from_results,
    shown_in=("fig17",),
)


def same_order(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 18. Whether log p(x) prefers the recipe that the ELBO prefers, on either split.

    Parameters
    ----------
    runs : DataFrame
        Noise variance fixed: `linvae.claims.recipes.deep_runs`, with ``layers``.
    margins
        Of the study.
    """
    pairs = list(_pairs(runs, margins)) if len(runs) else []
    if not pairs:
        return not_run("No two recipes at one sigma^2 use different numbers of latents.")
    checks = len(pairs) * len(SPLITS)
    rows = [row for pair in pairs for row in _rows(*pair, margins, checks)]
    found = Finding.of(rows, "")
    words = {"supported": "They do", "not supported": "They do not", "inconclusive": "It is open"}
    alike = sum(row.answer == "yes" for row in rows)
    sentence = f"{words[found.verdict]}: in {alike} of {len(rows)} comparisons both prefer one."
    return Finding(tuple(rows), sentence, found.verdict)


def _pairs(
    runs: pd.DataFrame, margins: Margins
) -> Iterator[tuple[float, pd.DataFrame, pd.DataFrame]]:
    """Give for each sigma^2, data and networks the two recipes whose use differs most."""
    for (variance, k, _, _), cell in runs.groupby(["initial", "n_latent", "data", "layers"]):
        means = cell.groupby("model", sort=False)["used"].mean()
        apart = [(abs(means[a] - means[b]), a, b) for a, b in combinations(means.index, 2)]
        if not apart:
            continue
        most, a, b = max(apart, key=lambda pair: pair[0])
        if 100.0 * most / float(k) > margins.latents:
            yield float(variance), cell[cell["model"] == a], cell[cell["model"] == b]


def _rows(
    variance: float, first: pd.DataFrame, second: pd.DataFrame, margins: Margins, checks: int
) -> Iterator[Evidence]:
    names = [str(runs["model"].iloc[0]) for runs in (first, second)]
    both = pd.concat([first, second])
    for split, prefix in SPLITS.items():
        elbo, log_p = (
            CellMeans.of(both, f"{prefix}{name}", "model").contrast(
                {names[0]: 1.0, names[1]: -1.0}, margins.level, checks
            )
            for name in ("elbo_optimised", "log_likelihood")
        )
        sign = -1.0 if elbo.mean < 0 else 1.0
        better, worse = names if sign > 0 else names[::-1]
        answer = _answer(elbo, log_p, sign, margins)
        yield Evidence(
            f"log p(x), {better} less {worse}, as the ELBO with q optimised prefers",
            _turned(log_p, sign),
            "nats",
            condition=at(variance),
            split=split,
            margin=margins.log_likelihood,
            answer=answer,
            settles="more seeds, or a sharper estimate" if answer == "undecided" else "",
            main=split == "test",
        )


def _turned(found: Interval, sign: float) -> Interval:
    if sign > 0 or found.low is None:
        return Interval(sign * found.mean, found.low, found.high, found.n)
    return Interval(-found.mean, -found.high, -found.low, found.n)


def _answer(elbo: Interval, log_p: Interval, sign: float, margins: Margins) -> Answer:
    if not (_turned(elbo, sign).above(0.0) and log_p.low is not None):
        return "undecided"
    found = _turned(log_p, sign)
    if found.above(margins.log_likelihood):
        return "yes"
    return "no" if found.below(-margins.log_likelihood) else "undecided"
