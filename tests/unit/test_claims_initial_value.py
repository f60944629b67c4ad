"""Claim 9: the initial value of a learned noise variance."""

from functools import partial

import pytest
from deep_runs import FLAT, MARGINS, RISING, deep_runs, verdicts_of

from linvae.claims.initial_value import initial_value_decides

judge = partial(initial_value_decides, margins=MARGINS)
LOWER = dict(zip(RISING, [-50.0, -60.0, -70.0, -80.0], strict=True))


def learned(collapse, **values):
    return deep_runs(collapse, "learned", **values)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (learned(RISING, elbo=LOWER), "supported"),
        # Far below the bound, and at rest there: so the recipe does.
        (learned(RISING, elbo={v: e - 900 for v, e in LOWER.items()}), "supported"),
        (learned(FLAT, jitter=0.1), "not supported"),
        (learned(RISING), "not supported"),
        (learned(FLAT, elbo=LOWER, jitter=0.1), "not supported"),
        (learned(FLAT, elbo=LOWER, jitter=2.0), "inconclusive"),
        (learned(RISING, elbo=LOWER, n_seeds=1), "inconclusive"),
        (learned(RISING, elbo=LOWER, jitter=0.0), "inconclusive"),
        (learned({1.0: 5.0}), "inconclusive"),
    ],
)
def test_initial_value(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize(("n_seeds", "wide"), [(2, 1.0), (5, 1.0), (3, 10.0)])
def test_initial_values_that_change_nothing_give_no_verdict(n_seeds, wide):
    runs = learned(FLAT, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, runs, points=2.0 * wide, nats=wide)["inconclusive"] >= 95


def test_an_effect_of_twice_the_margins_is_seen():
    collapse = {0.1: 40.0, 1.0: 40.0, 10.0: 40.0 + 2 * MARGINS.latents}
    elbo = {0.1: -90.0, 1.0: -90.0, 10.0: -90.0 - 2 * MARGINS.elbo}
    runs = learned(collapse, elbo=elbo, n_seeds=5, jitter=0.0)
    counts = verdicts_of(judge, runs, points=2.0, nats=0.8)
    assert counts.get("supported", 0) >= 95
    assert set(counts) <= {"supported", "inconclusive"}


def test_runs_whose_noise_variance_is_still_on_its_way_decide_nothing():
    runs = learned(RISING, elbo=LOWER)
    runs.loc[runs["initial"] == 100.0, "tuned_elbo"] += 50.0
    found = judge(runs)
    assert found.verdict == "inconclusive"
    assert "From 100 sigma^2 had not arrived" in found.explanation


def test_train_and_test_are_judged_apart():
    runs = learned(RISING, elbo=LOWER)
    runs["test_elbo"] = learned(RISING)["elbo"]
    found = judge(runs)
    assert found.numbers["train"]["verdict"] == "supported"
    assert found.numbers["test"]["verdict"] == "not supported"
    assert found.verdict == "not supported"


def test_the_initial_values_furthest_apart_are_named():
    found = judge(learned(RISING, elbo=LOWER))
    told = found.numbers["train"]["elbo"]
    assert (told["highest"], told["lowest"]) == (0.1, 100.0)
    assert told["difference"]["mean"] == pytest.approx(30.0)
    assert "from 0.1 30 [" in found.explanation
