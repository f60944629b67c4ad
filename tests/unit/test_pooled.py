"""Pooled variances against scipy's tests, and how often null data are called a difference."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.pooled import PooledCells

VALUES = {"a": [1.0, 2.0, 4.0], "b": [2.0, 2.5, 6.0], "c": [3.0, 5.0, 4.5]}


def frame(values):
    return pd.DataFrame([{"cell": key, "x": x} for key, xs in values.items() for x in xs])


def test_variance_is_that_within_cells():
    cells = PooledCells.of(frame(VALUES), "x", "cell")
    assert cells.variance == pytest.approx(np.mean([np.var(v, ddof=1) for v in VALUES.values()]))
    assert cells.freedom == 6
    assert cells.means["b"] == pytest.approx(3.5)


def test_a_contrast_of_two_cells_is_the_t_interval_of_their_difference():
    cells = PooledCells.of(frame({key: VALUES[key] for key in "ab"}), "x", "cell")
    found = cells.contrast({"b": 1.0, "a": -1.0}, 0.9)
    expected = stats.ttest_ind(VALUES["b"], VALUES["a"]).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.n == 3


def test_comparisons_share_the_level():
    cells = PooledCells.of(frame(VALUES), "x", "cell")
    assert cells.mean("a", 0.95, 5) == cells.mean("a", 0.99)


@pytest.mark.parametrize("values", [{"a": [1.0], "b": [2.0]}, {"a": [0.1] * 3, "b": [0.7] * 3}])
def test_without_replicates_that_differ_there_is_no_interval(values):
    cells = PooledCells.of(frame(values), "x", "cell")
    assert cells.variance is None
    assert cells.contrast({"b": 1.0, "a": -1.0}, 0.95).low is None
    assert cells.mean("a", 0.95).high is None
