"""Intervals of cells that scatter alike or not, against scipy's tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.cells import ALIKE, CellMeans, own_interval, paired
from linvae.claims.verdicts import interval

LIKE = {"a": [1.0, 2.0, 4.0], "b": [2.0, 2.5, 6.0], "c": [3.0, 5.5, 4.5]}
UNLIKE = {"a": [1.0, 1.1, 0.95], "b": [2.0, 9.0, 5.0], "c": [3.0, 3.1, 3.2]}


def cells(values, unit=0.0):
    rows = [{"cell": key, "x": x} for key, xs in values.items() for x in xs]
    return CellMeans.of(pd.DataFrame(rows), "x", "cell", unit)


def student(values, level):
    return stats.ttest_1samp(values, 0.0).confidence_interval(level)


def ends(found):
    return found.low, found.high


def test_cells_are_alike_if_no_variance_is_many_times_another():
    for values in (LIKE, UNLIKE):
        variances = [np.var(own, ddof=1) for own in values.values()]
        assert cells(values).alike == (max(variances) <= ALIKE * min(variances))
    # The scatter over noise variances of one recipe's counts: 0.5 to 4.7 of 200 latents.
    counts = {100.0: [5.0, 7.0, 5.0], 30.0: [13.0, 11.0, 20.0], 10.0: [18.0, 19.0, 19.0]}
    assert not cells(counts).alike


def test_cells_are_named_by_one_column_or_several():
    runs = pd.DataFrame({"a": ["y", "x", "x"], "b": [1, 2, 2], "value": [3.0, 4.0, 6.0]})
    assert CellMeans.of(runs, "value", "a").means == {"x": 5.0, "y": 3.0}
    assert CellMeans.of(runs, "value", ["a", "b"]).means == {("x", 2): 5.0, ("y", 1): 3.0}


def test_of_cells_that_scatter_alike_all_seeds_count():
    two = {key: LIKE[key] for key in "ab"}
    found = cells(two).contrast({"b": 1.0, "a": -1.0}, 0.9)
    expected = stats.ttest_ind(LIKE["b"], LIKE["a"]).confidence_interval(0.9)
    assert ends(found) == pytest.approx(tuple(expected))
    assert found.n == 3
    # A third cell narrows the mean of the first.
    assert cells(LIKE).contrast({"a": 1.0}, 0.9).high < student(LIKE["a"], 0.9).high


def test_of_cells_that_do_not_each_keeps_its_own_variance():
    found = cells(UNLIKE)
    for name in "bc":
        expected = stats.ttest_ind(UNLIKE[name], UNLIKE["a"], equal_var=False)
        told = found.contrast({name: 1.0, "a": -1.0}, 0.9)
        assert ends(told) == pytest.approx(tuple(expected.confidence_interval(0.9)))
    own = found.contrast({"a": 1.0}, 0.95)
    assert ends(own) == pytest.approx(tuple(student(UNLIKE["a"], 0.95)))


def test_comparisons_share_the_level():
    assert cells(LIKE).contrast({"a": 1.0}, 0.95, 5) == cells(LIKE).contrast({"a": 1.0}, 0.99)
    both = cells(UNLIKE).at_both({"b": 1.0}, 0.8, 2)
    assert both == tuple(cells(UNLIKE).contrast({"b": 1.0}, level) for level in (0.8, 0.9))


def test_identical_replicates_have_no_interval_and_are_not_like_others():
    same = {"a": [0.1] * 3, "b": [0.7] * 3}
    assert cells(same).contrast({"b": 1.0, "a": -1.0}, 0.95).low is None
    mixed = cells({**same, "c": [1.0, 2.0, 3.0]})
    assert not mixed.alike
    assert mixed.contrast({"a": 1.0, "b": -1.0}, 0.95).low is None
    # Beside a cell that scatters they add nothing: runs that collapse entirely are all the same.
    found = mixed.contrast({"c": 1.0, "a": -1.0}, 0.95)
    assert found.high - found.mean == pytest.approx(student([1.0, 2.0, 3.0], 0.95).high - 2.0)


def test_cells_pool_only_where_no_column_speaks_against_it():
    runs = pd.DataFrame({"cell": np.repeat(list("abc"), 3),
                         "x": np.concatenate(list(LIKE.values())),
                         "y": np.concatenate(list(UNLIKE.values()))})  # fmt: skip
    found = CellMeans.of_columns(runs, ["x", "y"], "cell")
    assert [own.alike for own in found.values()] == [False, False]
    assert CellMeans.of_columns(runs, ["x"], "cell")["x"].alike


def test_a_single_replicate_has_the_scatter_of_others_that_are_alike():
    assert cells({**LIKE, "d": [7.0]}).contrast({"d": 1.0}, 0.95).low is not None
    assert cells({**UNLIKE, "d": [7.0]}).contrast({"d": 1.0, "a": -1.0}, 0.95).low is None
    assert cells({"a": [1.0], "b": [2.0]}).contrast({"b": 1.0, "a": -1.0}, 0.95).low is None


def test_counts_scatter_by_rounding_at_least():
    found = cells({"a": [3.0, 4.0, 12.0], "b": [2.0] * 3}, unit=1.0)
    assert found.variances["b"] == pytest.approx(1 / 12)
    told = own_interval([2.0] * 4, 0.95, unit=1.0)
    assert told.high - told.mean == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(1 / 12 / 4))


def test_the_mean_of_values_is_student_s():
    told = own_interval(UNLIKE["b"], 0.9)
    assert ends(told) == pytest.approx(ends(interval(UNLIKE["b"], 0.9)))
    assert own_interval(UNLIKE["b"], 0.8, comparisons=2).low == pytest.approx(told.low)
    assert own_interval([0.1] * 3, 0.9).low is None
    assert own_interval([0.1], 0.9, unit=1.0).low is None


def test_pairs_have_the_interval_of_their_differences():
    found = paired([3.0, 5.0, 4.0], [1.0, 2.0, 3.0], 0.95)
    # Differences 2, 3 and 1: a standard error of 1 / sqrt(3), and Student's 4.303.
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert paired([2.0, 3.0], [1.0, 2.0], 0.95).low is None


@pytest.mark.parametrize("scatters", [(1.0, 1.0), (1.0, 3.0), (1.0, 10.0), (1.0, 1.0, 3.0)])
@pytest.mark.parametrize("n", [2, 3])
def test_null_cells_lie_outside_in_as_many_studies_as_the_level_allows(n, scatters):
    rng = np.random.default_rng(n)
    outside = 0
    for _ in range(200):
        found = cells({i: scale * rng.normal(size=n) for i, scale in enumerate(scatters)})
        pairs = [(i, j) for i in found.means for j in range(i)]
        told = [found.contrast({i: 1.0, j: -1.0}, 0.95, len(pairs)) for i, j in pairs]
        outside += any(one.low > 0 or one.high < 0 for one in told)
    # 10 expected, and luck of two and a half standard deviations; one variance gives 25 at worst.
    assert outside <= 18
