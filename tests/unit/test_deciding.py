import pandas as pd
import pytest

from linvae.claims.deciding import exceeds, paired, side, side_of_all, spent, what_settles
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
        # Half the width takes four times the seeds: eight for two.
        (6.0, 12.0, "6 more seeds"),
        (6.0, 6.5, "one more seed"),
        (1.0, 10.0, "6 more seeds"),
    ],
)
def test_seeds_narrow_an_interval_by_their_root(mean, half, extra):
    text = what_settles(Interval(mean, mean - half, mean + half, 2), 5.0, RUNS)
    assert text.startswith(f"{extra} of deep at 1 and 10, ")


def test_cost_is_that_of_the_seeds_of_every_cell():
    text = what_settles(Interval(6.0, -6.0, 18.0, 2), 5.0, RUNS)
    # Six seeds of 100 and 200 seconds.
    assert text.endswith("30 CPU minutes")


def test_within_the_margin_and_narrow_enough_no_seed_is_asked_for():
    assert what_settles(Interval(1.0, -1.0, 3.0, 2), 5.0, RUNS) == ""


def test_a_threshold_is_left_by_the_distance_from_it():
    text = what_settles(Interval(12.0, 8.0, 16.0, 2), 10.0, RUNS, threshold=10.0)
    assert "6 more seeds" in text


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


def test_pairs_have_the_interval_of_their_differences():
    found = paired([3.0, 5.0, 4.0], [1.0, 2.0, 3.0], 0.95)
    # Differences 2, 3 and 1: a standard error of 1 / sqrt(3), and Student's 4.303.
    assert found.mean == 2.0
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert paired([2.0, 3.0], [1.0, 2.0], 0.95).low is None


def test_of_several_that_must_lie_above_only_the_doubt_is_corrected():
    narrow, wide = Interval(-6.0, -11.0, -1.0, 3), Interval(-6.0, -14.0, 2.0, 3)
    assert (
        side_of_all(Interval(6.0, 1.0, 11.0, 3), Interval(6.0, -2.0, 14.0, 3), 5.0, 0.1) == "above"
    )
    assert side_of_all(narrow, wide, 5.0, 0.1) == "open"
    assert side_of_all(narrow, narrow, 5.0, 0.1) == "below"
