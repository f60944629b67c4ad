"""Intervals of cells that scatter differently, against scipy's tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.pooled import PooledCells
from linvae.claims.unequal import UnequalCells, cells_of, own_interval
from linvae.claims.verdicts import interval

QUIET, NOISY, ALIKE = [1.0, 1.1, 0.95], [2.0, 9.0, 5.0], [3.0, 3.1, 3.2]


def frame(**values):
    return pd.DataFrame([{"cell": key, "x": x} for key, xs in values.items() for x in xs])


def test_cells_that_scatter_alike_share_a_variance():
    runs = frame(a=QUIET, b=ALIKE)
    found = cells_of(runs, "x", "cell")
    assert isinstance(found, PooledCells)
    expected = stats.ttest_ind(ALIKE, QUIET).confidence_interval(0.95)
    told = found.contrast({"b": 1.0, "a": -1.0}, 0.95)
    assert (told.low, told.high) == pytest.approx(tuple(expected))


def test_cells_that_do_not_are_compared_by_welch():
    found = cells_of(frame(a=QUIET, b=NOISY, c=ALIKE), "x", "cell")
    assert isinstance(found, UnequalCells)
    for name, values in (("b", NOISY), ("c", ALIKE)):
        expected = stats.ttest_ind(values, QUIET, equal_var=False).confidence_interval(0.9)
        told = found.contrast({name: 1.0, "a": -1.0}, 0.9)
        assert (told.low, told.high) == pytest.approx(tuple(expected))
        assert told.n == 3
    corrected, plain = (found.contrast({"b": 1.0}, *told) for told in ((0.8, 2), (0.9,)))
    assert corrected.low == pytest.approx(plain.low)


def test_identical_or_single_replicates_have_no_interval():
    assert cells_of(frame(a=QUIET, b=[2.0] * 3), "x", "cell").contrast({"b": 1.0}, 0.9).low is None
    alone = cells_of(frame(a=QUIET, b=NOISY, c=[1.0]), "x", "cell")
    assert alone.contrast({"c": 1.0, "a": -1.0}, 0.9).low is None
    assert own_interval([0.1] * 3, 0.9).low is None
    assert own_interval([0.1], 0.9, unit=1.0).low is None


def test_counts_scatter_by_rounding_at_least():
    found = cells_of(frame(a=[3.0, 4.0, 12.0], b=[2.0] * 3), "x", "cell", unit=1.0)
    assert found.variances["b"] == pytest.approx(1 / 12)
    told = own_interval([2.0] * 4, 0.95, unit=1.0)
    assert told.high - told.mean == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(1 / 12 / 4))


def test_the_mean_of_a_cell_alone_is_student_s():
    told, expected = own_interval(NOISY, 0.9), interval(NOISY, 0.9)
    assert (told.low, told.high) == pytest.approx((expected.low, expected.high))
    assert own_interval(NOISY, 0.8, comparisons=2).low == pytest.approx(told.low)


@pytest.mark.parametrize("scatters", [(1.0, 1.0), (1.0, 3.0), (1.0, 10.0)])
@pytest.mark.parametrize("n", [2, 3])
def test_null_cells_lie_outside_in_as_many_studies_as_the_level_allows(n, scatters):
    rng = np.random.default_rng(n)
    outside = 0
    for _ in range(200):
        runs = frame(
            **{f"c{scale}{i}": scale * rng.normal(size=n) for i, scale in enumerate(scatters)}
        )
        cells = cells_of(runs, "x", "cell")
        first, second = cells.means.index
        found = cells.contrast({first: 1.0, second: -1.0}, 0.95)
        outside += found.low > 0 or found.high < 0
    # 10 expected, and luck of two and a half standard deviations; one variance gives 25 at worst.
    assert outside <= 18
