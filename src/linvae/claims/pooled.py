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

__all__ = ["PooledCells"]


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

    def _around(self, mean: float, quantile: float, scale: float, sizes: list[int]) -> Interval:
        n = int(min(sizes))
        if self.variance is None:
            return Interval(mean, None, None, n)
        half = quantile * math.sqrt(self.variance * scale)
        return Interval(mean, mean - half, mean + half, n)


@lru_cache(maxsize=1024)
def _student(level: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom)) if freedom else math.nan
