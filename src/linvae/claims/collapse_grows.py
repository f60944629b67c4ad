"""Claim 8: whether fewer latents are used at a larger fixed noise variance, for each recipe.

Judged between neighbouring noise variances below lambda_1, where linear theory expects latents in
use, by the effective number of latents, which has no threshold, and by the number in use at several
thresholds. What would turn the verdict: between any two neighbours a number that does not fall, or
rises, on train or on test.
"""

from collections.abc import Iterator
from itertools import pairwise

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.deciding import side, what_settles
from linvae.claims.evidence import Evidence
from linvae.claims.finding import Finding, not_run
from linvae.claims.recipes import arrived, at, deep_runs, enough_variances
from linvae.claims.results import Results
from linvae.claims.rows import THRESHOLDS
from linvae.claims.unequal import cells_of
from linvae.claims.verdicts import Answer
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["COLLAPSE_GROWS", "collapse_grows"]

# Of the latents, in percent: columns of `linvae.claims.recipes.deep_runs`, and what they are.
_MEASURES = {"effective": "fall of the effective number of latents"} | {
    f"used_{number(epsilon)}": f"fall of used latents at epsilon = {number(epsilon)}"
    for epsilon in THRESHOLDS
}
_ANSWERS: dict[str, Answer] = {"above": "yes", "below": "no", "none": "no", "open": "undecided"}


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="fixed", curves=True)
    return collapse_grows(runs, results.margins)


COLLAPSE_GROWS = Claim(
    number=8,
    text="With sigma^2 fixed, fewer latents are used at larger sigma^2.",
    made_by="paper, report",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig8", "table1"),
    earlier=(
        Earlier(
            8,
            "5",
            "Collapse grows with a fixed sigma^2.",
            "The same.",
            report_side=True,
            paper_side=True,
            why="Which network and optimiser train it decides where collapse begins.",
        ),
    ),
    checked="from memory",
)


def collapse_grows(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 8. Whether numbers of latents fall from each noise variance to the next.

    Parameters
    ----------
    runs : DataFrame
        Noise variance fixed: `linvae.claims.recipes.deep_runs` with curves.
    margins
        Of the study.
    """
    if runs.empty:
        return not_run("The section has no runs at a fixed sigma^2.")
    rows = [row for _, own in runs.groupby("model", sort=False) for row in _recipe(own, margins)]
    found = Finding.by_subject(rows, "")
    falls = [name for name, verdict in found.verdicts.items() if verdict == "supported"]
    not_all = [name for name, verdict in found.verdicts.items() if verdict == "not supported"]
    parts = []
    if falls:
        parts.append(f"with {', '.join(falls)} fewer latents are used at each larger sigma^2")
    if not_all:
        parts.append(f"with {', '.join(not_all)} not")
    sentence = " and ".join(parts) or "whether fewer latents are used at larger sigma^2 stays open"
    return Finding.by_subject(rows, f"{sentence[0].upper()}{sentence[1:]}.", _means(runs))


def _recipe(runs: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: each step for the effective number, the smallest for others."""
    below = runs[runs["initial"] < runs["largest_eigenvalue"]]
    steps = list(pairwise(sorted(below["initial"].unique())))
    # All steps of all measures on both splits decide together.
    level = 1.0 - (1.0 - margins.level) / max(1, len(steps) * len(_MEASURES) * len(SPLITS))
    for column in _MEASURES:
        for split in SPLITS:
            found = [_step(below, low, high, column, split, margins, level) for low, high in steps]
            if column == "effective":
                yield from found
            elif found:
                yield min(found, key=lambda row: row.interval.mean)
    yield arrived(runs, margins)
    yield from enough_variances(below)


def _step(
    runs: pd.DataFrame, low: float, high: float, column: str, split: str, margins: Margins,
    level: float,
) -> Evidence:  # fmt: skip
    name = f"{SPLITS[split]}{column}"
    # A cell that has collapsed entirely counts the same for every seed: no finer than one latent.
    # Where no cell scatters, nothing is known of another seed.
    differ = runs.groupby("initial")[name].nunique()
    unit = 100 / float(runs["n_latent"].iloc[0]) if differ.min() == 1 < differ.max() else 0.0
    cells = cells_of(runs, name, "initial", unit)
    fall = cells.contrast({low: 1.0, high: -1.0}, level)
    where = _ANSWERS[side(fall, margins.latents, margins.none)]
    ends = runs[runs["initial"].isin([low, high])]
    return Evidence(
        _MEASURES[column],
        fall,
        "% of k",
        subject=str(runs["model"].iloc[0]),
        condition=at(low, high),
        split=split,
        margin=margins.latents,
        answer=where,
        settles=what_settles(fall, margins.latents, ends) if where == "undecided" else "",
        main=column == "effective" and split == "train",
    )


def _means(runs: pd.DataFrame) -> dict[str, object]:
    """Return the means over seeds that the rows compare, by recipe, split, measure and sigma^2."""
    return {
        str(model): {
            split: {
                column: {
                    number(v): float(mean)
                    for v, mean in own.groupby("initial")[f"{prefix}{column}"].mean().items()
                }
                for column in _MEASURES
            }
            for split, prefix in SPLITS.items()
        }
        for model, own in runs.groupby("model", sort=False)
    }
