"""Intervals of means that no cell of another scatter enters.

A variance pooled over a quiet and a noisy cell makes the interval of the one too wide and of the
other too narrow. So the mean of a cell that stands alone has the variance of that cell: whether to
pool cannot be told from two or three replicates without choosing those that happen to lie near each
other. A difference of cells has one variance for all of them where none is more than `ALIKE` times
another, and otherwise Welch's interval.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from linvae.claims.pooled import PooledCells
from linvae.claims.verdicts import Interval

__all__ = ["ALIKE", "Cells", "UnequalCells", "cells_of", "own_interval"]

# Standard deviations that differ by a factor of two.
ALIKE = 4.0


def own_interval(
    values: ArrayLike, level: float, comparisons: int = 1, unit: float = 0.0
) -> Interval:
    """Interval of the mean of independent values, from their own scatter alone.

    Parameters
    ----------
    values : array_like of shape (n,)
        One a replicate; identical ones, or one alone, have no interval.
    level
        Of all `comparisons` together, by Bonferroni's inequality.
    comparisons
        Number of intervals that a verdict rests on.
    unit
        Of values that are counted: their variance is that of rounding at least.
    """
    x = np.asarray(values, dtype=np.float64)
    n, mean = len(x), float(x.mean())
    variance = float(x.var(ddof=1)) if n > 1 else 0.0
    # Round-off of means of equal numbers is no scatter.
    if n == 1 or (not unit and variance <= 1e-24 * mean**2):
        return Interval(mean, None, None, n)
    tail = (1.0 - level) / comparisons / 2
    half = float(stats.t.isf(tail, n - 1)) * math.sqrt(max(variance, unit**2 / 12) / n)
    return Interval(mean, mean - half, mean + half, n)


@dataclass(frozen=True)
class UnequalCells:
    """Means over replicates by cell, each with the variance of its own cell.

    Attributes
    ----------
    means, sizes, variances : Series
        By cell. The variance is missing of one replicate, and of replicates that are identical.
    """

    means: pd.Series
    sizes: pd.Series
    variances: pd.Series

    def contrast(
        self, weights: Mapping[object, float], level: float, comparisons: int = 1
    ) -> Interval:
        """Interval of a weighted sum of means, by Welch and Satterthwaite.

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
        n = min(int(self.sizes[cell]) for cell in weights)
        parts = [
            (weight**2 * float(self.variances[cell]) / int(self.sizes[cell]), self.sizes[cell] - 1)
            for cell, weight in weights.items()
        ]
        total = sum(part for part, _ in parts)
        if not total > 0:
            return Interval(mean, None, None, n)
        freedom = total**2 / sum(part**2 / own for part, own in parts)
        tail = (1.0 - level) / comparisons / 2
        half = float(stats.t.isf(tail, freedom)) * math.sqrt(total)
        return Interval(mean, mean - half, mean + half, n)


Cells = PooledCells | UnequalCells


def cells_of(runs: pd.DataFrame, value: str, by: str | list[str], unit: float = 0.0) -> Cells:
    """Average a column over the runs that agree in `by`, with one variance if cells scatter alike.

    Parameters
    ----------
    runs
        One a row.
    value
        Column.
    by
        Column or columns that name the cell.
    unit
        Of values that are counted: their variance is that of rounding at least.
    """
    found = runs.groupby(by)[value].agg(["mean", "size", "var"])
    several = found["size"] > 1
    # Round-off of means of equal numbers is no scatter.
    scatters = found["var"] > 1e-24 * float((found["mean"] ** 2).max())
    variances = found["var"].where(scatters)
    if unit:
        variances = variances.fillna(0.0).clip(lower=unit**2 / 12).where(several)
    known = variances[several]
    alike = known.notna().all() and known.max() <= ALIKE * known.min()
    if alike or known.isna().all():
        return PooledCells.of(runs, value, by, unit)
    return UnequalCells(found["mean"], found["size"], variances)
