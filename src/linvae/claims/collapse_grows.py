"""Claim 8: whether fewer latents are used at a larger fixed noise variance, for each recipe.

Judged between neighbouring noise variances below lambda_1, where linear theory expects latents in
use, by the effective number of latents, which has no threshold, and by the number in use at several
thresholds, all of which must fall; shown is what supports it least. What would turn the verdict:
between any two neighbours a number that does not fall, or rises, on train or on test.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.claim import Claim, Earlier
from linvae.claims.deciding import larger, with_seeds
from linvae.claims.evidence import Evidence, Finding, not_run, subjects, weakest
from linvae.claims.recipes import arrived, at, deep_runs, enough_variances
from linvae.claims.rows import THRESHOLDS
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["COLLAPSE_GROWS", "collapse_grows"]

# Of the latents, in percent: columns of `linvae.claims.recipes.deep_runs`, and what they are.
_MEASURES = {"effective": "fall of the effective number of latents"} | {
    f"used_{number(epsilon)}": f"fall of used latents at epsilon = {number(epsilon)}"
    for epsilon in THRESHOLDS
}

COLLAPSE_GROWS = Claim(
    number=8,
    text="With sigma^2 fixed, fewer latents are used at larger sigma^2.",
    made_by="paper, report",
    question=4,
    section="recipes",
    judge=lambda results: collapse_grows(
        deep_runs(results, "recipes", kind="fixed", curves=True), results.margins
    ),
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

    `runs` are `linvae.claims.recipes.deep_runs` of a fixed noise variance, with curves.
    """
    if runs.empty:
        return not_run("The section has no runs at a fixed sigma^2.")
    rows = [row for _, own in runs.groupby("model", sort=False) for row in _recipe(own, margins)]
    found = Finding.by_subject(rows, "")
    parts = []
    if falls := subjects(found.verdicts, "supported"):
        parts.append(f"with {', '.join(falls)} fewer latents are used at each larger sigma^2")
    if not_all := subjects(found.verdicts, "not supported"):
        parts.append(f"with {', '.join(not_all)} not")
    sentence = " and ".join(parts) or "whether fewer latents are used at larger sigma^2 stays open"
    return replace(found, sentence=f"{sentence[0].upper()}{sentence[1:]}.")


def _recipe(runs: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: of each split the step and measure that support least.

    The smallest fall of the effective number is reported beside. A recipe that was run at one
    noise variance is not asked.
    """
    below = runs[runs["initial"] < runs["largest_eigenvalue"]]
    if below["initial"].nunique() < 2:
        return
    for split in SPLITS:
        by_measure = {name: list(_steps(below, name, split, margins)) for name in _MEASURES}
        every = [row for steps in by_measure.values() for row in steps]
        (decisive,) = weakest(every, attrgetter("mean"))
        yield decisive
        least = min(by_measure["effective"], key=attrgetter("mean"))
        if split == "train" and least is not decisive:
            yield least.but(answer=None, settles="", main=False)
    near = arrived(runs, margins)
    yield from [near] if near.answer else []
    yield from enough_variances(below)


def _steps(runs: pd.DataFrame, column: str, split: str, margins: Margins) -> Iterator[Evidence]:
    """Compare neighbouring noise variances of one recipe by one measure."""
    name = f"{SPLITS[split]}{column}"
    # A cell that has collapsed entirely counts the same for every seed: no finer than one latent.
    # Where no cell scatters, nothing is known of another seed.
    differ = runs.groupby("initial")[name].nunique()
    unit = 100 / float(runs["n_latent"].iloc[0]) if differ.min() == 1 < differ.max() else 0.0
    cells = CellMeans.of(runs, name, "initial", unit)
    steps = list(pairwise(cells.means))
    # All steps of all measures on both splits decide together.
    n = len(steps) * len(_MEASURES) * len(SPLITS)
    for low, high in steps:
        at_level, corrected = cells.at_both({low: 1.0, high: -1.0}, margins.level, n)
        answer = larger(at_level, corrected, margins.latents, margins.none)
        told = {
            "subject": str(runs["model"].iloc[0]),
            "condition": at(low, high),
            "split": split,
            "margin": margins.latents,
            "answer": answer,
            "main": split == "train",
        }
        # That which is corrected is shown where it decides.
        alone = larger(at_level, at_level, margins.latents, margins.none) == answer
        shown = at_level if alone else corrected
        row = Evidence(_MEASURES[column], shown, "% of k", **told)
        yield with_seeds(row, runs[runs["initial"].isin([low, high])])
