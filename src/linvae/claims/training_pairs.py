"""Curves of analytic and stochastic training side by side: where they end, when they come near."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.claims.deciding import spent

__all__ = ["TrainingPair", "at_best", "at_equal_rates", "ends", "updates_to"]

# The ELBO is averaged over this last share of the steps: at a constant rate it goes up and down.
_LAST = 0.2


@dataclass(frozen=True)
class TrainingPair:
    """Analytic and stochastic curves of the same seeds that are compared.

    Attributes
    ----------
    analytic, stochastic
        One row a recorded step, as `linvae.claims.stochastic.pair_curves` gives them.
    untried
        Learning rates that should be tried: next to one that is the best, and on the edge.
    """

    analytic: pd.DataFrame
    stochastic: pd.DataFrame
    untried: tuple[float, ...] = ()

    @property
    def rates(self) -> tuple[float, float]:
        """Learning rates of the analytic and of the stochastic runs."""
        return tuple(float(rows["learning_rate"].iloc[0]) for rows in self.kinds)

    @property
    def kinds(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The analytic and the stochastic curves."""
        return self.analytic, self.stochastic

    @property
    def budget(self) -> int:
        """Updates that both made."""
        return int(min(rows["step"].max() for rows in self.kinds))

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
        return f"{pairs}, {spent(len(self.untried) * float(self.runs['cpu_seconds'].sum()))}"


def at_equal_rates(curves: pd.DataFrame) -> list[TrainingPair]:
    """Pair the two kinds at every learning rate at which both were run on a common seed."""
    pairs = [_paired(own, own) for _, own in curves.groupby("learning_rate")]
    return [pair for pair in pairs if pair is not None]


def at_best(
    curves: pd.DataFrame, score: Callable[[pd.DataFrame], tuple[float, ...]]
) -> TrainingPair | None:
    """Pair each kind at the learning rate at which it is best; None without common seeds.

    Parameters
    ----------
    curves
        Of both kinds at all rates.
    score
        Of the runs of one kind at one rate; the largest is the best.
    """
    chosen, untried = [], []
    for _, kind in curves.groupby("stochastic"):
        by_rate = dict(list(kind.groupby("learning_rate")))
        scores = {rate: score(rows) for rate, rows in by_rate.items()}
        best = max(scores, key=scores.get)
        chosen.append(by_rate[best])
        untried += _beyond(sorted(scores), best)
    if len(chosen) < 2:
        return None
    return _paired(*chosen, untried=tuple(sorted(set(untried))))


def _paired(
    analytic: pd.DataFrame, stochastic: pd.DataFrame, untried: tuple[float, ...] = ()
) -> TrainingPair | None:
    kinds = analytic[~analytic["stochastic"]], stochastic[stochastic["stochastic"]]
    seeds = set(kinds[0]["seed"]) & set(kinds[1]["seed"])
    if not seeds:
        return None
    return TrainingPair(*(rows[rows["seed"].isin(seeds)] for rows in kinds), untried)


def _beyond(rates: list[float], best: float) -> list[float]:
    """Return rates to try next, as far off as the neighbour on the other side."""
    if len(rates) == 1:
        return [best / 2, best * 2]
    neighbours = {rates[0]: rates[1], rates[-1]: rates[-2]}
    return [best**2 / neighbours[best]] if best in neighbours else []


def ends(rows: pd.DataFrame, step: float = math.inf) -> NDArray[np.float64]:
    """Average the exact ELBO of every seed, in order, over the last fifth of steps up to one."""
    steps, values = _by_seed(rows, "elbo")
    last = steps[steps <= step].max()
    inside = (steps > (1 - _LAST) * last) & (steps <= last)
    if not inside.any():
        # A short curve has no record there: its latest one before stands for it.
        inside = steps == steps[steps <= last].max()
    return values[:, inside].mean(axis=1)


def updates_to(rows: pd.DataFrame, gap: float) -> NDArray[np.float64]:
    """Count the updates by which every seed comes within a gap of the maximum; else infinite."""
    steps, gaps = _by_seed(rows, "gap")
    return np.array([_crossing(steps.clip(min=1.0), own, gap) for own in gaps])


def _by_seed(rows: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the recorded steps, and a column by seed and step: all seeds have the same steps."""
    order = np.lexsort((rows["step"], rows["seed"]))
    shape = (rows["seed"].nunique(), -1)
    steps, values = (
        rows[name].to_numpy(dtype=np.float64)[order].reshape(shape) for name in ("step", column)
    )
    return steps[0], values


def _crossing(steps: NDArray[np.float64], gaps: NDArray[np.float64], gap: float) -> float:
    """Interpolate the first crossing linearly in log step, as records grow further apart."""
    reached = np.flatnonzero(gaps <= gap)
    if reached.size == 0:
        return math.inf
    i = int(reached[0])
    if i == 0:
        return float(steps[0])
    share = (gaps[i - 1] - gap) / (gaps[i - 1] - gaps[i])
    return float(steps[i - 1] * (steps[i] / steps[i - 1]) ** share)
