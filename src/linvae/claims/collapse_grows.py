"""Claim 8: whether collapse grows with a fixed noise variance, for each recipe.

What would turn the verdict: at three noise variances or more, the collapse curves' mean or the
number of unused latents at the largest no more than at the smallest, or lower at any than at a
smaller one by more than the margin and its interval, on train or on test.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import side, spent, would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.recipes import (
    ENOUGH_VARIANCES,
    by_recipe,
    deep_runs,
    unless_untrained,
)
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, both
from linvae.digits import short, significant
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["COLLAPSE_GROWS", "collapse_grows"]

_MEASURES = {"mean_collapse": "mean collapse over epsilon", "collapse": "unused latents"}


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="fixed", curves=True)
    return by_recipe(runs, partial(collapse_grows, margins=results.margins))


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        means = row.get("train", {}).get("collapse", {}).get("means", {})
        if means:
            low, high = min(means, key=float), max(means, key=float)
            yield f"{recipe} {short(means[low])} % at {low}, {short(means[high])} % at {high}"


COLLAPSE_GROWS = Claim(
    number=8,
    text="With sigma^2 fixed, the collapse of the deep VAE grows with sigma^2.",
    made_by="paper, report",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig8", "table1"),
    main_numbers=_main_numbers,
)


def collapse_grows(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 8. Whether collapse grows with the noise variance, by two measures on each split.

    Parameters
    ----------
    runs : DataFrame
        Of one recipe, noise variance fixed: `linvae.claims.recipes.deep_runs` with curves.
    margins
        Of the study.
    """
    more = ""
    if runs["initial"].nunique() < ENOUGH_VARIANCES:
        cost = spent(runs["seed"].nunique() * float(runs["cpu_seconds"].mean()))
        more = f"It takes {ENOUGH_VARIANCES} noise variances to make a trend; another costs {cost}."
    return unless_untrained(runs, margins, partial(_on_split, margins=margins), more)


def _on_split(
    runs: pd.DataFrame, trained: pd.DataFrame, prefix: str, margins: Margins
) -> tuple[Answer, str, dict[str, object]]:
    answer: Answer = "yes"
    parts, numbers = [], {}
    for name, label in _MEASURES.items():
        own, text, numbers[name] = _trend(runs, f"{prefix}{name}", margins)
        all_trained = len(trained) == len(runs)
        near = own if all_trained else _trend(trained, f"{prefix}{name}", margins)[0]
        if {own, near} == {"yes", "no"}:
            own, text = "undecided", f"{text}, but not of the runs near their optimum"
        answer = both(answer, own)
        parts.append(f"{label} {text}")
    return answer, ", ".join(parts), numbers


def _trend(
    runs: pd.DataFrame, column: str, margins: Margins
) -> tuple[Answer, str, dict[str, object]]:
    """Judge one measure: the growth from the smallest to the largest noise variance, and falls."""
    if runs["initial"].nunique() < 2:
        return "undecided", "at one noise variance", {}
    # All pairs at once, of each measure on each split.
    level = 1.0 - (1.0 - margins.level) / (len(_MEASURES) * len(SPLITS))
    cells = PooledCells.of(runs, column, "initial")
    low, high = cells.means.index[0], cells.means.index[-1]
    growth = cells.difference(high, low, level)
    start, end, fall = _largest_fall(cells, level)
    grows, falls = (side(found, margins.latents, margins.none) for found in (growth, fall))
    numbers = {
        "means": {number(variance): float(mean) for variance, mean in cells.means.items()},
        "growth": growth.to_dict(),
        "largest_fall": {"from": start, "to": end, **fall.to_dict()},
    }
    first, last = (significant(cells.means[variance], 3) for variance in (low, high))
    text = f"{first} % at {number(low)} to {last} % at {number(high)}, growth {growth} points"
    if runs["initial"].nunique() < ENOUGH_VARIANCES:
        return "undecided", text, numbers
    if falls == "above":
        return "no", f"{text}, but it falls by {fall} from {start:g} to {end:g}", numbers
    if grows in ("below", "none"):
        return "no", text, numbers
    if grows == "above":
        return "yes", text, numbers
    ends = runs[runs["initial"].isin([low, high])]
    return "undecided", f"{text} ({would_decide(growth, margins.latents, 'points', ends)})", numbers


def _largest_fall(cells: PooledCells, level: float) -> tuple[float, float, Interval]:
    """Return the two noise variances, in order, between which the mean falls most."""
    pairs = combinations(cells.means.index, 2)
    start, end = max(pairs, key=lambda pair: cells.means[pair[0]] - cells.means[pair[1]])
    return float(start), float(end), cells.difference(start, end, level)
