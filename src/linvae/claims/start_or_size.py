"""Claim 15: what decides how many latents are in use at one noise variance: start, or sizes.

Sizes are k, the hidden layers and the number of images. Models that differ in nothing but their
start and hidden layers are one recipe here. What would turn the verdict: from one start, numbers
that differ with size by more than the margin, or more than they do between starts, each with its
interval, on train or on test. Starts that end at other train ELBOs support nothing: equal ones are
what the claim speaks of.
"""

from collections.abc import Iterator, Mapping
from math import comb

import numpy as np
import pandas as pd

from linvae.claims.apart_from_size import recipes_apart_from_size
from linvae.claims.claim import Claim
from linvae.claims.deciding import would_decide
from linvae.claims.pooled import PooledCells, Spread
from linvae.claims.recipes import deep_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, joint
from linvae.digits import by_number, short, shown_interval
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["START_DECIDES", "start_decides"]

_CELL = ["start", "size"]
# Share of k from which on k itself limits the number of latents in use.
FULL = 0.95


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "sizes", "recipes", kind="fixed")
    named = runs.join(recipes_apart_from_size(runs["model"], results.models))
    return start_decides(named, results.margins)


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for variance in sorted(row, key=by_number):
            found = row[variance].get("splits", {}).get("train")
            if found:
                sizes = max((v["mean"] for v in found["ratio_of_sizes"].values()), default=1.0)
                starts = shown_interval(found["ratio_of_starts"])
                yield f"{recipe} at {variance}: factor {starts} by start, {short(sizes)} by size"


START_DECIDES = Claim(
    number=15,
    text="At a given sigma^2 the number of latents in use depends on the recipe's start, at equal "
    "ELBO, more than on k, width or number of images.",
    made_by="this project",
    question=4,
    section="sizes",
    judge=_from_results,
    main_numbers=_main_numbers,
)


def start_decides(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 15. Whether the number of used latents depends on the start more than on sizes.

    Numbers are compared by their logarithms, with one variance for all cells of a recipe at one
    noise variance: sizes that were run once have an interval from the others' seeds.

    Parameters
    ----------
    runs : DataFrame
        Noise variance fixed, with ``recipe``, ``start`` and ``layers`` too.
    margins
        Of the study.
    """
    parts, numbers, verdicts = [], {}, {}
    for recipe, rows in runs.groupby("recipe", sort=False):
        cases = {v: case for v, case in rows.groupby("initial") if _has_a_case(case)}
        if not cases:
            continue
        found = {variance: _case(case, margins) for variance, case in cases.items()}
        answers = [split["answer"] for case in found.values() for split in case["splits"].values()]
        verdicts[str(recipe)] = joint(answers)
        numbers[str(recipe)] = {number(variance): case for variance, case in found.items()}
        told = "; ".join(
            _sentence(variance, case, cases[variance], margins) for variance, case in found.items()
        )
        parts.append(f"{recipe} ({verdicts[str(recipe)]}): {told}.")
    if not parts:
        reason = "No recipe was run from two starts, at one sigma^2, at two sizes or more."
        return Finding("inconclusive", reason, {})
    decided = set(verdicts.values())
    return Finding(
        decided.pop() if len(decided) == 1 else "inconclusive", " ".join(parts), numbers, verdicts
    )


def _sized(runs: pd.DataFrame) -> pd.DataFrame:
    """Name each run's size, and count its latents on a scale where shares are differences."""
    size = "k = " + runs["n_latent"].astype(str) + ", " + runs["layers"] + ", " + runs["data"]
    counts = {
        f"{prefix}log_used": np.log(runs[f"{prefix}used"].clip(lower=0.5))
        for prefix in SPLITS.values()
    }
    return runs.assign(size=size, **counts)


def _has_a_case(runs: pd.DataFrame) -> bool:
    """Whether two starts were run at two sizes at least."""
    starts = _sized(runs).groupby("size")["start"].nunique()
    return int((starts >= 2).sum()) >= 2


def _case(runs: pd.DataFrame, margins: Margins) -> dict[str, object]:
    """Judge one recipe at one noise variance, where all its starts were run."""
    sized = _sized(runs)
    n_starts = sized.groupby("size")["start"].transform("nunique")
    sized = sized[n_starts == sized["start"].nunique()]
    elbo = _between_starts(PooledCells.of(sized, "elbo", _CELL), margins.level)
    test = _between_starts(PooledCells.of(sized, "test_elbo", _CELL), margins.level)
    equal = abs(elbo.interval.mean) <= margins.elbo
    splits = {}
    for split, prefix in SPLITS.items():
        splits[split] = _on_split(sized, prefix, margins)
        if not equal and splits[split]["answer"] == "yes":
            splits[split]["answer"] = "undecided"
    return {
        "elbo_difference": {"of": [elbo.high, elbo.low], **elbo.interval.to_dict()},
        "test_elbo_difference": {"of": [test.high, test.low], **test.interval.to_dict()},
        "equal_elbo": bool(equal),
        "splits": splits,
    }


def _between_starts(cells: PooledCells, level: float) -> Spread:
    """Return the largest difference between starts, in the mean over sizes."""
    means = cells.means.groupby(level="start").mean()
    low, high = means.idxmin(), means.idxmax()
    n = len(cells.means) / len(means)
    weights = {
        cell: ((cell[0] == high) - (cell[0] == low)) / n
        for cell in cells.means.index
        if cell[0] in (low, high)
    }
    return Spread(low, high, cells.contrast(weights, level))


def _on_split(runs: pd.DataFrame, prefix: str, margins: Margins) -> dict[str, object]:
    """Compare the spread between starts with the largest between sizes from one start."""
    cells = PooledCells.of(runs, f"{prefix}log_used", _CELL)
    starts = _between_starts(cells, margins.level)
    sizes = {start: _between_sizes(cells, start, margins.level) for start in runs["start"].unique()}
    widest = max(sizes.values(), key=lambda spread: spread.interval.mean)
    weights = {
        cell: weight
        for cell, weight in _difference_weights(cells, starts, widest).items()
        if weight
    }
    # The sizes that differ most are picked among all pairs from one start.
    n_pairs = sum(comb(n, 2) for n in cells.means.groupby(level="start").size())
    more = cells.contrast(weights, margins.level, len(SPLITS) * n_pairs)
    margin = float(np.log1p(margins.sizes))
    return {
        "used": {
            f"{start}: {size}": float(rows[f"{prefix}used"].mean())
            for (start, size), rows in runs.groupby(_CELL)
        },
        "ratio_of_starts": _ratio(starts.interval),
        "ratio_of_sizes": {str(s): _ratio(spread.interval) for s, spread in sizes.items()},
        "more_by_start": more.to_dict(),
        "answer": _answer(more, widest.interval, margin),
    }


def _between_sizes(cells: PooledCells, start: str, level: float) -> Spread:
    means = cells.means[cells.means.index.get_level_values("start") == start]
    low, high = means.idxmin(), means.idxmax()
    if low == high:
        low, high = means.index[0], means.index[-1]
    return Spread(low, high, cells.difference(high, low, level))


def _difference_weights(cells: PooledCells, starts: Spread, sizes: Spread) -> dict[object, float]:
    """Weights of the spread between starts less that between sizes."""
    n = sum(cell[0] == starts.high for cell in cells.means.index)
    return {
        cell: ((cell[0] == starts.high) - (cell[0] == starts.low)) / n
        - (cell == sizes.high)
        + (cell == sizes.low)
        for cell in cells.means.index
    }


def _answer(more: Interval, sizes: Interval, margin: float) -> Answer:
    """Start decides: by the margin more than sizes do, and sizes by no more than the margin."""
    if more.low is None:
        return "undecided"
    if more.mean > margin and more.low > 0 and sizes.mean <= margin:
        return "yes"
    if more.mean < -margin and more.high < 0:
        return "no"
    # Numbers that differ with size by more than the margin refute the claim, whatever starts do.
    return "no" if sizes.low > margin else "undecided"


def _ratio(found: Interval) -> dict[str, float | int | None]:
    """Return an interval of a difference of logarithms as one of ratios."""
    ends = {key: None if v is None else float(np.exp(v)) for key, v in found.to_dict().items()}
    return {**ends, "n": found.n}


def _sentence(variance: float, case: Mapping, runs: pd.DataFrame, margins: Margins) -> str:
    parts = []
    for split, found in case["splits"].items():
        sizes = ", ".join(
            f"{start} {Interval(**ratio)}" for start, ratio in found["ratio_of_sizes"].items()
        )
        parts.append(
            f"{split}: used latents differ between starts by a factor of "
            f"{Interval(**found['ratio_of_starts'])}, between sizes by {sizes}"
        )
        if case["equal_elbo"] and found["answer"] == "undecided":
            more = Interval(**found["more_by_start"])
            margin = round(float(np.log1p(margins.sizes)), 3)
            parts[-1] += f" (of logarithms {more}, {would_decide(more, margin, '', runs)})"
    for name, label in (("elbo_difference", "train ELBO"), ("test_elbo_difference", "test ELBO")):
        told = dict(case[name])
        high, low = told.pop("of")
        parts.append(f"{label} of {high} above that of {low} by {Interval(**told)} nats")
    full = runs.loc[runs["used"] >= FULL * runs["n_latent"], ["start", "n_latent"]]
    parts += [
        f"from {start} k = {k} leaves no room"
        for start, k in full.drop_duplicates().itertuples(index=False)
    ]
    if not case["equal_elbo"]:
        parts.append(
            f"the train ELBOs are not equal (margin {margins.elbo:g} nats), so the claim cannot be "
            "supported here: longer runs would bring them together, or not"
        )
    return f"at sigma^2 = {number(variance)} {'; '.join(parts)}"
