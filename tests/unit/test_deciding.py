import pandas as pd
import pytest

from linvae.claims.deciding import at_most, equivalent, exceeds, larger, side, spent, what_settles
from linvae.claims.verdicts import Interval

RUNS = pd.DataFrame(
    {
        "model": ["deep"] * 4,
        "initial": [1.0, 1.0, 10.0, 10.0],
        "seed": [0, 1, 0, 1],
        "cpu_seconds": [100.0, 100.0, 200.0, 200.0],
    }
)


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (6.0, 5.0, "above"),
        (6.0, 7.0, "open"),
        (4.0, 1.0, "open"),
        (-6.0, 5.0, "below"),
        (0.1, 0.3, "none"),
        (0.1, 0.5, "open"),
        (0.0, 4.0, "open"),
    ],
)
def test_sides_of_a_margin_of_five(mean, half, expected):
    assert side(Interval(mean, mean - half, mean + half, 2), 5.0, 0.1) == expected


def test_without_an_interval_nothing_is_decided():
    assert side(Interval(50.0, None, None, 2), 5.0, 0.1) == "open"


@pytest.mark.parametrize(
    ("mean", "half", "extra"),
    [
        # Student's interval of two seeds is 3.6 times as wide as that of three.
        (6.0, 12.0, "one more seed"),
        (6.0, 6.5, "one more seed"),
        # Of eight: 8.98 deviations to 0.84.
        (1.0, 5.0 * 8.98 / 0.84, "6 more seeds"),
        (1.0, 1e4, "more than 20 more seeds"),
    ],
)
def test_seeds_narrow_an_interval_by_their_root_and_by_student(mean, half, extra):
    text = what_settles(Interval(mean, mean - half, mean + half, 2), 5.0, RUNS)
    assert text.startswith(f"{extra} of deep at 1 and 10")


def test_cost_is_that_of_the_seeds_of_every_cell():
    text = what_settles(Interval(6.0, -6.0, 18.0, 2), 5.0, RUNS)
    # One seed of 100 and 200 seconds.
    assert text.endswith("5 CPU minutes")


def test_within_the_margin_and_narrow_enough_no_seed_is_asked_for():
    assert what_settles(Interval(1.0, -1.0, 3.0, 2), 5.0, RUNS) == ""


def test_a_threshold_is_left_by_the_distance_from_it():
    text = what_settles(Interval(12.0, 8.0, 16.0, 2), 10.0, RUNS, threshold=10.0)
    # From 4 to the 2 that lie between mean and threshold.
    assert "one more seed" in text


def test_time_in_words():
    assert [spent(s) for s in (3.0, 60.0, 600.0, 9000.0)] == [
        "1 CPU minute",
        "1 CPU minute",
        "10 CPU minutes",
        "2.5 CPU hours",
    ]


@pytest.mark.parametrize(
    ("mean", "half", "expected"),
    [
        (6.0, 0.5, "yes"),
        (6.0, 2.0, "undecided"),
        (-6.0, 0.5, "no"),
        (0.1, 0.3, "no"),
        (2.0, 1.0, "undecided"),
    ],
)
def test_a_difference_exceeds_a_margin_by_the_whole_of_its_interval(mean, half, expected):
    assert exceeds(Interval(mean, mean - half, mean + half, 3), 5.0, 0.1) == expected


def test_of_several_that_must_lie_above_only_the_doubt_is_corrected():
    narrow, wide = Interval(-6.0, -11.0, -1.0, 3), Interval(-6.0, -14.0, 2.0, 3)
    assert larger(Interval(6.0, 1.0, 11.0, 3), Interval(6.0, -2.0, 14.0, 3), 5.0, 0.1) == "yes"
    assert larger(narrow, wide, 5.0, 0.1) == "undecided"
    assert larger(narrow, narrow, 5.0, 0.1) == "no"


def test_intervals_within_and_beyond_a_margin():
    def between(low, high):
        return Interval((low + high) / 2, low, high, 3)

    wide = between(-1.0, 5.0)
    assert equivalent(between(-1.0, 1.0), wide, 2.0) == "yes"
    assert equivalent(between(2.5, 4.0), wide, 2.0) == "undecided"
    assert equivalent(between(2.5, 4.0), between(2.1, 4.4), 2.0) == "no"
    assert equivalent(between(-4.0, -2.5), between(-4.4, -2.1), 2.0) == "no"
    assert [at_most(between(*ends), 2.0) for ends in ((-9, 1), (1, 3), (3, 4))] == [
        "yes",
        "undecided",
        "no",
    ]
