"""Curves of analytic and stochastic training side by side: where they end, when they come near."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.claims.deciding import cost_of
from linvae.claims.results import Results
from linvae.noise import parse_noise

__all__ = [
    "TrainingPair",
    "ends",
    "highest",
    "pair_curves",
    "pairs_of",
    "soonest",
    "updates_to",
]

# The ELBO is averaged over this last share of the steps: at a constant rate it goes up and down.
_LAST = 0.2


@dataclass(frozen=True)
class TrainingPair:
    """Analytic and stochastic curves of the same seeds that are compared.

    Attributes
    ----------
    kinds
        The analytic and the stochastic curves, one row a recorded step, as `pair_curves` gives
        them.
    condition
        Their learning rates, in words.
    is_best
        Whether each kind is at the rate that suits it best.
    untried
        Learning rates that should be tried: next to one that is the best, and on the edge.
    """

    kinds: tuple[pd.DataFrame, pd.DataFrame]
    condition: str = ""
    is_best: bool = False
    untried: tuple[float, ...] = ()

    @property
    def rates(self) -> tuple[float, float]:
        """Learning rates of the analytic and of the stochastic runs."""
        return tuple(float(rows["learning_rate"].iloc[0]) for rows in self.kinds)

    @property
    def is_alike(self) -> bool:
        """Whether both have one learning rate."""
        return len(set(self.rates)) == 1

    @property
    def images(self) -> str:
        """What a stochastic update sees."""
        return str(self.kinds[1]["images"].iloc[0])

    @property
    def falls(self) -> bool:
        """Whether the learning rate falls."""
        return self.kinds[1]["schedule"].iloc[0] != "constant"

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run."""
        return pd.concat(self.kinds).drop_duplicates(["model", "seed"])

    def arrives(self, gap: float) -> bool:
        """Whether either kind comes within a gap of the maximum on every seed."""
        return any(np.isfinite(updates_to(rows, gap)).all() for rows in self.kinds)

    def would_settle(self) -> str:
        """Say which pairs of models are lacking, and their cost; empty where none are."""
        if not self.untried:
            return ""
        rates = " and ".join(f"{rate:.1g}" for rate in self.untried)
        pairs = f"a pair at rate {rates}" if len(self.untried) == 1 else f"pairs at rates {rates}"
        return f"{pairs}, {cost_of(self.runs, len(self.untried))}"


def pair_curves(results: Results) -> pd.DataFrame:
    """Tabulate the curves of all analytic and stochastic runs, one row a recorded step.

    Columns: ``step``, the exact ``elbo`` and ``gap`` to the pPCA maximum in nats per datum; of the
    run ``model``, ``stochastic``, ``seed``, ``learning_rate``, ``initial`` sigma^2 and
    ``cpu_seconds``; and of its pair ``schedule``, ``images`` (what a stochastic update sees) and
    ``alike``, which pairs share that differ in nothing but their learning rate.
    """
    tables = []
    for pair in dict.fromkeys(results.study.stochastic.pairs):
        sampled = results.models[pair[1]].training
        of_pair = {
            "schedule": sampled.schedule,
            "images": f"{sampled.batch_size} images" if sampled.batch_size else "all images",
            "alike": sampled.model_dump_json(exclude={"learning_rate"}),
        }
        for run in results.runs("stochastic"):
            if run.model in pair:
                labels = {
                    "model": run.model,
                    "stochastic": run.model == pair[1],
                    "learning_rate": results.models[run.model].training.learning_rate,
                    "seed": run.seed,
                    "initial": parse_noise(run.noise).variance,
                    "cpu_seconds": results.cpu_seconds(run),
                }
                curve = results.curve(run)[["step", "elbo", "gap"]]
                tables.append(curve.assign(**labels, **of_pair))
    return pd.concat(tables, ignore_index=True)


def pairs_of(
    curves: pd.DataFrame, score: Callable[[pd.DataFrame], tuple[float, ...]]
) -> Iterator[TrainingPair]:
    """Pair the two kinds at equal rates, and each at its best where that is not one of these.

    Of the runs of one kind at one rate the largest score is the best. A single rate has none beside
    a schedule that was tried at several.
    """
    groups = curves.groupby(["alike", "schedule", "images"], sort=False)
    several = groups["learning_rate"].nunique().max() > 1
    for (_, schedule, _), own in groups:
        asked = not several or own["learning_rate"].nunique() > 1
        best = _at_best(own, score) if asked else None
        for _, alike in own.groupby("learning_rate"):
            if pair := _paired(alike, alike):
                same = best is not None and best.rates == pair.rates
                where = f"{schedule} rate {pair.rates[0]:g}{', the best of both' if same else ''}"
                yield replace(best if same else pair, condition=where)
        if best is not None and not best.is_alike:
            rates = " and ".join(f"{rate:g}" for rate in best.rates)
            yield replace(best, condition=f"each at its best {schedule} rate, {rates}")


def _at_best(curves: pd.DataFrame, score: Callable) -> TrainingPair | None:
    """Pair each kind at the learning rate at which it is best; None without common seeds."""
    chosen, untried = [], []
    for _, kind in curves.groupby("stochastic"):
        by_rate = dict(list(kind.groupby("learning_rate")))
        scores = {rate: score(rows) for rate, rows in by_rate.items()}
        best = max(scores, key=scores.get)
        chosen.append(by_rate[best])
        untried += _beyond(sorted(scores), best)
    pair = _paired(*chosen) if len(chosen) == 2 else None
    return pair and replace(pair, is_best=True, untried=tuple(sorted(set(untried))))


def _paired(analytic: pd.DataFrame, stochastic: pd.DataFrame) -> TrainingPair | None:
    kinds = analytic[~analytic["stochastic"]], stochastic[stochastic["stochastic"]]
    seeds = set(kinds[0]["seed"]) & set(kinds[1]["seed"])
    analytic, stochastic = (rows[rows["seed"].isin(seeds)] for rows in kinds)
    return TrainingPair((analytic, stochastic)) if seeds else None


def _beyond(rates: list[float], best: float) -> list[float]:
    """Return rates to try next, as far off as the neighbour on the other side."""
    if len(rates) == 1:
        return [best / 2, best * 2]
    neighbours = {rates[0]: rates[1], rates[-1]: rates[-2]}
    return [best**2 / neighbours[best]] if best in neighbours else []


def highest(rows: pd.DataFrame) -> tuple[float, ...]:
    """Score one kind at one rate by where it ends, in the mean over seeds."""
    return (ends(rows).mean(),)


def soonest(gap: float) -> Callable[[pd.DataFrame], tuple[float, ...]]:
    """Score one kind at one rate by how soon it comes within a gap, first of all on every seed."""

    def score(rows: pd.DataFrame) -> tuple[float, ...]:
        updates = updates_to(rows, gap)
        needed = np.log(updates.clip(max=rows["step"].max())).mean()
        return bool(np.isfinite(updates).all()), -needed, ends(rows).mean()

    return score


def ends(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Average the exact ELBO of every seed, in order, over the last fifth of the steps."""
    steps, values = _by_seed(rows, "elbo")
    return values[:, steps > (1 - _LAST) * steps.max()].mean(axis=1)


def updates_to(rows: pd.DataFrame, gap: float) -> NDArray[np.float64]:
    """Count the updates by which every seed comes within a gap of the maximum; else infinite."""
    steps, gaps = _by_seed(rows, "gap")
    return np.array([_crossing(steps.clip(min=1.0), own, gap) for own in gaps])


def _by_seed(rows: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the recorded steps, and a column by seed and step: all seeds have the same steps."""
    table = rows.pivot(index="seed", columns="step", values=column)
    return table.columns.to_numpy(dtype=np.float64), table.to_numpy(dtype=np.float64)


def _crossing(steps: NDArray[np.float64], gaps: NDArray[np.float64], gap: float) -> float:
    """Interpolate the first crossing linearly in log step, as records grow further apart."""
    reached = np.flatnonzero(gaps <= gap)
    if reached.size == 0:
        return math.inf
    around = slice(max(int(reached[0]) - 1, 0), int(reached[0]) + 1)
    return float(np.exp(np.interp(-gap, -gaps[around], np.log(steps[around]))))
