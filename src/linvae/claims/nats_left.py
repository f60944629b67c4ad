"""Claim 13: whether nats that the residual spectrum says are left are had by training on.

A finished run is trained on in three ways for the same updates: as it is, with a linear bypass of
its networks at random values, and with that of its certificate. That the last starts higher is a
theorem, and no evidence: what counts is where the three end. What would turn the verdict: where
the certificate says that nats are left, ends with its bypass below those without or with a random
one, by the margin, on train or on test. Where an interval leaves that open, so does the claim; and
where nothing is certified it says nothing. What a run gains by going on without a bypass is
reported: those nats were a matter of the updates.
"""

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter

import pandas as pd

from linvae.claims.cells import own_interval
from linvae.claims.claim import Claim
from linvae.claims.deciding import larger, with_seeds
from linvae.claims.evidence import Evidence, Finding, not_run, together, weakest
from linvae.claims.recipes import answer_first, at
from linvae.claims.results import Results
from linvae.claims.widths import fall_with_width, width_runs
from linvae.faults import KEY
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import number, parse_noise
from linvae.settings.arms import ARMS
from linvae.settings.margins import Margins

__all__ = ["NATS_CAN_BE_HAD", "nats_can_be_had", "nats_left"]

# What counts as left: as many nats, and standard errors.
LEFT_NATS, LEFT_ERRORS = 1.0, 3.0
_CONTROLS = {
    "above_none": "final ELBO, certified bypass less none",
    "above_random": "final ELBO, certified bypass less random one",
}
_MEANS = ("gain", "gain_error", "at_once", "going_on", "alive")


def nats_left(gain: float, error: float) -> bool:
    """Whether a measured gain says that training has failed to find it."""
    return gain > max(LEFT_NATS, LEFT_ERRORS * error)


def _from_results(results: Results) -> Finding:
    rows = (_row(results, run) for run in results.runs("grafts"))
    found = nats_can_be_had(pd.DataFrame([row for row in rows if row]), results.margins)
    falls, groups = fall_with_width(width_runs(results), results.margins)
    numbers = {"grafts": found.numbers, "widths": {"groups": groups}}
    return replace(found, rows=(*found.rows, *falls), numbers=numbers)


def _row(results: Results, run: Run) -> dict[str, object]:
    """Return the row of a run that was trained on; empty where an arm could not be measured."""
    section, metrics = results.study.grafts, results.metrics(run)
    arms = {arm: results.values(section.file(run, arm)) for arm in ARMS}
    if any(KEY in values for values in arms.values()):
        return {}
    grafted, none = arms["certificate"], arms["none"]
    row = {"model": run.model, "initial": parse_noise(run.noise).variance, "seed": run.seed}
    row |= {"cpu_seconds": results.cpu_seconds(run)}
    for prefix in SPLITS.values():
        elbo, start = f"{prefix}elbo", f"{prefix}start_elbo"
        row |= {
            f"{prefix}gain": metrics[f"{prefix}residual_gain"],
            f"{prefix}gain_error": metrics[f"{prefix}residual_gain_error"],
            f"{prefix}above_none": grafted[elbo] - none[elbo],
            f"{prefix}above_random": grafted[elbo] - arms["random"][elbo],
            f"{prefix}at_once": grafted[start] - none[start],
            f"{prefix}going_on": none[elbo] - none[start],
            # A mere shift has no latents that could die.
            f"{prefix}alive": (
                grafted[f"{prefix}grafted_used"] / grafted["grafted"] if grafted["grafted"] else 1.0
            ),
        }
    return row


NATS_CAN_BE_HAD = Claim(
    number=13,
    text="Where the residual spectrum says that nats are left, training on with the linear bypass "
    "ends above going on without it and above a random one.",
    made_by="Z. Li (2026), this project",
    question=4,
    section="grafts",
    judge=_from_results,
)


def nats_can_be_had(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 13. Whether certified bypasses end above none and above random ones, for each recipe.

    `runs` have one row a run that was trained on: ``model``, ``initial``, ``seed``,
    ``cpu_seconds``, and for either split, the latter with the prefix ``test_``, ``gain`` and
    ``gain_error`` of its certificate, ``above_none`` and ``above_random`` (ELBO with the bypass
    less those of the others at the end), ``at_once`` (less that without, at the start),
    ``going_on`` (end less start without a bypass) and ``alive`` (share of the grafted latents in
    use).
    """
    if runs.empty:
        return not_run("No run that was trained on could be measured.")
    rows, numbers, asked = [], {}, set()
    for name, own in runs.groupby("model", sort=False):
        by_split = _by_split(own.sort_values("initial", kind="stable"))
        cells = [cell for _, cell in by_split.groupby(["split", "initial"], sort=False)]
        left = [cell for cell in cells if _is_left(cell)]
        rows += _rows(left, margins) if left else [_most_left(cells)]
        asked |= {str(name)} if left else set()
        numbers[str(name)] = of_recipe = {}
        for cell in cells:
            variance = number(float(cell["initial"].iloc[0]))
            of_recipe.setdefault(variance, {})[cell["split"].iloc[0]] = _numbers(
                cell, margins.level
            )
    found = Finding.by_subject(rows, "", numbers)
    # Recipes of which nothing is certified settle nothing, for or against.
    judged = {name: verdict for name, verdict in found.verdicts.items() if name in asked}
    sentence = "The certificate finds no nats left, so there was nothing to be had."
    if judged:
        sentence = (
            f"{answer_first(judged)}: training on with the certified bypass ends above going on "
            "without and above a random one."
        )
    return replace(found, sentence=sentence, verdict=together(judged))


def _by_split(runs: pd.DataFrame) -> pd.DataFrame:
    """Give each run a row for each split, without prefixes."""
    names = [*_CONTROLS, *_MEANS]
    parts = [
        runs.assign(split=split, **{name: runs[f"{prefix}{name}"] for name in names})
        for split, prefix in SPLITS.items()
    ]
    return pd.concat(parts)


def _is_left(cell: pd.DataFrame) -> bool:
    """Whether the certificate finds nats in the runs of a cell."""
    return nats_left(float(cell["gain"].mean()), float(cell["gain_error"].mean()))


def _told(cell: pd.DataFrame) -> dict[str, str]:
    first = cell.iloc[0]
    told = {"subject": str(first["model"]), "condition": at(float(first["initial"]))}
    return told | {"split": first["split"], "unit": "nats"}


def _above(cell: pd.DataFrame, control: str, margins: Margins, n: int) -> Evidence:
    """Judge by one control, of n intervals that decide."""
    found = [own_interval(cell[control], margins.level, of) for of in (1, n)]
    answer = larger(*found, margins.elbo, margins.none)
    told = {"margin": margins.elbo, "answer": answer, "main": control == "above_none"}
    return with_seeds(Evidence(_CONTROLS[control], found[0], **told, **_told(cell)), cell)


def _rows(left: list[pd.DataFrame], margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: of those that decide together, the one that supports least."""
    # The recipe's verdict rests on all that is left, against both controls.
    n = len(_CONTROLS) * len(left)
    none, random = ([_above(cell, name, margins, n) for cell in left] for name in _CONTROLS)
    for split in SPLITS:
        yield from weakest((row for row in none if row.split == split), attrgetter("mean"))
    yield from weakest(random, attrgetter("mean"))
    most = max(left, key=lambda cell: cell["going_on"].mean())
    what = "most ELBO gained by going on without a bypass: training was unfinished"
    yield Evidence(what, own_interval(most["going_on"], margins.level), **_told(most))


def _most_left(cells: list[pd.DataFrame]) -> Evidence:
    most = max(cells, key=lambda cell: cell["gain"].mean())
    told = {"reference": LEFT_NATS, "answer": "undecided", **_told(most)}
    return Evidence.exact("most nats that the certificate finds", most["gain"].mean(), **told)


def _numbers(cell: pd.DataFrame, level: float) -> dict[str, object]:
    """Return what was measured in one cell, as JSON holds it."""
    means = {name: float(cell[name].mean()) for name in _MEANS}
    ends = {name: own_interval(cell[name], level).to_dict() for name in _CONTROLS}
    return {"left": _is_left(cell), **ends, **means}
