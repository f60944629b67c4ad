"""Claim 12: total collapse above and below the largest eigenvalue."""

import numpy as np
import pandas as pd
import pytest
from deep_runs import MARGINS, deep_runs, scattered

from linvae.claims.total_collapse import total_collapse
from linvae.linear.bound import BOUND_NATS
from linvae.linear.ppca import fit
from linvae.linear.spectrum import Spectrum

FAILED = deep_runs({1.0: 100.0}, elbo=-200.0, n_seeds=1)
ESCAPED = deep_runs({1.0: 10.0}, elbo=-95.0, n_seeds=1, model="slow")
ABOVE = deep_runs({180.0: 100.0}, elbo=-100.00004, n_seeds=1)


def judge(*runs):
    return total_collapse(pd.concat(runs), MARGINS)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([FAILED, ESCAPED, ABOVE], "supported"),
        # That it failed is a theorem: no other run need show it.
        ([FAILED, ABOVE], "supported"),
        ([ESCAPED, ABOVE], "supported"),
        # A run above lambda_1 that uses latents refutes.
        ([FAILED, ABOVE, ABOVE.assign(collapse=99.0)], "not supported"),
        # So does a total collapse below it that beats the best linear VAE.
        ([FAILED.assign(elbo=-99.0), ESCAPED, ABOVE], "not supported"),
        ([FAILED.assign(elbo=-100.0 - BOUND_NATS / 2), ABOVE], "inconclusive"),
        ([FAILED, ESCAPED], "inconclusive"),
        ([ESCAPED.assign(elbo=-500.0), ABOVE], "inconclusive"),
        ([ESCAPED], "inconclusive"),
    ],
)
def test_total_collapse(runs, verdict):
    assert judge(*runs).verdict == verdict


def test_one_recipe_twice_without_a_collapse_to_explain_gives_no_verdict():
    runs = pd.concat([deep_runs({1.0: 40.0}), deep_runs({1.0: 40.0}, model="twin")])
    found = {judge(scattered(runs, seed)).verdict for seed in range(100)}
    assert found == {"inconclusive"}


@pytest.mark.parametrize(
    ("above", "verdict"), [(-2 * BOUND_NATS, "supported"), (2 * BOUND_NATS, "not supported")]
)
def test_twice_the_margin_from_the_bound_is_seen(above, verdict):
    assert judge(FAILED.assign(elbo=-100.0 + above), ABOVE).verdict == verdict


def test_each_recipe_has_a_verdict():
    found = judge(FAILED, ESCAPED, ABOVE)
    assert found.verdicts == {"deep": "supported", "slow": "inconclusive"}


def test_it_prints_by_how_much_a_run_failed_and_what_is_proved():
    found = judge(FAILED, ESCAPED, ABOVE)
    (failure,) = found.numbers["failures"]
    assert failure["G"] == pytest.approx(100.0)
    assert failure["escapes"] == [{"model": "slow", "seed": 0, "elbo": -95.0}]
    assert "G = 100 nats" in found.explanation
    assert "diam^2 / 4" in found.explanation
    counts = {name: value for name, value in found.numbers.items() if "n_" in name}
    assert counts == {
        "n_above": 1,
        "n_total_above": 1,
        "test_n_total_above": 1,
        "n_below": 2,
        "n_total_below": 1,
        "test_n_total_below": 1,
    }


def test_g_is_what_a_linear_vae_has_more():
    rng = np.random.default_rng(0)
    # A collapsed model is N(mu, sigma^2 I): its ELBO, its bound, and the gain in closed form.
    data = rng.normal(size=(400, 6)) * [5.0, 3.0, 2.0, 1.0, 1.0, 1.0]
    spectrum = Spectrum.from_data(data)
    noise, k = 1.5, 2
    collapsed = fit(spectrum, 1, 10 * spectrum.eigenvalues[0])
    assert not collapsed.weights.any()
    elbo = type(collapsed)(collapsed.weights, collapsed.mean, noise).log_likelihood(spectrum)
    ratios = spectrum.eigenvalues[:k] / noise
    gain = float((ratios - 1 - np.log(ratios)).sum() / 2)
    runs = FAILED.assign(
        elbo=elbo,
        linear_bound=fit(spectrum, k, noise).log_likelihood(spectrum),
        noise_variance=noise,
        largest_eigenvalue=float(spectrum.eigenvalues[0]),
    )
    (failure,) = judge(runs, ABOVE).numbers["failures"]
    assert failure["G"] == pytest.approx(gain, rel=1e-9)
