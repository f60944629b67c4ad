"""Rows of evidence on one recipe between the initial values of a learned noise variance."""

from itertools import combinations

import pandas as pd

from linvae.claims.deciding import side, spent, what_settles
from linvae.claims.evidence import Evidence, equivalence
from linvae.claims.scatter import CheckedCells
from linvae.claims.verdicts import Answer, Interval, interval
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

    Parameters
    ----------
    runs
        Of one recipe, noise variance learned.
    margins
        Of the study.
    subject
        Whose rows they are.
    share
        Of a margin, within which starts are equivalent.
    """
    if runs["initial"].nunique() < 2:
        return [_one_start(runs, subject)]
    columns = [f"{prefix}{measure}" for measure in MEASURES for prefix in SPLITS.values()]
    cells = CheckedCells.of_columns(runs, columns, "initial")
    rows = [
        _furthest(cells[f"{prefix}{measure}"], measure, runs, margins, share).but(
            subject=subject, split=split
        )
        for measure in MEASURES
        for split, prefix in SPLITS.items()
    ]
    late = _on_its_way(runs, margins)
    if late is None:
        return rows
    return [*(row.but(answer=None, settles="") for row in rows), late.but(subject=subject)]


def _furthest(
    cells: CheckedCells, measure: str, runs: pd.DataFrame, margins: Margins, share: float
) -> Evidence:
    """Compare the two starts of most distant means; the level knows that they were picked.

    All rows must say yes, so that a "yes" needs no further correction; one "no" is enough, and is
    asked of an interval at the level of all of them together.
    """
    pairs = list(combinations(cells.means, 2))
    low, high = max(pairs, key=lambda pair: abs(cells.means[pair[1]] - cells.means[pair[0]]))
    margin, missed = margin_of(measure, margins), (1.0 - margins.level) / len(pairs)
    picked, corrected = (
        cells.contrast({high: 1.0, low: -1.0}, 1.0 - missed / n)
        for n in (1, len(MEASURES) * len(SPLITS))
    )
    answer: Answer = "undecided"
    if side(picked, margin, 0.0) in ("above", "below"):
        answer = "yes"
    elif equivalence(corrected, corrected, share * margin) == "within":
        answer = "no"
    shown = picked if answer == "yes" else corrected
    ends = runs[runs["initial"].isin([low, high])]
    name, unit = MEASURES[measure]
    return Evidence(
        f"{name}, larger initial sigma^2 less smaller",
        shown,
        unit,
        condition=learned_from(low, high),
        margin=margin,
        answer=answer,
        settles=what_settles(shown, margin, ends) if answer == "undecided" else "",
    )


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
    return Evidence(
        "ELBO that tuning sigma^2 alone would add",
        interval(gain[runs["initial"] == worst], margins.level),
        "nats",
        condition=learned_from(worst),
        split="train",
        margin=margins.elbo,
        answer="undecided",
        settles="longer training",
    )


def _one_start(runs: pd.DataFrame, subject: str) -> Evidence:
    cost = spent(runs["seed"].nunique() * float(runs["cpu_seconds"].mean()))
    return Evidence(
        "initial values of sigma^2 run",
        Interval.exact(runs["initial"].nunique()),
        subject=subject,
        reference=2,
        answer="undecided",
        settles=f"another initial value, {cost}",
    )
