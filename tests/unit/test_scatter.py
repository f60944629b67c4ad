"""Contrasts of means against scipy's tests, with and without a variance that cells share."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.scatter import CheckedCells

ALIKE = {"a": [1.0, 2.0, 4.0], "b": [2.0, 2.5, 6.0], "c": [3.0, 5.0, 4.5]}
UNLIKE = {"a": [1.0, 1.01, 1.02], "b": [2.0, 9.0, 30.0], "c": [3.0, 3.02, 3.01]}


def cells(values, unit=0.0):
    rows = [{"cell": key, "x": x} for key, xs in values.items() for x in xs]
    return CheckedCells.of(pd.DataFrame(rows), "x", "cell", unit)


def test_bartletts_test_says_whether_cells_scatter_alike():
    for values in (ALIKE, UNLIKE):
        assert cells(values).alike == (stats.bartlett(*values.values()).pvalue > 0.25)
    # The scatter over noise variances of one recipe's counts: 0.5 to 4.7 of 200 latents.
    counts = {100.0: [5.0, 7.0, 5.0], 30.0: [13.0, 11.0, 20.0], 10.0: [18.0, 19.0, 19.0]}
    found = cells(counts).alike
    assert found == (stats.bartlett(*counts.values()).pvalue > 0.25)
    assert not found


def test_cells_pool_only_where_no_column_speaks_against_it():
    runs = pd.DataFrame(
        [
            {"cell": key, "x": x, "y": y}
            for key in ALIKE
            for x, y in zip(ALIKE[key], UNLIKE[key], strict=True)
        ]
    )
    found = CheckedCells.of_columns(runs, ["x", "y"], "cell")
    assert [cells.alike for cells in found.values()] == [False, False]
    assert CheckedCells.of_columns(runs, ["x"], "cell")["x"].alike


def test_of_cells_that_scatter_alike_all_seeds_count():
    found = cells({key: ALIKE[key] for key in "ab"}).contrast({"b": 1.0, "a": -1.0}, 0.9)
    expected = stats.ttest_ind(ALIKE["b"], ALIKE["a"]).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.n == 3
    # A third cell narrows the mean of the first.
    assert cells(ALIKE).contrast({"a": 1.0}, 0.9).high < _own(ALIKE["a"], 0.9).high


def test_of_cells_that_do_not_each_keeps_its_own_variance():
    found = cells(UNLIKE).contrast({"b": 1.0, "a": -1.0}, 0.95)
    welch = stats.ttest_ind(UNLIKE["b"], UNLIKE["a"], equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(welch))
    own = _own(UNLIKE["a"], 0.95)
    assert cells(UNLIKE).contrast({"a": 1.0}, 0.95).high == pytest.approx(own.high)


def test_identical_replicates_have_no_interval_and_are_not_like_others():
    same = {"a": [0.1] * 3, "b": [0.7] * 3}
    assert cells(same).contrast({"a": 1.0}, 0.95).low is None
    mixed = cells({**same, "c": [1.0, 2.0, 3.0]})
    assert not mixed.alike
    assert mixed.contrast({"a": 1.0, "b": -1.0}, 0.95).low is None
    found = mixed.contrast({"c": 1.0, "a": -1.0}, 0.95)
    assert found.high - found.mean == pytest.approx(_own([1.0, 2.0, 3.0], 0.95).high - 2.0)


def test_a_single_replicate_has_the_scatter_of_others_or_none():
    assert cells({**ALIKE, "d": [7.0]}).contrast({"d": 1.0}, 0.95).low is not None
    assert cells({**UNLIKE, "d": [7.0]}).contrast({"d": 1.0}, 0.95).low is None
    assert cells({"d": [7.0]}).contrast({"d": 1.0}, 0.95).low is None


def test_equal_counts_scatter_as_rounding_does():
    found = cells({"a": [10.0, 10.0]}, unit=0.5).contrast({"a": 1.0}, 0.95)
    half = stats.t.ppf(0.975, 1) * np.sqrt(0.25 / 12 / 2)
    assert found.high - found.mean == pytest.approx(half)


def _own(values, level):
    return stats.ttest_1samp(values, 0.0).confidence_interval(level)
