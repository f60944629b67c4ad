"""Claim 15: at one recipe opposite starts end alike, and the rate changes more than the start does.

Both halves are judged apart: that runs of one optimiser, rate and budget end alike from opposite
starts, in ELBO and in latents in use, by equivalence tests for each recipe; and the rate beside
them (`linvae.claims.rate_changes`). What would turn the verdict: an ELBO or a number of latents
that differs between starts by more than its margin, on train or on test, at any noise variance; or
a rate that moves the number at equal ELBO by less than the start. Numbers are compared where the
linear optimum leaves latents unused. That is known before training, and where it uses all k there
is no room for more: all 50 of 50 latents in use from one start are no sign that k matters.
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import cost_of, with_seeds
from linvae.claims.end_of_training import same_end
from linvae.claims.evidence import Evidence, Finding, missing, not_run, together, weakest
from linvae.claims.rate_changes import rate_changes, rates_of
from linvae.claims.recipes import answer_first, at, deep_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import Verdict
from linvae.measure.splits import SPLITS
from linvae.settings.margins import Margins

__all__ = ["START_AND_RATE", "opposite_starts", "start_and_rate"]

STARTS = ("model", "other_start")
_RUN = ["model", "n_latent", "initial", "seed"]


def _from_results(results: Results) -> Finding:
    runs = opposite_starts(results)
    if runs.empty:
        return not_run("No recipe was run from opposite starts.")
    recipes = {name: results.models[name] for name in runs["recipe"].unique()}
    return start_and_rate(runs.join(rates_of(recipes), on="recipe"), results.margins)


def opposite_starts(results: Results) -> pd.DataFrame:
    """Tabulate the runs of recipes from opposite starts: ``recipe`` and ``start`` beside the rest.

    ``start`` is the field of `linvae.study.endings.Ending` that names the run's model. Recipes of
    which only one start could be measured are left out.
    """
    wanted = [
        {**dict(zip(_RUN, (run.model, run.n_latent, variance, run.seed), strict=True)),
         "recipe": entry.model, "start": start}
        for entry, variance, by_role in results.study.endings.cells(results.names)
        for start in STARTS
        for run in by_role.get(start, ())
    ]  # fmt: skip
    runs = pd.DataFrame(wanted).merge(deep_runs(results, "endings"), on=_RUN)
    n_starts = runs.groupby(["recipe", "initial", "n_latent"])["start"].transform("nunique")
    return runs[n_starts == len(STARTS)].reset_index(drop=True)


START_AND_RATE = Claim(
    number=15,
    text="At a given optimiser, rate and budget, opposite starts end with the same ELBO and the "
    "same number of used latents; and at equal ELBO the rate changes that number by more than the "
    "start does.",
    made_by="this project",
    question=4,
    section="endings",
    judge=_from_results,
    shown_in=("fig18",),
)


def start_and_rate(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 15. Whether starts end alike, for each recipe, and rates do not, for each optimiser.

    `runs` are as `opposite_starts` gives them, with ``family`` and ``rate`` of
    `linvae.claims.rate_changes.rates_of`.
    """
    starts = [row for _, own in runs.groupby("recipe", sort=False) for row in _recipe(own, margins)]
    rates = rate_changes(runs, margins)
    found = Finding.by_subject([*_shown(starts, 2), *_shown(rates, 1)], "")
    subjects = {row.subject for row in rates}
    of_starts, of_rates = (
        {name: verdict for name, verdict in found.verdicts.items() if (name in subjects) is wanted}
        for wanted in (False, True)
    )
    rate = answer_first(of_rates)
    sentence = (
        f"{answer_first(of_starts)}: opposite starts end alike; {rate[0].lower()}{rate[1:]}: they "
        "change the number of used latents more than the start does."
    )
    verdict = _of_halves(together(of_starts), together(of_rates))
    return replace(found, sentence=sentence, verdict=verdict)


def _of_halves(first: Verdict, second: Verdict) -> Verdict:
    """Judge two halves of one claim: refuted by either, supported by both."""
    if "not supported" in (first, second):
        return "not supported"
    return first if first == second else "inconclusive"


def _recipe(runs: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: of its noise variances, the one that supports least."""
    cells = [cell for _, cell in runs.groupby(["initial", "n_latent"])]
    rows = [row for cell in cells for row in _cell(cell, margins, len(cells))]
    nats, counts = ([row for row in rows if (row.unit == "nats") is own] for own in (True, False))
    for split in SPLITS:
        yield from weakest([row for row in nats if row.split == split], _closeness)
    yield from weakest(counts, _closeness) if counts else [_no_room(runs)]


def _closeness(row: Evidence) -> float:
    return -abs(row.mean) / row.margin


def _cell(runs: pd.DataFrame, margins: Margins, checks: int) -> Iterator[Evidence]:
    """Compare both starts at one noise variance; the recipe's verdict rests on so many checks."""
    own, other = (runs[runs["start"] == start] for start in STARTS)
    room = bool((runs["predicted"] > 0).all())
    first = runs.iloc[0]
    where = f"{at(first['initial'])}, k = {first['n_latent']}"
    for row in same_end(own, other, margins, room=room, checks=checks):
        what = f"{row.quantity}, other start less own"
        row = row.but(quantity=what, subject=str(first["recipe"]), condition=where)
        yield with_seeds(row, runs, leave_margin=True)


def _no_room(runs: pd.DataFrame) -> Evidence:
    cost = cost_of(runs.drop_duplicates(["start", "seed"]))
    what = "noise variances at which the linear optimum leaves latents unused"
    return missing(what, f"a larger sigma^2 or more latents, {cost}", str(runs["recipe"].iloc[0]))


def _shown(rows: list[Evidence], most: int) -> Iterator[Evidence]:
    """Mark rows for short tables: those on numbers of latents, of the first few subjects."""
    counts = [row for row in rows if row.unit == "% of k"]
    first = {row.subject: row for row in reversed(counts)}
    marked = list(dict.fromkeys(row.subject for row in counts))[:most]
    for row in rows:
        yield row.but(main=row.subject in marked and row is first[row.subject])
