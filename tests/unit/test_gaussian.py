"""Any Gaussian VAE, measured by its encoder and decoder: against closed forms of the linear one."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from linvae.linear import elbo, ppca
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import kl_per_dimension
from linvae.measure.gaussian import importance_weighted, measure

D, K, NOISE = 6, 2, 0.7


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(400, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


@pytest.fixture(scope="module")
def model(data):
    return ppca.fit(Spectrum.from_data(data[:200]), K, NOISE)


def linear(model, encoder, variance):
    """Encoder and decoder of a linear VAE as functions of tensors."""
    w, mu, v = (torch.as_tensor(array) for array in (model.weights, model.mean, encoder))
    log_variance = torch.as_tensor(np.log(variance))

    def encode(x):
        return (x - mu) @ v.T, log_variance.expand(len(x), -1)

    return encode, lambda z: z @ w.T + mu


def encoders(model):
    """The exact posterior, one that is off, and one that knows little."""
    exact, variance = elbo.best_encoder(model.weights, model.noise_variance)
    return {
        "exact": (exact, variance),
        "off": (0.9 * exact, 1.6 * variance),
        "poor": (0.5 * exact, 4 * variance),
    }


def test_log_likelihood_per_example_equals_scipys_on_other_images(data, model):
    covariance = model.weights @ model.weights.T + NOISE * np.eye(D)
    expected = multivariate_normal(model.mean, covariance).logpdf(data[200:])
    np.testing.assert_allclose(model.log_likelihood_per_example(data[200:]), expected, rtol=1e-10)
    average = model.log_likelihood(Spectrum.from_data(data[200:]))
    assert model.log_likelihood_per_example(data[200:]).mean() == pytest.approx(average)


def test_held_out_linear_elbo_is_that_of_its_encoder(data, model):
    # The linear optimum's ELBO on images that it was not fitted on, by the analytic formula of a
    # linear VAE whose data have another mean: its offset is one more datum of second moments.
    encode, decode = linear(model, *encoders(model)["exact"])
    found = measure(encode, decode, data[200:], draws=800, seed=1, dtype=torch.float64)
    sampled = found.elbo(NOISE)
    exact = model.log_likelihood_per_example(data[200:])
    # What is left is the noise of the draws; each datum's has a deviation of about k / sqrt(draws).
    assert sampled.mean() == pytest.approx(exact.mean(), abs=0.02)


@pytest.mark.parametrize("quality", ["exact", "off", "poor"])
def test_elbo_equals_the_analytic_one(data, model, quality):
    encoder, variance = encoders(model)[quality]
    spectrum = Spectrum.from_data(data[:200])
    found = measure(*linear(model, encoder, variance), data[:200], draws=500, seed=0,
                    dtype=torch.float64)  # fmt: skip
    expected = elbo.analytic(model.weights, encoder, variance, NOISE, spectrum)
    spread = found.elbo(NOISE).std() / math.sqrt(2000)
    assert found.elbo(NOISE).mean() == pytest.approx(
        expected, abs=6 * spread / math.sqrt(200) + 0.02
    )
    mean = (data[:200] - model.mean) @ encoder.T
    np.testing.assert_allclose(found.kl, kl_per_dimension(mean, variance), rtol=1e-9, atol=1e-12)
    tuned = found.tuned_noise_variance
    for other in (0.99 * tuned, 1.01 * tuned):
        assert found.elbo(tuned).mean() > found.elbo(other).mean()


@pytest.mark.parametrize("quality", ["exact", "off", "poor"])
def test_importance_weighted_estimate_nears_log_p_from_below(data, model, quality):
    encoder, variance = encoders(model)[quality]
    held_out = data[200:]
    exact = model.log_likelihood_per_example(held_out)
    functions = linear(model, encoder, variance)
    found = importance_weighted(*functions, held_out, NOISE, draws=100, seed=0, dtype=torch.float64)
    many = importance_weighted(*functions, held_out, NOISE, draws=1000, seed=1, dtype=torch.float64)
    difference = found - exact
    error = difference.std(ddof=1) / math.sqrt(len(held_out))
    if quality == "exact":
        # Every weight is p(x) itself.
        np.testing.assert_allclose(found, exact, rtol=1e-9)
    else:
        assert difference.mean() < 3 * error
        late = many - exact
        assert abs(late.mean()) < 3 * late.std(ddof=1) / math.sqrt(len(late))
    bound = measure(*functions, held_out, draws=200, seed=2, dtype=torch.float64).elbo(NOISE)
    assert found.mean() > bound.mean() - 3 * error - 0.02


def test_one_draw_is_the_elbo_in_expectation(data, model):
    functions = linear(model, *encoders(model)["off"])
    estimates = [
        importance_weighted(*functions, data[:50], NOISE, draws=1, seed=s, dtype=torch.float64)
        for s in range(200)
    ]
    expected = measure(*functions, data[:50], draws=2000, seed=9, dtype=torch.float64).elbo(NOISE)
    mean, spread = np.mean(estimates), np.std(np.mean(estimates, axis=1)) / math.sqrt(200)
    assert mean == pytest.approx(expected.mean(), abs=4 * spread)


def test_measuring_depends_on_the_seed_and_not_on_batches(data, model, monkeypatch):
    functions = linear(model, *encoders(model)["off"])
    options = {"draws": 3, "dtype": torch.float64}
    first = measure(*functions, data, seed=4, **options)
    again = measure(*functions, data, seed=4, **options)
    other = measure(*functions, data, seed=5, **options)
    np.testing.assert_array_equal(first.squared_error, again.squared_error)
    assert not np.array_equal(first.squared_error, other.squared_error)
    monkeypatch.setattr("linvae.measure.gaussian._CHUNK", 37)
    parts = measure(*functions, data, seed=4, **options)
    np.testing.assert_allclose(parts.kl, first.kl)


def test_extreme_log_variances_have_a_finite_kl():
    def encode(x):
        return torch.zeros(len(x), 1), torch.full((len(x), 1), -1640.0)

    found = measure(encode, lambda z: z, np.zeros((3, 1)), draws=1, seed=0)
    # 1/2 (m^2 + s - 1 - log s) with s = 0 in floating point.
    np.testing.assert_allclose(found.kl, 0.5 * (1640 - 1))
