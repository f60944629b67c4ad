"""A linear bypass: its values are the linear optimum's, and its worth is measured honestly."""

import numpy as np
import pytest

from linvae.bypass.linear_bypass import across_draws, across_images, bypass
from linvae.bypass.residual import gain, spectrum
from linvae.linear import elbo, ppca
from linvae.linear.spectrum import Spectrum

D, K, VARIANCE = 30, 6, 1.0


def sample(n, deviations, seed=0, mean=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, len(deviations))) * deviations + mean


@pytest.fixture(scope="module")
def data():
    return sample(500, np.linspace(3, 0.2, D), mean=0.5)


def test_a_bypass_of_the_data_is_the_linear_vaes_optimum(data):
    found, noise = Spectrum.from_data(data), 1.5
    made = bypass(data, data, noise, K)
    bound = elbo.linear_bound(found, K, noise).bound
    matrices = (made.weights, made.encoder, made.posterior_variance)
    assert elbo.analytic(*matrices, noise, found) == pytest.approx(bound, rel=1e-12)
    np.testing.assert_allclose(made.shift, found.mean)


def test_the_gain_on_its_own_data_is_the_formula(data):
    made = bypass(data, data, VARIANCE, K)
    expected = gain(spectrum(data, data), VARIANCE, K, np.sum(data.mean(0) ** 2))
    assert made.gains(data, data).mean() == pytest.approx(expected, rel=1e-12)


def test_the_gain_on_other_data_is_what_the_linear_vae_gains_there(data):
    """Against the likelihood: with W W^T + sigma^2 I in place of sigma^2 I, and the mean b."""
    other, made = sample(50, np.linspace(2, 1, D), seed=1), bypass(data, data, VARIANCE, K)
    fitted = ppca.PPCA(made.weights, made.shift, VARIANCE)
    before = ppca.PPCA(np.zeros((D, K)), np.zeros(D), VARIANCE)
    expected = fitted.log_likelihood_per_example(other) - before.log_likelihood_per_example(other)
    np.testing.assert_allclose(made.gains(other, other), expected, rtol=1e-9)


def test_latents_without_anything_to_carry_are_not_used():
    small = sample(2000, np.full(D, 0.5))
    made = bypass(small, small, VARIANCE, K)
    assert made.weights.shape == (D, 0)
    assert bypass(small, small, VARIANCE, 0).weights.shape == (D, 0)


def test_across_draws_the_gain_is_that_of_the_data_at_hand():
    """Draws of their own noise: what two choose and two others measure is right, plugged in not."""
    rng = np.random.default_rng(5)
    data = sample(400, np.r_[3.0, 2.0, np.full(D - 2, 0.9)])
    groups = [data + rng.normal(size=data.shape) for _ in range(4)]
    exact = gain(spectrum(data, data), VARIANCE, K, np.sum(data.mean(0) ** 2))
    found = across_draws(groups, VARIANCE, K)
    noisy = (groups[0] + groups[1]) / 2, (groups[2] + groups[3]) / 2
    plugged = gain(spectrum(*noisy), VARIANCE, K, np.mean(noisy[0], 0) @ np.mean(noisy[1], 0))
    error = found.std(ddof=1) / 20
    assert exact - 1.0 < found.mean() < exact + 3 * error
    assert plugged > exact


def test_across_images_nothing_is_claimed_of_data_that_have_nothing():
    null = sample(100, np.full(D, 0.95))
    found = across_images(null, null, VARIANCE, K)
    assert gain(spectrum(null, null), VARIANCE, K, np.sum(null.mean(0) ** 2)) > 0.5
    assert abs(found.mean()) < 0.1


def test_across_images_what_is_there_is_found():
    data = sample(4000, np.r_[3.0, 2.0, np.full(D - 2, 0.7)], mean=0.3)
    truth = gain([9.0, 4.0], VARIANCE, K, D * 0.3**2)
    found = across_images(data, data, VARIANCE, K)
    assert found.mean() == pytest.approx(truth, abs=4 * found.std(ddof=1) / np.sqrt(4000))


def test_across_images_no_datum_has_a_part_in_its_own_bypass():
    data = sample(200, np.linspace(3, 0.2, D))
    found = across_images(data, data, VARIANCE, K)
    changed = data.copy()
    changed[10] *= 5
    again = across_images(changed, changed, VARIANCE, K)
    # The tenth is measured by the bypass of the odd ones, as all even ones are.
    same = np.arange(0, 200, 2) != 10
    np.testing.assert_array_equal(again[::2][same], found[::2][same])
    assert again[10] != found[10]
    assert not np.array_equal(again[1::2], found[1::2])


def test_across_draws_nothing_is_claimed_of_noise():
    rng = np.random.default_rng(6)
    null = sample(300, np.full(D, 0.5))
    groups = [null + 2 * rng.normal(size=null.shape) for _ in range(4)]
    assert across_draws(groups, VARIANCE, K).mean() < 0
    itself = bypass(*groups[:2], VARIANCE, K)
    assert itself.gains(*groups[:2]).mean() > 0.1
