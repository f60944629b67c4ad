"""Means of cells and the differences between them, with one variance that all cells share.

Two or three seeds say little of the scatter of their own cell; those of all cells of a recipe
together say more. The variance is that within cells, with the degrees of freedom of all of them.
Replicates that are identical have no interval: nothing is known then of what another seed would
give.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from scipy import stats

from linvae.claims.verdicts import Interval

__all__ = ["PooledCells", "Spread"]


@dataclass(frozen=True)
class Spread:
    """The largest difference between two of several cells.

    Attributes
    ----------
    low, high
        The cells of lowest and of highest mean.
    interval
        Of the difference, by Tukey's studentised range: it knows that these two were picked.
    """

    low: object
    high: object
    interval: Interval


@dataclass(frozen=True)
class PooledCells:
    """Means over seeds by cell, and the variance within cells.

    Attributes
    ----------
    means, sizes : Series
        By cell.
    variance : float or None
        Pooled; None where no cell has a second replicate, or all replicates are identical.
    freedom : int
        Degrees of freedom of the variance.
    """

    means: pd.Series
    sizes: pd.Series
    variance: float | None
    freedom: int

    @classmethod
    def of(
        cls, runs: pd.DataFrame, value: str, by: str | list[str], unit: float = 0.0
    ) -> "PooledCells":
        """Average a column of runs, one a row, over those that agree in `by`.

        Where values are whole numbers of some `unit`, their variance is that of rounding at least:
        counts that are the same for all seeds are no sign of a variance of zero.
        """
        found = runs.groupby(by)[value].agg(["mean", "size", "var"])
        freedom = len(runs) - len(found)
        within = float((found["var"].fillna(0.0) * (found["size"] - 1)).sum())
        # Round-off of means of equal numbers is no scatter.
        same = within <= 1e-24 * float((runs[value] ** 2).sum())
        variance = None if freedom == 0 or (same and not unit) else within / freedom
        if variance is not None:
            variance = max(variance, unit**2 / 12)
        return cls(found["mean"], found["size"], variance, freedom)

    def contrast(
        self, weights: Mapping[object, float], level: float, comparisons: int = 1
    ) -> Interval:
        """Interval of a weighted sum of means.

        Parameters
        ----------
        weights
            By cell.
        level
            Of all `comparisons` together, by Bonferroni's inequality.
        comparisons
            Number of intervals that a verdict rests on.
        """
        mean = sum(weight * float(self.means[cell]) for cell, weight in weights.items())
        scale = sum(weight**2 / int(self.sizes[cell]) for cell, weight in weights.items())
        quantile = _student(1.0 - (1.0 - level) / comparisons, self.freedom)
        return self._around(mean, quantile, scale, [self.sizes[cell] for cell in weights])

    def mean(self, cell: object, level: float, comparisons: int = 1) -> Interval:
        """Interval of the mean of a cell."""
        return self.contrast({cell: 1.0}, level, comparisons)

    def difference(self, high: object, low: object, level: float) -> Interval:
        """Interval of a difference of means, by Tukey and Kramer: for all pairs at once."""
        mean = float(self.means[high] - self.means[low])
        scale = 1.0 / int(self.sizes[high]) + 1.0 / int(self.sizes[low])
        quantile = _tukey(level, len(self.means), self.freedom)
        return self._around(mean, quantile, scale, [self.sizes[high], self.sizes[low]])

    def spread(self, level: float) -> Spread | None:
        """Return the largest difference between two cells; None of one cell alone."""
        if len(self.means) < 2:
            return None
        low, high = self.means.idxmin(), self.means.idxmax()
        if low == high:
            low, high = self.means.index[0], self.means.index[-1]
        return Spread(low, high, self.difference(high, low, level))

    def _around(self, mean: float, quantile: float, scale: float, sizes: list[int]) -> Interval:
        n = int(min(sizes))
        if self.variance is None:
            return Interval(mean, None, None, n)
        half = quantile * math.sqrt(self.variance * scale)
        return Interval(mean, mean - half, mean + half, n)


@lru_cache(maxsize=1024)
def _student(level: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom)) if freedom else math.nan


@lru_cache(maxsize=1024)
def _tukey(level: float, n_cells: int, freedom: int) -> float:
    """Quantile of the studentised range over sqrt(2), in standard errors of a difference."""
    if not freedom:
        return math.nan
    return float(stats.studentized_range.ppf(level, n_cells, freedom)) / math.sqrt(2.0)
