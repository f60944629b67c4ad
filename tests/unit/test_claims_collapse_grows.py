"""Claim 8: collapse over a fixed noise variance."""

from functools import partial

import pandas as pd
import pytest
from deep_runs import FLAT, MARGINS, RISING, deep_runs, verdicts_of

from linvae.claims.collapse_grows import collapse_grows

judge = partial(collapse_grows, margins=MARGINS)
FALLING = dict(zip(RISING, [90.0, 60.0, 30.0, 0.0], strict=True))
HUMP = dict(zip(RISING, [0.0, 80.0, 50.0, 60.0], strict=True))
# Between runs that differ in nothing but their seed: what the default study shows.
POINTS = 2.0


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (deep_runs(RISING), "supported"),
        (deep_runs(FALLING), "not supported"),
        (deep_runs(HUMP), "not supported"),
        # That nothing changes is seen where an interval is narrow.
        (deep_runs(FLAT, jitter=0.05), "not supported"),
        (deep_runs(FLAT), "inconclusive"),
        (deep_runs(RISING, n_seeds=1), "inconclusive"),
        (deep_runs(RISING, jitter=0.0), "inconclusive"),
        (deep_runs(RISING, elbo=-300.0), "inconclusive"),
        (deep_runs({1.0: 0.0, 2.0: 9.0}), "inconclusive"),
        (deep_runs({1.0: 0.0}), "inconclusive"),
    ],
)
def test_collapse_grows(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize(("n_seeds", "wide"), [(2, 1.0), (5, 1.0), (3, 10.0)])
def test_noise_variances_that_change_nothing_give_no_verdict(n_seeds, wide):
    runs = deep_runs(FLAT, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, runs, points=POINTS * wide)["inconclusive"] >= 95


@pytest.mark.parametrize(("sign", "verdict"), [(1, "supported"), (-1, "not supported")])
def test_growth_and_decay_of_twice_the_margin_are_seen(sign, verdict):
    shares = (0.0, 0.4, 0.8, 1.0)
    step = 2 * MARGINS.latents * sign
    planted = {v: 40.0 + step * share for v, share in zip(RISING, shares, strict=True)}
    counts = verdicts_of(judge, deep_runs(planted, n_seeds=5, jitter=0.0), points=POINTS)
    assert counts.get(verdict, 0) >= 95
    assert set(counts) <= {verdict, "inconclusive"}


@pytest.mark.parametrize("column", ["mean_collapse", "collapse", "test_mean_collapse"])
def test_each_measure_on_each_split_must_grow(column):
    runs = deep_runs(RISING)
    runs[column] = deep_runs(FALLING)[column]
    found = judge(runs)
    assert found.verdict == "not supported"
    split = "test" if column.startswith("test") else "train"
    assert found.numbers[split]["verdict"] == "not supported"
    assert {found.numbers[name]["verdict"] for name in ("train", "test")} == {
        "supported",
        "not supported",
    }


def test_a_trend_that_runs_near_their_optimum_contradict_decides_nothing():
    falls = {0.1: 60.0, 1.0: 40.0, 10.0: 20.0, 30.0: 50.0, 100.0: 100.0}
    elbo = {variance: -90.0 if variance <= 10 else -300.0 for variance in falls}
    runs = deep_runs(falls, elbo=elbo)
    assert judge(runs).verdict == "not supported"
    rises = {0.1: 0.0, 1.0: 10.0, 10.0: 20.0, 30.0: 15.0, 100.0: 1.0}
    runs = deep_runs(rises, elbo=elbo)
    found = judge(runs)
    assert found.verdict == "inconclusive"
    assert "not of the runs near their optimum" in found.explanation


def test_it_is_told_of_what_the_verdict_speaks():
    elbo = {0.1: -90.0, 1.0: -90.0, 10.0: -101.0, 100.0: -100.05}
    text = judge(deep_runs(RISING, elbo=elbo)).explanation
    # 0.05 nats below the bound is what measuring leaves.
    assert "3 of 12 runs ended below the linear bound" in text
    assert "empirical objective" not in text
    runs = deep_runs(RISING)
    runs.loc[runs["initial"] <= 1, "test_above_linear"] = -30.0
    assert "At sigma^2 = 0.1, 1 the runs beat" in judge(runs).explanation
    assert "the empirical objective" in judge(runs).explanation


def test_an_open_verdict_names_interval_margin_runs_and_cost():
    wide = deep_runs(dict(zip(RISING, [0.0, 2.0, 4.0, 6.0], strict=True)), jitter=4.0)
    found = judge(wide)
    assert found.verdict == "inconclusive"
    growth = found.numbers["train"]["mean_collapse"]["growth"]
    # A whole minute a run in two cells.
    assert f"growth {growth['mean']:.4g} [{growth['low']:.4g}, {growth['high']:.4g}]" in (
        found.explanation
    )
    assert "open at a margin of 5 points" in found.explanation
    assert "more seeds of deep at 0.1 and 100 would decide" in found.explanation
    assert "CPU minutes" in found.explanation
    assert "another costs 3 CPU minutes" in judge(deep_runs({1.0: 0.0, 2.0: 9.0})).explanation


def test_identical_replicates_have_no_interval():
    found = judge(deep_runs(RISING, jitter=0.0))
    growth = found.numbers["train"]["collapse"]["growth"]
    assert (growth["mean"], growth["low"], growth["high"]) == (100.0, None, None)
    assert "(no interval)" in found.explanation


def test_the_order_of_the_runs_does_not_matter():
    runs = deep_runs(RISING)
    again = pd.concat([runs.iloc[7:], runs.iloc[:7]])
    assert judge(again).numbers == judge(runs).numbers
