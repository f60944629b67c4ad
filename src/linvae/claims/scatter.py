"""Contrasts of means of cells, with one variance for all only where the cells scatter alike.

Two or three seeds say little of the scatter of their own cell, and those of other cells say more if
these scatter alike. Bartlett's test asks whether they do, of all columns that a verdict rests on:
of one alone it passes cells whose few seeds happen to lie close together. Where any says no, each
cell keeps its own variance, with the degrees of freedom of Welch and Satterthwaite.

References
----------
Bancroft (1964), *Analysis and inference for incompletely specified models involving the use of
preliminary tests of significance*: such a test must be at a level of a quarter or so, as what it
passes is used.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean, variance

import pandas as pd
from scipy import stats

from linvae.claims.verdicts import Interval

__all__ = ["CheckedCells"]

# Level of Bartlett's test.
_UNLIKE = 0.25


@dataclass(frozen=True)
class CheckedCells:
    """Means over seeds by cell, with the variance of each.

    Attributes
    ----------
    means, sizes
        By cell, in ascending order.
    variances
        By cell, of those with more than one replicate.
    alike
        Whether nothing speaks against one variance for all.
    """

    means: Mapping[object, float]
    sizes: Mapping[object, int]
    variances: Mapping[object, float]
    alike: bool

    @classmethod
    def of(cls, runs: pd.DataFrame, value: str, by: str, unit: float = 0.0) -> "CheckedCells":
        """Average a column of runs, one a row, over those that agree in `by`.

        Where values are whole numbers of some `unit`, the variance of a cell is that of rounding at
        least: equal counts are no sign of a variance of zero.
        """
        values: dict[object, list[float]] = {}
        for cell, found in sorted(zip(runs[by].tolist(), runs[value].tolist(), strict=True)):
            values.setdefault(cell, []).append(float(found))
        variances = {
            cell: max(_variance(own), unit**2 / 12) for cell, own in values.items() if len(own) > 1
        }
        sizes = {cell: len(own) for cell, own in values.items()}
        means = {cell: fmean(own) for cell, own in values.items()}
        return cls(means, sizes, variances, _alike(variances, sizes))

    @classmethod
    def of_columns(
        cls, runs: pd.DataFrame, columns: Sequence[str], by: str, unit: float = 0.0
    ) -> dict[str, "CheckedCells"]:
        """Average several columns of the same runs: cells pool if they scatter alike in all."""
        found = {column: cls.of(runs, column, by, unit) for column in columns}
        alike = all(cells.alike for cells in found.values())
        return {column: replace(cells, alike=alike) for column, cells in found.items()}

    def contrast(self, weights: Mapping[object, float], level: float) -> Interval:
        """Interval of a weighted sum of means, by cell; none where its replicates are identical."""
        mean = sum(weight * self.means[cell] for cell, weight in weights.items())
        scales = {cell: weight**2 / self.sizes[cell] for cell, weight in weights.items()}
        square, freedom = self._pooled(scales) if self.alike else self._apart(scales)
        n = min(self.sizes[cell] for cell in weights)
        if not square > 0:
            return Interval(mean, None, None, n)
        half = _student(level, freedom) * math.sqrt(square)
        return Interval(mean, mean - half, mean + half, n)

    def _pooled(self, scales: Mapping[object, float]) -> tuple[float, float]:
        """Return the squared error of a sum, and its degrees of freedom."""
        freedom = sum(self.sizes[cell] - 1 for cell in self.variances)
        within = sum(own * (self.sizes[cell] - 1) for cell, own in self.variances.items())
        return (within / freedom * sum(scales.values()), freedom) if freedom else (0.0, 0.0)

    def _apart(self, scales: Mapping[object, float]) -> tuple[float, float]:
        """Return the same of variances apart; an error of zero where a cell has none."""
        if not scales.keys() <= self.variances.keys():
            return 0.0, 0.0
        parts = {cell: scale * self.variances[cell] for cell, scale in scales.items()}
        square = sum(parts.values())
        below = sum(part**2 / (self.sizes[cell] - 1) for cell, part in parts.items())
        return square, square**2 / below if square > 0 else 0.0


def _variance(values: list[float]) -> float:
    found = variance(values)
    # Round-off of equal numbers is no scatter.
    return found if found > 1e-24 * max(map(abs, values)) ** 2 else 0.0


def _alike(variances: Mapping[object, float], sizes: Mapping[object, int]) -> bool:
    """Whether Bartlett's test lets variances pass as one; zero is unlike any other."""
    if len(variances) < 2 or not any(variances.values()):
        return True
    if not all(variances.values()):
        return False
    freedoms = {cell: sizes[cell] - 1 for cell in variances}
    total = sum(freedoms.values())
    pooled = sum(freedoms[cell] * own for cell, own in variances.items()) / total
    logs = sum(freedoms[cell] * math.log(own) for cell, own in variances.items())
    more = len(variances) - 1
    correction = 1 + (sum(1 / freedom for freedom in freedoms.values()) - 1 / total) / (3 * more)
    statistic = (total * math.log(pooled) - logs) / correction
    return bool(stats.chi2.sf(statistic, more) > _UNLIKE)


@lru_cache(maxsize=1024)
def _student(level: float, freedom: float) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom))
