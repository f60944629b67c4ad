"""Claim 13: whether nats that the residual spectrum says are left are had by training on.

A finished run is trained on in three ways for the same updates: as it is, with a linear bypass of
its networks at random values, and with that of its certificate. That the last starts higher is a
theorem, and no evidence: what counts is where the three end. What would turn the verdict: where
the certificate says that nats are left, ends with its bypass below those without or with a random
one, by the margin, on train or on test. Where an interval leaves that open, so does the claim; and
where nothing is certified it says nothing. What a run gains by going on without a bypass is
reported: those nats were a matter of the updates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import side_of_all, what_settles
from linvae.claims.evidence import Evidence, together, weakest
from linvae.claims.finding import Finding, not_run
from linvae.claims.recipes import answer_first, at
from linvae.claims.results import Results
from linvae.claims.unequal import own_interval
from linvae.claims.verdicts import Answer, Interval
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
_ANSWERS: dict[str, Answer] = {"above": "yes", "below": "no", "none": "no", "open": "undecided"}


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
    """Return the row of a run that was trained on, as `nats_can_be_had` takes it.

    It is empty where an arm could not be measured.
    """
    section, metrics = results.study.grafts, results.metrics(run)
    arms = {arm: results.values(section.file(run, arm)) for arm in ARMS}
    if any(KEY in values for values in arms.values()):
        return {}
    grafted, none = arms["certificate"], arms["none"]
    row = {
        "model": run.model,
        "initial": parse_noise(run.noise).variance,
        "seed": run.seed,
        "cpu_seconds": results.cpu_seconds(run),
    }
    for prefix in SPLITS.values():
        elbo, start = f"{prefix}elbo", f"{prefix}start_elbo"
        row |= {
            f"{prefix}gain": metrics[f"{prefix}residual_gain"],
            f"{prefix}gain_error": metrics[f"{prefix}residual_gain_error"],
            f"{prefix}above_none": grafted[elbo] - none[elbo],
            f"{prefix}above_random": grafted[elbo] - arms["random"][elbo],
            f"{prefix}at_once": grafted[start] - none[start],
            f"{prefix}going_on": none[elbo] - none[start],
            f"{prefix}alive": _share(grafted[f"{prefix}grafted_used"], grafted["grafted"]),
        }
    return row


def _share(n_used: int, n_grafted: int) -> float:
    """Share of the grafted latents that are in use; a mere shift has none that could die."""
    return n_used / n_grafted if n_grafted else 1.0


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

    Parameters
    ----------
    runs : DataFrame
        One row a run that was trained on: ``model``, ``initial``, ``seed``, ``cpu_seconds``, and
        for either split, the latter with the prefix ``test_``, ``gain`` and ``gain_error`` of its
        certificate, ``above_none`` and ``above_random`` (ELBO with the bypass less those of the
        others at the end), ``at_once`` (less that without, at the start), ``going_on`` (end less
        start without a bypass) and ``alive`` (share of the grafted latents in use).
    margins
        Of the study.
    """
    if runs.empty:
        return not_run("No run that was trained on could be measured.")
    rows, numbers, asked = [], {}, set()
    for name, own in runs.groupby("model", sort=False):
        cells = _cells(own, margins)
        numbers[str(name)] = _numbers(own, cells)
        rows += _recipe(own, [cell for cell in cells if cell.left], margins)
        asked |= {str(name)} if any(cell.left for cell in cells) else set()
    found = Finding.by_subject(rows, "", numbers)
    # Recipes of which nothing is certified settle nothing, for or against.
    judged = {name: found.verdicts[name] for name in found.verdicts if name in asked}
    sentence = "The certificate finds no nats left, so there was nothing to be had."
    if judged:
        sentence = (
            f"{answer_first(judged)}: training on with the certified bypass ends above going on "
            "without and above a random one."
        )
    return replace(found, sentence=sentence, verdict=together(judged))


@dataclass(frozen=True)
class _Cell:
    """A recipe's runs at one noise variance on one split, against both controls."""

    split: str
    variance: float
    left: bool
    against: Mapping[str, Evidence]


def _cells(runs: pd.DataFrame, margins: Margins) -> list[_Cell]:
    """Judge each noise variance of one recipe on each split."""
    left = {
        (split, float(variance)): nats_left(
            float(rows[f"{prefix}gain"].mean()), float(rows[f"{prefix}gain_error"].mean())
        )
        for split, prefix in SPLITS.items()
        for variance, rows in runs.groupby("initial")
    }
    # The recipe's verdict rests on all that is left, against both controls.
    n = len(_CONTROLS) * max(1, sum(left.values()))
    found = []
    for (split, variance), here in left.items():
        own = runs[runs["initial"] == variance]
        against = {name: _above(own, name, split, margins, n) for name in _CONTROLS}
        found.append(_Cell(split, variance, here, against))
    return found


def _above(runs: pd.DataFrame, name: str, split: str, margins: Margins, n: int) -> Evidence:
    """Judge one noise variance against one control; the verdict rests on n such intervals."""
    values = runs[f"{SPLITS[split]}{name}"]
    at_level, corrected = (own_interval(values, margins.level, of) for of in (1, n))
    answer = _ANSWERS[side_of_all(at_level, corrected, margins.elbo, margins.none)]
    return Evidence(
        _CONTROLS[name],
        at_level,
        "nats",
        subject=str(runs["model"].iloc[0]),
        condition=at(float(runs["initial"].iloc[0])),
        split=split,
        margin=margins.elbo,
        answer=answer,
        settles=what_settles(at_level, margins.elbo, runs) if answer == "undecided" else "",
        main=name == "above_none",
    )


def _recipe(runs: pd.DataFrame, left: Sequence[_Cell], margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: of those that decide together, the one that supports least."""
    if not left:
        yield _most_left(runs)
        return
    for split in SPLITS:
        rows = [cell.against["above_none"] for cell in left if cell.split == split]
        yield from weakest(rows, lambda row: row.interval.mean)
    random = [cell.against["above_random"] for cell in left]
    yield from weakest(random, lambda row: row.interval.mean)
    yield max((_going_on(runs, cell, margins) for cell in left), key=lambda row: row.interval.mean)


def _most_left(runs: pd.DataFrame) -> Evidence:
    gains = {
        (split, variance): float(rows[f"{prefix}gain"].mean())
        for split, prefix in SPLITS.items()
        for variance, rows in runs.groupby("initial")
    }
    (split, variance), most = max(gains.items(), key=lambda item: item[1])
    return Evidence(
        "most nats that the certificate finds",
        Interval.exact(most),
        "nats",
        subject=str(runs["model"].iloc[0]),
        condition=at(variance),
        split=split,
        reference=LEFT_NATS,
        answer="undecided",
    )


def _going_on(runs: pd.DataFrame, cell: _Cell, margins: Margins) -> Evidence:
    values = runs.loc[runs["initial"] == cell.variance, f"{SPLITS[cell.split]}going_on"]
    return Evidence(
        "most ELBO gained by going on without a bypass: training was unfinished",
        own_interval(values, margins.level),
        "nats",
        subject=str(runs["model"].iloc[0]),
        condition=at(cell.variance),
        split=cell.split,
    )


def _numbers(runs: pd.DataFrame, cells: Sequence[_Cell]) -> dict[str, object]:
    """Return what was measured, by noise variance and split, as JSON holds it."""
    found: dict[str, dict[str, object]] = {}
    for cell in cells:
        here = runs[runs["initial"] == cell.variance]
        found.setdefault(number(cell.variance), {})[cell.split] = {
            "left": cell.left,
            **{name: row.interval.to_dict() for name, row in cell.against.items()},
            **{name: float(here[f"{SPLITS[cell.split]}{name}"].mean()) for name in _MEANS},
        }
    return found
