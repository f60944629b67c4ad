import numpy as np
import pytest
from scipy import stats

from linvae.claims.verdicts import interval, joint


def test_interval_equals_scipys():
    values = [3.0, 5.0, 4.5, 9.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((5.375, low, high))


def test_one_seed_gives_no_interval_and_so_no_answer():
    found = interval([3.0])
    assert (found.low, found.high) == (None, None)
    assert not found.above(0.0)
    assert not found.below(9.0)


@pytest.mark.parametrize("values", [[], [1.0, np.nan]])
def test_interval_of_what_is_no_number_is_an_error(values):
    with pytest.raises(ValueError, match="finite"):
        interval(values)


def test_the_whole_interval_is_on_one_side_or_on_none():
    found = interval([1.0, 1.1, 1.2])
    assert found.above(0.5)
    assert not found.above(1.1)
    assert not found.below(1.1)
    assert found.below(2.0)


def test_one_no_refutes_and_all_must_say_yes():
    assert joint(["yes", "yes"]) == "supported"
    assert joint(["yes", "undecided"]) == joint([]) == "inconclusive"
    assert joint(["yes", "undecided", "no"]) == "not supported"
