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
from dataclasses import dataclass, replace
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
        by_variance = [here for _, here in own.groupby("initial")]
        cells = [_Cell(here, split) for split in SPLITS for here in by_variance]
        numbers[str(name)] = _numbers(cells, margins.level)
        left = [cell for cell in cells if cell.left]
        rows += _rows(left, margins) if left else [_most_left(cells)]
        asked |= {str(name)} if left else set()
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


@dataclass(frozen=True)
class _Cell:
    """A recipe's runs at one noise variance, as one split has them."""

    runs: pd.DataFrame
    split: str

    @property
    def variance(self) -> float:
        return float(self.runs["initial"].iloc[0])

    @property
    def left(self) -> bool:
        """Whether the certificate finds nats there."""
        return nats_left(self.mean("gain"), self.mean("gain_error"))

    def values(self, name: str) -> pd.Series:
        return self.runs[f"{SPLITS[self.split]}{name}"]

    def mean(self, name: str) -> float:
        return float(self.values(name).mean())

    @property
    def told(self) -> dict[str, str]:
        subject = str(self.runs["model"].iloc[0])
        return {"subject": subject, "condition": at(self.variance), "split": self.split}

    def above(self, control: str, margins: Margins, n: int) -> Evidence:
        """Judge by one control, of n intervals that decide."""
        values = self.values(control)
        found = [own_interval(values, margins.level, of) for of in (1, n)]
        answer = larger(*found, margins.elbo, margins.none)
        told = {"answer": answer, "main": control == "above_none", **self.told}
        row = Evidence(_CONTROLS[control], found[0], "nats", margin=margins.elbo, **told)
        return with_seeds(row, self.runs)


def _rows(left: list[_Cell], margins: Margins) -> Iterator[Evidence]:
    """Give the rows of one recipe: of those that decide together, the one that supports least."""
    # The recipe's verdict rests on all that is left, against both controls.
    n = len(_CONTROLS) * len(left)
    for split in SPLITS:
        rows = [cell.above("above_none", margins, n) for cell in left if cell.split == split]
        yield from weakest(rows, attrgetter("mean"))
    rows = [cell.above("above_random", margins, n) for cell in left]
    yield from weakest(rows, attrgetter("mean"))
    most = max(left, key=lambda cell: cell.mean("going_on"))
    what = "most ELBO gained by going on without a bypass: training was unfinished"
    yield Evidence(what, own_interval(most.values("going_on"), margins.level), "nats", **most.told)


def _most_left(cells: list[_Cell]) -> Evidence:
    most = max(cells, key=lambda cell: cell.mean("gain"))
    told = {"reference": LEFT_NATS, "answer": "undecided", **most.told}
    return Evidence.exact("most nats that the certificate finds", most.mean("gain"), "nats", **told)


def _numbers(cells: list[_Cell], level: float) -> dict[str, dict[str, dict[str, object]]]:
    """Return what was measured, by noise variance and split, as JSON holds it."""
    found: dict[str, dict[str, dict[str, object]]] = {}
    for cell in cells:
        found.setdefault(number(cell.variance), {})[cell.split] = {
            "left": cell.left,
            **{name: own_interval(cell.values(name), level).to_dict() for name in _CONTROLS},
            **{name: cell.mean(name) for name in _MEANS},
        }
    return found
