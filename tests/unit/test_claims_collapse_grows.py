"""Claim 8: latents in use over a fixed noise variance."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from deep_runs import FLAT, MARGINS, RISING, deep_runs, verdicts_of

from linvae.claims.collapse_grows import collapse_grows
from linvae.claims.recipes import effective_number

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
def test_fewer_latents_at_each_larger_noise(runs, verdict):
    assert judge(runs).verdict == verdict


def test_a_fall_between_two_neighbours_is_not_hidden_by_the_ends():
    found = judge(deep_runs(HUMP))
    (row,) = (
        row for row in found.rows if row.split == "train" and row.condition == "sigma^2 = 1 to 10"
        if row.quantity == "fall of the effective number of latents"
    )  # fmt: skip
    assert (row.answer, row.interval.mean) == ("no", pytest.approx(-30))


def test_what_lies_above_the_largest_eigenvalue_is_not_compared():
    beyond = {**RISING, 1000.0: 0.0}
    assert judge(deep_runs(beyond)).verdict == "supported"


@pytest.mark.parametrize(("n_seeds", "wide"), [(2, 1.0), (5, 1.0), (3, 10.0)])
def test_noise_variances_that_change_nothing_give_no_verdict(n_seeds, wide):
    runs = deep_runs(FLAT, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, runs, points=POINTS * wide)["inconclusive"] >= 95


def test_a_noise_variance_that_scatters_widely_decides_nothing_for_the_others():
    """Of null data over unequal scatter few studies may say "not supported", or "supported"."""
    runs = deep_runs(FLAT, n_seeds=3, jitter=0.0)
    counts = {}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        scales = runs["initial"].map(dict(zip(RISING, [0.5, 0.5, 10.0, 0.5], strict=True)))
        columns = [name for name in runs if "used_" in name or "effective" in name]
        moved = runs.assign(
            **{name: runs[name] + scales * rng.standard_normal(len(runs)) for name in columns}
        )
        verdict = judge(moved).verdict
        counts[verdict] = counts.get(verdict, 0) + 1
    assert counts["inconclusive"] >= 95


@pytest.mark.parametrize(("sign", "verdict"), [(1, "supported"), (-1, "not supported")])
def test_steps_of_twice_the_margin_either_way_are_seen(sign, verdict):
    step = 2 * MARGINS.latents * sign
    planted = {v: 40.0 + step * i for i, v in enumerate(RISING)}
    counts = verdicts_of(judge, deep_runs(planted, n_seeds=8, jitter=0.0), points=POINTS)
    assert counts.get(verdict, 0) >= 95
    assert set(counts) <= {verdict, "inconclusive"}


@pytest.mark.parametrize("column", ["effective", "used_0.1", "test_effective", "test_used_0.3"])
def test_each_measure_on_each_split_must_fall(column):
    runs = deep_runs(RISING)
    runs[column] = deep_runs(FALLING)[column]
    found = judge(runs)
    assert found.verdict == "not supported"
    split = "test" if column.startswith("test") else "train"
    assert {row.split for row in found.rows if row.answer == "no"} == {split}


def test_each_recipe_has_a_verdict_and_the_claim_is_what_they_agree_on():
    runs = pd.concat([deep_runs(RISING), deep_runs(FALLING, model="other")])
    found = judge(runs)
    assert found.verdicts == {"deep": "supported", "other": "not supported"}
    assert found.verdict == "inconclusive"
    assert found.sentence == (
        "With deep fewer latents are used at each larger sigma^2 and with other not."
    )


def test_an_open_row_says_which_runs_would_settle_it_and_their_cost():
    wide = deep_runs(dict(zip(RISING, [0.0, 7.0, 14.0, 21.0], strict=True)), jitter=4.0)
    found = judge(wide)
    assert found.verdict == "inconclusive"
    wanted = [row.settles for row in found.rows if row.answer == "undecided"]
    assert any(told.endswith("CPU minutes") and "of deep at 0.1 and 1" in told for told in wanted)
    (few,) = (row for row in judge(deep_runs({1.0: 0.0, 2.0: 9.0})).rows
              if row.quantity == "noise variances run")  # fmt: skip
    assert few.settles == "another noise variance, 3 CPU minutes"


def test_identical_replicates_have_no_interval():
    first = judge(deep_runs(RISING, jitter=0.0)).rows[0]
    assert (first.interval.mean, first.interval.low) == (20.0, None)


def test_the_order_of_the_runs_does_not_matter():
    runs = deep_runs(RISING)
    again = pd.concat([runs.iloc[7:], runs.iloc[:7]])
    assert judge(again).rows == judge(runs).rows


def test_the_effective_number_of_latents():
    assert effective_number(np.full(7, 1e3)) == pytest.approx(7)
    # A collapsed model spreads nearly nothing evenly: that is no latent, not all of them.
    assert effective_number(np.full(100, 1e-7)) == pytest.approx(0, abs=1e-4)
    eigenvalues, noise = np.array([9.0, 4.0, 2.0]), 2.0
    optimum = 0.5 * np.log(eigenvalues / noise)
    assert effective_number(optimum) == pytest.approx((1 - noise / eigenvalues).sum())
