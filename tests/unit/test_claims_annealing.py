"""Claim 11: what annealing the KL changes."""

import pandas as pd
import pytest
from deep_runs import MARGINS, deep_runs, verdicts_of

from linvae.claims.annealing import annealing_leaves_collapse

PAIRS = [("deep", "annealed")]


def judge(runs):
    return annealing_leaves_collapse(runs, PAIRS, MARGINS)


def pair(before, after, cost=0.0, n_seeds=3, jitter=0.5):
    """Runs without and with annealing: collapse by noise variance, and nats that it costs.

    One seed is jittered otherwise with annealing than without, so that differences scatter.
    """
    plain = deep_runs(before, n_seeds=n_seeds, jitter=jitter)
    annealed = deep_runs(after, n_seeds=n_seeds, model="annealed", jitter=-0.7 * jitter)
    annealed[["elbo", "above_linear"]] -= cost
    return pd.concat([plain, annealed], ignore_index=True)


BOTH = {1.0: 50.0, 9.0: 90.0}
REVIVED = {1.0: 20.0, 9.0: 60.0}


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        # Latents are revived at a cost, lost, or as many as before.
        (pair(BOTH, REVIVED, cost=8.0), "supported"),
        (pair(BOTH, {1.0: 60.0, 9.0: 98.0}), "supported"),
        (pair(BOTH, BOTH, jitter=0.05), "supported"),
        # They are revived for nothing, at one noise variance.
        (pair(BOTH, {1.0: 5.0, 9.0: 95.0}), "not supported"),
        (pair(BOTH, REVIVED, cost=-30.0), "not supported"),
        (pair(BOTH, BOTH), "inconclusive"),
        (pair({1.0: 50.0}, {1.0: 45.0}, n_seeds=1), "inconclusive"),
        (pair(BOTH, REVIVED, cost=8.0, jitter=0.0), "inconclusive"),
        (pair({1.0: 2.0}, {1.0: 0.0}), "inconclusive"),
        (pair({1.0: 50.0}, {2.0: 50.0}), "inconclusive"),
        (pair({1.0: 50.0}, {1.0: 5.0}).assign(elbo=-300.0), "inconclusive"),
    ],
)
def test_annealing(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize(("n_seeds", "wide"), [(2, 1.0), (5, 1.0), (3, 10.0)])
def test_a_recipe_against_itself_gives_no_verdict(n_seeds, wide):
    runs = pair(BOTH, BOTH, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, runs, points=2.0 * wide, nats=wide)["inconclusive"] >= 95


@pytest.mark.parametrize(
    ("cost", "verdict"), [(2 * MARGINS.elbo, "supported"), (-2 * MARGINS.elbo, "not supported")]
)
def test_twice_the_margins_are_seen(cost, verdict):
    after = {variance: unused - 2 * MARGINS.latents for variance, unused in BOTH.items()}
    runs = pair(BOTH, after, cost=cost, n_seeds=5, jitter=0.0)
    counts = verdicts_of(judge, runs, points=2.0, nats=0.8)
    assert counts.get(verdict, 0) >= 90
    assert set(counts) <= {verdict, "inconclusive"}


def test_pairs_by_seed_and_noise():
    runs = pair({1.0: 50.0}, {1.0: 45.0}, cost=7.0)
    found = judge(runs)
    assert found.verdicts.keys() == {"annealed"}
    cell = found.numbers["annealed"]["1"]
    # Jitters of 0, 0.5, 1 and 0, -0.35, -0.7 points: 0.85 less a seed in the mean.
    assert cell["used_gained"]["mean"] == pytest.approx(5.85)
    assert cell["elbo_gained"]["mean"] == pytest.approx(-7.0, abs=0.05)
    assert cell["test_elbo_gained"]["mean"] == pytest.approx(0.0, abs=0.05)
    assert cell["used_gained"]["n"] == 3
    assert (cell["collapse_without"], cell["collapse_with"]) == pytest.approx((50.5, 44.65))
    alone = runs[~((runs["model"] == "deep") & (runs["seed"] == 2))]
    assert judge(alone).numbers["annealed"]["1"]["used_gained"]["n"] == 2


def test_latents_are_counted_in_the_recipe_s_own_number():
    runs = pair(BOTH, REVIVED, cost=8.0).assign(n_latent=200)
    used = judge(runs).numbers["annealed"]["1"]["used_gained"]
    assert used["mean"] == pytest.approx(2 * 30.85)
    assert used["low"] < used["mean"] < used["high"]


def test_a_verdict_that_depends_on_epsilon_is_none():
    runs = pair(BOTH, REVIVED, cost=8.0)
    plain, annealed = (runs["model"] == name for name in PAIRS[0])
    lost = 20.0 + 0.3 * runs.loc[annealed, "seed"].to_numpy()
    runs.loc[annealed, "used_0.3"] = runs.loc[plain, "used_0.3"].to_numpy() - lost
    found = judge(runs)
    assert found.verdict == "inconclusive"
    assert "depends on epsilon" in found.explanation


def test_an_open_cost_names_what_would_decide():
    runs = pair(BOTH, REVIVED, cost=1.0, jitter=0.5)
    runs.loc[runs["model"] == "annealed", "elbo"] += 4.0 * (runs["seed"] - 1)
    found = judge(runs)
    assert found.verdict == "inconclusive"
    assert "open at a margin of 2 nats of train ELBO" in found.explanation
    # One run without and one with annealing, of a minute each, a seed.
    assert "CPU minutes" in found.explanation


def test_without_a_pair_it_says_so():
    assert "No runs" in judge(deep_runs({1.0: 50.0})).explanation
