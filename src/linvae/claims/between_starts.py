"""Rows of evidence on one recipe between the initial values of a learned noise variance."""

from itertools import combinations

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.deciding import equivalent, side, with_seeds
from linvae.claims.evidence import Evidence, missing
from linvae.claims.recipes import another
from linvae.claims.verdicts import interval
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["MEASURES", "learned_from", "margin_of", "start_rows"]

# Columns of `linvae.claims.recipes.deep_runs`: what each is, and its unit.
MEASURES = {"elbo": ("ELBO", "nats"), "mean_collapse": ("mean collapse over epsilon", "% of k")}


def learned_from(*starts: float) -> str:
    """Name the condition of a row: ``sigma^2 learned from 0.1 and 30``."""
    return f"sigma^2 learned from {' and '.join(number(start) for start in starts)}"


def margin_of(measure: str, margins: Margins) -> float:
    """Return the margin that differences of a measure are held against."""
    return margins.elbo if measure == "elbo" else margins.latents


def start_rows(runs: pd.DataFrame, margins: Margins, subject: str, share: float) -> list[Evidence]:
    """Compare the initial values that end furthest apart, by each measure on each split.

    "yes" where a difference exceeds its margin, "no" where its interval shows the starts to be
    equivalent. Nothing is answered where the noise variance of most runs from one start was still
    on its way: there the step budget decides.

    `runs` are of one recipe, the `subject`, with a learned noise variance; starts are equivalent
    within a `share` of a margin.
    """
    n = runs["initial"].nunique()
    if n < 2:
        settles = another("initial value", runs)
        return [missing("initial values of sigma^2 run", settles, subject, n, needed=2)]
    columns = {f"{SPLITS[split]}{name}": (name, split) for name in MEASURES for split in SPLITS}
    rows = [
        _furthest(cells, runs, *columns[column], margins, share).but(subject=subject)
        for column, cells in CellMeans.of_columns(runs, list(columns), "initial").items()
    ]
    late = _on_its_way(runs, margins)
    if late is None:
        return rows
    return [*(row.answered(None) for row in rows), late.but(subject=subject)]


def _furthest(
    cells: CellMeans, runs: pd.DataFrame, measure: str, split: str, margins: Margins, share: float
) -> Evidence:
    """Compare the two starts of most distant means; the level knows that they were picked.

    All rows must say yes, so that a "yes" needs no further correction; one "no" is enough, and is
    asked of an interval at the level of all of them together.
    """
    pairs = list(combinations(cells.means, 2))
    low, high = max(pairs, key=lambda pair: abs(cells.means[pair[1]] - cells.means[pair[0]]))
    margin, (name, unit) = margin_of(measure, margins), MEASURES[measure]
    picked, corrected = (
        cells.contrast({high: 1.0, low: -1.0}, margins.level, len(pairs) * n)
        for n in (1, len(MEASURES) * len(SPLITS))
    )
    apart = side(picked, margin, 0.0) in ("above", "below")
    same = equivalent(corrected, corrected, share * margin) == "yes"
    answer = "yes" if apart else "no" if same else "undecided"
    what, shown = f"{name}, larger initial sigma^2 less smaller", picked if apart else corrected
    told = {"condition": learned_from(low, high), "split": split, "margin": margin}
    row = Evidence(what, shown, unit, answer=answer, **told)
    return with_seeds(row, runs[runs["initial"].isin([low, high])])


def _on_its_way(runs: pd.DataFrame, margins: Margins) -> Evidence | None:
    """Return what another noise variance would add at once, from the start where it adds most.

    None where most runs from every start would gain no more than the margin.
    """
    gain = runs["tuned_elbo"] - runs["elbo"]
    shares = (gain > margins.elbo).groupby(runs["initial"]).mean()
    late = shares.index[shares >= 0.5]
    if not len(late):
        return None
    worst = gain.groupby(runs["initial"]).mean()[late].idxmax()
    found = interval(gain[runs["initial"] == worst], margins.level)
    told = {"condition": learned_from(worst), "split": "train", "margin": margins.elbo}
    row = Evidence("ELBO that tuning sigma^2 alone would add", found, "nats", **told)
    return row.answered("undecided", "longer training")
