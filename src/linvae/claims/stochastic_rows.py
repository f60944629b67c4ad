"""Rows of claim 6: how soon stochastic and analytic training come near, and where they end."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from linvae.claims.deciding import exceeds, paired, spent, what_settles
from linvae.claims.evidence import Evidence
from linvae.claims.training_pairs import TrainingPair, at_best, at_equal_rates, ends, updates_to
from linvae.claims.verdicts import Answer, Interval

__all__ = [
    "LOWER",
    "SLOWER",
    "Limits",
    "SpeedCase",
    "arriving_row",
    "cases",
    "edge_row",
    "highest",
    "lower_row",
    "not_asked_row",
    "slower_row",
    "soonest",
]

# Subjects of the claim.
SLOWER, LOWER = "slower", "ends lower"


@dataclass(frozen=True)
class Limits:
    """What counts: `linvae.study.linear.Stochastic` has the first three.

    Attributes
    ----------
    margin
        Differences of the ELBO below it do not count, in nats per datum.
    ratio_margin
        Ratios of updates below it do not count.
    gaps
        Distances to the pPCA maximum, in nats per datum; the smallest decides.
    none
        Share of a margin within which an interval says that the kinds do not differ.
    level
        Of all intervals that the verdicts rest on together.
    """

    margin: float
    ratio_margin: float
    gaps: tuple[float, ...]
    none: float
    level: float

    @property
    def near(self) -> float:
        """The gap that decides."""
        return min(self.gaps)


@dataclass(frozen=True)
class SpeedCase:
    """Two kinds of training that are compared, and where.

    Attributes
    ----------
    pair
    condition
    images
        What a stochastic update sees.
    falls
        Whether the learning rate falls.
    is_best
        Whether each kind is at its best rate.
    """

    pair: TrainingPair
    condition: str
    images: str
    falls: bool
    is_best: bool

    @property
    def is_alike(self) -> bool:
        """Whether both have one learning rate."""
        return len(set(self.pair.rates)) == 1


def cases(curves: pd.DataFrame, score: Callable) -> Iterator[SpeedCase]:
    """Give the pairs at equal rates, and each kind at its best where that is not one of them."""
    for (_, schedule, images), own in curves.groupby(["alike", "schedule", "images"], sort=False):
        falls, best = schedule != "constant", at_best(own, score)
        for pair in at_equal_rates(own):
            same = best is not None and best.rates == pair.rates
            condition = f"{schedule} rate {pair.rates[0]:g}{', the best of both' if same else ''}"
            yield SpeedCase(best if same else pair, condition, images, falls, same)
        if best is not None and best.rates[0] != best.rates[1]:
            rates = " and ".join(f"{rate:g}" for rate in best.rates)
            yield SpeedCase(best, f"each at its best {schedule} rate, {rates}", images, falls, True)


def highest(rows: pd.DataFrame) -> tuple[float, ...]:
    """Score one kind at one rate by where it ends, in the mean over seeds."""
    return (ends(rows).mean(),)


def soonest(gap: float) -> Callable:
    """Score one kind at one rate by how soon it comes within a gap, first of all on every seed."""

    def score(rows: pd.DataFrame) -> tuple[float, ...]:
        updates = updates_to(rows, gap)
        needed = np.log(updates.clip(max=rows["step"].max())).mean()
        return bool(np.isfinite(updates).all()), -needed, ends(rows).mean()

    return score


def slower_row(case: SpeedCase, limits: Limits) -> Evidence:
    """Compare updates. A kind that does not arrive took all that were made, at least."""
    pair, margin = case.pair, math.log(limits.ratio_margin)
    updates = [updates_to(rows, limits.near) for rows in pair.kinds]
    arrived = [bool(np.isfinite(steps).all()) for steps in updates]
    logs = paired(*(np.log(steps.clip(max=pair.budget)) for steps in updates[::-1]), limits.level)
    bound = "" if all(arrived) else f", at {'least' if arrived[0] else 'most'}"
    ratio = (None if v is None else math.exp(v) for v in (logs.mean, logs.low, logs.high))
    row = Evidence(
        f"updates on {case.images} to come within {limits.near:g} nats of the maximum, stochastic "
        f"over analytic{bound}",
        Interval(*ratio, logs.n),
        subject=SLOWER,
        condition=case.condition,
        split="train",
        reference=1.0,
        margin=limits.ratio_margin - 1.0,
        main=case.is_best,
    )
    said = exceeds(logs, margin, limits.none)
    # Of a ratio that is known from one side, only that side says anything.
    if all(arrived) or said == ("yes" if arrived[0] else "no"):
        return _answered(row, case, said, logs, margin)
    cost = spent(2 * float(pair.runs["cpu_seconds"].sum()))
    return row.but(answer="undecided", settles=f"twice the updates, {cost}")


def lower_row(case: SpeedCase, limits: Limits) -> Evidence:
    """Compare ends; where the rate does not fall they are only reported."""
    ahead = paired(*(ends(rows) for rows in case.pair.kinds), limits.level)
    row = Evidence(
        "ELBO over the last fifth, analytic less stochastic",
        ahead,
        "nats",
        subject=LOWER,
        condition=case.condition,
        split="train",
        margin=limits.margin,
        main=case.is_best,
    )
    said = exceeds(ahead, limits.margin, limits.none)
    return _answered(row, case, said, ahead, limits.margin) if case.falls else row


def _answered(
    row: Evidence, case: SpeedCase, said: Answer, found: Interval, margin: float
) -> Evidence:
    """Add the answer; a best rate on the edge of those tried leaves it open."""
    if case.pair.untried and not case.is_alike:
        return row.but(answer="undecided", settles=case.pair.would_settle())
    if said != "undecided":
        return row.but(answer=said)
    nearest = math.copysign(margin, found.mean)
    return row.but(answer=said, settles=what_settles(found, margin, case.pair.runs, nearest))


def edge_row(case: SpeedCase, subject: str) -> Evidence:
    """Return what keeps a comparison at the best rates open that stands at equal rates already."""
    return Evidence(
        "learning rates tried on both sides of the best one",
        Interval.exact(0),
        subject=subject,
        condition=case.condition,
        reference=1.0,
        answer="undecided",
        settles=case.pair.would_settle(),
    )


def arriving_row(cases: Sequence[SpeedCase], gap: float) -> Evidence:
    """Return at how many rates who is slower is asked: of none it stays open."""
    alike = [case for case in cases if case.is_alike]
    n = sum(case.pair.arrives(gap) for case in alike)
    return Evidence(
        f"learning rates, of {len(alike)}, at which either kind comes within {gap:g} nats of the "
        "maximum on every seed",
        Interval.exact(n),
        subject=SLOWER,
        split="train",
        reference=1.0,
        answer=None if n else "undecided",
        settles="" if n else "more updates, or other rates",
    )


def not_asked_row(curves: pd.DataFrame) -> Evidence:
    """Return what keeps it open who ends lower: at a constant rate the noise floor decides."""
    runs = curves.drop_duplicates(["model", "seed"])
    return Evidence(
        "pairs whose learning rate falls to zero",
        Interval.exact(0),
        subject=LOWER,
        reference=1.0,
        answer="undecided",
        settles=f"the same pairs with schedule: cosine, {spent(float(runs['cpu_seconds'].sum()))}",
    )
