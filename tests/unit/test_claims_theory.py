"""Claim 10: linear theory's prediction."""

from functools import partial

import pytest
from deep_runs import MARGINS, RISING, deep_runs, verdicts_of

from linvae.claims.theory import predicted

judge = partial(predicted, margins=MARGINS)


def off(points, n_seeds=3, jitter=0.5, **values):
    """Runs whose curves lie some points from the linear optimum's, by noise variance."""
    runs = deep_runs(RISING, n_seeds=n_seeds, **values)
    away = dict(zip(RISING, points, strict=True))
    for prefix in ("", "test_"):
        runs[f"{prefix}off_linear"] = runs["initial"].map(away) + jitter * runs["seed"]
    return runs


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (off([1.0, 4.0, 0.0, 7.0]), "supported"),
        (off([1.0, 4.0, 0.0, 17.0]), "not supported"),
        (off([60.0, 60.0, 60.0, 60.0]), "not supported"),
        (off([1.0, 4.0, 0.0, 10.0]), "inconclusive"),
        (off([1.0, 4.0, 0.0, 7.0], n_seeds=1), "inconclusive"),
        (off([1.0, 4.0, 0.0, 7.0], jitter=0.0), "inconclusive"),
        (off([60.0, 60.0, 60.0, 60.0], elbo=-900.0), "inconclusive"),
    ],
)
def test_prediction(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
def test_curves_just_at_the_margin_give_no_verdict(n_seeds):
    at = off([MARGINS.theory] * 4, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, at)["inconclusive"] >= 95


@pytest.mark.parametrize(("points", "verdict"), [(20.0, "not supported"), (0.0, "supported")])
def test_curves_a_margin_from_it_on_either_side_are_seen(points, verdict):
    away = off([0.0, 0.0, points, 0.0], jitter=0.0)
    counts = verdicts_of(judge, away)
    assert counts.get(verdict, 0) >= 95
    assert set(counts) <= {verdict, "inconclusive"}


def test_one_split_alone_refutes():
    runs = off([1.0, 4.0, 0.0, 7.0])
    runs["test_off_linear"] += 40.0
    found = judge(runs)
    verdicts = [found.numbers[split]["verdict"] for split in ("train", "test")]
    assert verdicts == ["supported", "not supported"]
    assert found.verdict == "not supported"


def test_runs_far_from_their_optimum_do_not_refute_alone():
    elbo = {0.1: -90.0, 1.0: -90.0, 10.0: -90.0, 100.0: -300.0}
    runs = off([1.0, 4.0, 0.0, 60.0], elbo=elbo)
    found = judge(runs)
    assert found.verdict == "inconclusive"
    assert "say otherwise" in found.explanation
    assert judge(off([1.0, 40.0, 0.0, 60.0], elbo=elbo)).verdict == "not supported"


def test_whether_more_latents_are_used_stands_apart():
    runs = off([1.0, 4.0, 0.0, 7.0])
    runs.loc[runs["initial"] == 10.0, ["extra_latents", "extra_everywhere"]] = [7.0, 3.0]
    runs.loc[runs["initial"] == 1.0, "extra_latents"] = 9.0
    found = judge(runs)
    assert found.verdict == "supported"
    assert found.numbers["train"]["uses_more"] == {
        "somewhere": 6,
        "everywhere": 3,
        "largest": 9.0,
        "noise_variances": ["10"],
    }
    assert found.numbers["test"]["uses_more"]["somewhere"] == 0


def test_the_worst_place_and_what_would_decide_are_told():
    found = judge(off([1.0, 4.0, 0.0, 10.0]))
    assert "at sigma^2 = 100 and epsilon = 0.1" in found.explanation
    assert "open at a margin of 10 points" in found.explanation
    assert "of deep at 100 would decide" in found.explanation
