import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims import deep, trends, variations


def _deep(collapse, kind="fixed", elbo=-90.0, predicted=None, n_seeds=3, model="deep"):
    """Runs with one collapse per noise variance, jittered over seeds."""
    rows = []
    for variance, percent in collapse.items():
        for seed in range(n_seeds):
            rows.append(
                {
                    "model": model,
                    "kind": kind,
                    "initial": variance,
                    "noise_variance": variance,
                    "seed": seed,
                    "elbo": (elbo[variance] if isinstance(elbo, dict) else elbo) + 0.01 * seed,
                    "linear_bound": -100.0,
                    "collapse": min(100.0, percent + 0.5 * seed),
                    "predicted": percent if predicted is None else predicted[variance],
                    "largest_eigenvalue": 50.0,
                }
            )
    return pd.DataFrame(rows)


RISING = {0.1: 0.0, 1.0: 20.0, 10.0: 60.0, 100.0: 100.0}
FLAT = dict.fromkeys(RISING, 20.0)
FALLING = dict(zip(RISING, [90.0, 60.0, 30.0, 0.0], strict=True))


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_deep(RISING), "supported"),
        (_deep(FALLING), "not supported"),
        (_deep(FLAT), "not supported"),
        (_deep(RISING, n_seeds=1), "inconclusive"),
        (_deep(RISING, elbo=-300.0), "inconclusive"),
        (_deep({1.0: 0.0, 2.0: 9.0}), "inconclusive"),
    ],
)
def test_claim_8_collapse_grows(runs, verdict):
    assert deep.collapse_grows(runs).verdict == verdict


def test_claim_8_rank_correlation_equals_scipys():
    runs = _deep({0.1: 0.0, 1.0: 20.0, 10.0: 20.0, 100.0: 10.0}, n_seeds=2)
    expected = [
        stats.spearmanr(rows["initial"], rows["collapse"]).statistic
        for _, rows in runs.groupby("seed")
    ]
    found = deep.collapse_grows(runs).numbers["rank_correlation"]
    assert found["mean"] == pytest.approx(np.mean(expected))


def test_claim_10_interval_of_a_correlation_ends_at_one():
    runs = _deep(RISING, n_seeds=2)
    runs.loc[runs["seed"] == 1, "collapse"] **= 2
    found = deep.predicted(runs).numbers["all"]["correlation"]
    values = [stats.pearsonr(r["predicted"], r["collapse"])[0] for _, r in runs.groupby("seed")]
    half = stats.t.ppf(0.975, 1) * np.std(values, ddof=1) / np.sqrt(2)
    assert np.mean(values) + half > 1
    assert (found["low"], found["high"]) == (pytest.approx(np.mean(values) - half), 1)


def test_claim_8_counts_runs_below_the_bound():
    runs = _deep(RISING, elbo={0.1: -90.0, 1.0: -90.0, 10.0: -101.0, 100.0: -200.0})
    numbers = deep.collapse_grows(runs).numbers
    assert (numbers["n_runs"], numbers["n_below_bound"], numbers["n_near"]) == (12, 6, 9)


LOWER = dict(zip(RISING, [-50.0, -60.0, -70.0, -80.0], strict=True))


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_deep(RISING, "learned", elbo=LOWER), "supported"),
        (_deep(FLAT, "learned"), "not supported"),
        (_deep(RISING, "learned"), "not supported"),
        (_deep(FLAT, "learned", elbo=LOWER), "not supported"),
        (_deep(RISING, "learned", elbo=LOWER, n_seeds=1), "inconclusive"),
        (_deep(RISING, "learned", elbo=-900.0), "inconclusive"),
    ],
)
def test_claim_9_initial_value(runs, verdict):
    assert deep.initial_value_decides(runs).verdict == verdict


def test_claim_9_f_test_equals_scipys():
    runs = _deep({1.0: 0.0, 2.0: 0.3, 3.0: 0.1}, "learned")
    runs["elbo"] = [1.0, 2.0, 4.0, 2.0, 2.5, 6.0, 3.0, 5.0, 4.0]
    expected = stats.f_oneway(*(rows["elbo"] for _, rows in runs.groupby("initial"))).pvalue
    difference, p_value = trends.extremes(runs, "elbo")
    assert p_value == pytest.approx(expected)
    assert difference.mean == pytest.approx(4.0 - 7.0 / 3.0)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_deep(RISING), "supported"),
        (_deep(RISING, predicted=FALLING), "not supported"),
        (_deep(RISING, predicted={key: v / 2 for key, v in RISING.items()}), "not supported"),
        (_deep(FLAT), "not supported"),
        (_deep(RISING, n_seeds=1), "inconclusive"),
        (_deep(RISING, elbo=-900.0), "inconclusive"),
        (_deep(RISING, elbo={**LOWER, 0.1: -900.0, 1.0: -900.0}), "inconclusive"),
    ],
)
def test_claim_10_prediction(runs, verdict):
    learned = _deep(FLAT, "learned")
    found = deep.predicted(pd.concat([runs, learned]))
    assert found.verdict == verdict


def test_claim_10_is_open_where_runs_near_their_optimum_disagree_with_the_rest():
    collapse = {1.0: 0.0, 2.0: 20.0, 3.0: 40.0, 4.0: 60.0, 5.0: 80.0}
    wrong = {**collapse, 1.0: 15.0, 2.0: 35.0, 3.0: 55.0}
    elbo = {variance: -90.0 if variance < 4.0 else -300.0 for variance in collapse}
    runs = _deep(collapse, elbo=elbo, predicted=wrong, n_seeds=3)
    found = deep.predicted(pd.concat([runs, _deep(FLAT, "learned")]))
    # Errors of 15 points in three of five: below ten on average, above it near the optimum.
    assert found.numbers["all"]["mean_absolute_error"]["mean"] < deep.GOOD_POINTS
    assert found.numbers["near_optimum"]["mean_absolute_error"]["mean"] > deep.GOOD_POINTS
    assert found.verdict == "inconclusive"


def _annealed(before, after, n_seeds=3):
    return pd.concat(
        [_deep(before, n_seeds=n_seeds), _deep(after, n_seeds=n_seeds, model="annealed")]
    )


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_annealed({1.0: 50.0, 9.0: 90.0}, {1.0: 45.0, 9.0: 90.0}), "supported"),
        (_annealed({1.0: 50.0, 9.0: 90.0}, {1.0: 5.0, 9.0: 90.0}), "not supported"),
        (_annealed({1.0: 50.0}, {1.0: 45.0}, n_seeds=1), "inconclusive"),
        (_annealed({1.0: 2.0}, {1.0: 0.0}), "inconclusive"),
        (_annealed({1.0: 50.0}, {2.0: 50.0}), "inconclusive"),
        (_annealed({1.0: 50.0}, {1.0: 5.0}).assign(elbo=-300.0), "inconclusive"),
    ],
)
def test_claim_11_annealing(runs, verdict):
    assert variations.annealing_leaves_collapse(runs, "deep").verdict == verdict


def test_claim_11_pairs_by_seed_and_noise():
    found = variations.annealing_leaves_collapse(_annealed({1.0: 50.0}, {1.0: 45.0}), "deep")
    (row,) = found.numbers.values()
    assert row["removed"] == pytest.approx({"mean": 5.0, "low": 5.0, "high": 5.0, "n": 3})


FAILED = _deep({1.0: 100.0}, elbo=-200.0, n_seeds=1)
ESCAPED = _deep({1.0: 10.0}, elbo=-95.0, n_seeds=1, model="slow")
ABOVE = _deep({80.0: 100.0}, n_seeds=1)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([FAILED, ESCAPED, ABOVE], "supported"),
        ([FAILED, ABOVE], "inconclusive"),
        ([FAILED, ESCAPED.assign(elbo=-250.0)], "inconclusive"),
        ([FAILED, ESCAPED.assign(initial=2.0)], "inconclusive"),
        ([FAILED.assign(elbo=-99.0), ESCAPED, ABOVE], "not supported"),
        ([ESCAPED, ABOVE], "supported"),
        ([ESCAPED.assign(elbo=-500.0), ABOVE], "inconclusive"),
        ([ESCAPED], "inconclusive"),
    ],
)
def test_claim_12_total_collapse(runs, verdict):
    assert variations.total_collapse(pd.concat(runs)).verdict == verdict


def test_claim_12_lists_failures_and_what_escapes():
    found = variations.total_collapse(pd.concat([FAILED, ESCAPED, ABOVE]))
    (failure,) = found.numbers["failures"]
    assert failure["bound_minus_elbo"] == pytest.approx(100.0)
    assert failure["escapes"] == [{"model": "slow", "seed": 0, "elbo": -95.0}]
    assert found.numbers["n_total_above"] == 1
