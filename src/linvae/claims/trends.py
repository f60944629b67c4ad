"""Statistics of deep runs over noise variances: one number a seed, and an interval over seeds."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from linvae.claims.verdicts import Interval, interval

__all__ = ["by_seed", "correlation", "extremes", "mean_absolute_error", "rank_correlation"]

# A trend needs as many noise variances, and an interval as many seeds.
ENOUGH_VARIANCES = 3
ENOUGH_SEEDS = 2


def by_seed(
    runs: pd.DataFrame, statistic: Callable[[pd.DataFrame], float], bound: float = math.inf
) -> Interval | None:
    """Interval of a statistic over the noise variances of each seed; None if data are too few.

    The interval ends where the statistic's absolute value reaches its `bound`.
    """
    seeds = [rows for _, rows in runs.groupby("seed") if len(rows) >= ENOUGH_VARIANCES]
    if len(seeds) < ENOUGH_SEEDS:
        return None
    found = interval([statistic(rows) for rows in seeds])
    return replace(found, low=max(found.low, -bound), high=min(found.high, bound))


def rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman's correlation of collapse with the initial noise variance."""
    ranks = rows[["initial", "collapse"]].rank()
    return _pearson(ranks["initial"], ranks["collapse"])


def correlation(rows: pd.DataFrame) -> float:
    """Pearson's correlation of collapse with its prediction."""
    return _pearson(rows["predicted"], rows["collapse"])


def mean_absolute_error(rows: pd.DataFrame) -> float:
    """Mean absolute error of the prediction, in percentage points."""
    return float((rows["predicted"] - rows["collapse"]).abs().mean())


def extremes(runs: pd.DataFrame, name: str) -> tuple[Interval | None, float | None]:
    """Compare the initial noise variances by a column.

    Returns
    -------
    difference : Interval or None
        Between the two initial values of highest and lowest mean, paired by seed; None if there
        are too few seeds or values.
    p_value : float or None
        Of the F test that all initial values have one mean, seeds being the replicates.
    """
    table = runs.pivot_table(index="seed", columns="initial", values=name).dropna()
    if table.shape[0] < ENOUGH_SEEDS or table.shape[1] < 2:
        return None, None
    means = table.mean()
    difference = interval(table[means.idxmax()] - table[means.idxmin()])
    within = float(((table - means) ** 2).to_numpy().sum())
    between = float(len(table) * ((means - means.mean()) ** 2).sum())
    if within == 0.0:
        return difference, 0.0 if between > 0 else 1.0
    free = (table.shape[1] - 1, table.size - table.shape[1])
    return difference, float(stats.f.sf(between / free[0] / (within / free[1]), *free))


def _pearson(x: pd.Series, y: pd.Series) -> float:
    """Correlation; zero where one side does not vary."""
    if x.nunique() < 2 or y.nunique() < 2:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
