"""The residual spectrum and what it is worth, against covariances that are known."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from linvae.bypass import residual
from linvae.bypass.residual import gain, halves, held_out_spectrum, leading, spectrum
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

N, D = 400, 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


def test_of_residuals_without_noise_it_is_the_spectrum_of_the_data(data):
    np.testing.assert_allclose(spectrum(data, data), Spectrum.from_data(data).eigenvalues)


def test_noise_of_the_draws_does_not_raise_the_eigenvalues():
    rng = np.random.default_rng(1)
    n, scale = 20_000, np.array([3.0, 1.0, 0.0, 0.0])
    left = rng.normal(size=(n, 4)) * scale
    a, b = (left + 2 * rng.normal(size=(n, 4)) for _ in range(2))
    # One standard deviation of such a product is about (9 + 4) sqrt(2 / n) = 0.13.
    np.testing.assert_allclose(spectrum(a, b), [9, 1, 0, 0], atol=0.5)
    assert spectrum(a, a)[0] > 12


def test_leading_pairs_are_the_same_by_iteration_as_from_the_matrix(data, monkeypatch):
    rng = np.random.default_rng(2)
    a, b = (data + 0.1 * rng.normal(size=data.shape) for _ in range(2))
    values, vectors = leading(a, b, 3)
    monkeypatch.setattr(residual, "DENSE", 5)
    monkeypatch.setattr(residual, "_covariance", None)
    iterated, others = leading(a, b, 3)
    np.testing.assert_allclose(iterated, values)
    np.testing.assert_allclose(np.abs(np.diag(vectors.T @ others)), 1)
    np.testing.assert_allclose(spectrum(a, b, 3), values)
    with pytest.raises(ValueError, match="give the number of leading ones"):
        spectrum(a, b)


def test_iteration_in_single_precision_finds_the_pairs_of_the_matrix(monkeypatch):
    """On flat spectra, of few data and of one array twice, to the precision of the data."""
    rng = np.random.default_rng(5)
    for n, n_leading in ((60, 8), (10, 12)):
        a, b = rng.normal(size=(2, n, 40))
        b = a + 0.1 * b
        for pair in ((a, b), (a, a)):
            centred = [half - half.mean(0) for half in pair]
            product = centred[0].T @ centred[1] / n
            exact = np.linalg.eigvalsh((product + product.T) / 2)[::-1][:n_leading]
            single = [half.astype(np.float32) for half in pair]
            if pair[0] is pair[1]:
                single[1] = single[0]
            with monkeypatch.context() as patch:
                patch.setattr(residual, "DENSE", 5)
                values, vectors = leading(*single, n_leading)
            assert values.dtype == vectors.dtype == np.float64
            np.testing.assert_allclose(values, exact, atol=1e-5 * exact[0])
            np.testing.assert_allclose(vectors.T @ vectors, np.eye(n_leading), atol=1e-5)
            along = (vectors * (product @ vectors)).sum(0)
            np.testing.assert_allclose(along, exact, atol=1e-5 * exact[0])


def test_the_gain_of_total_collapse_is_the_linear_optimum_less_the_collapsed_models(data):
    found, k = Spectrum.from_data(data), 5
    variance = float(found.eigenvalues[7])
    collapsed = multivariate_normal(found.mean, variance * np.eye(D)).logpdf(data).mean()
    linear = ppca.fit(found, k, variance).log_likelihood(found)
    gained = gain(found.eigenvalues, variance, k)
    assert collapsed + gained == pytest.approx(linear, rel=1e-12)


def test_a_mean_residual_is_worth_its_squared_length(data):
    assert gain([0.5], 2.0, 1, mean_squared=3.0) == pytest.approx(3 / 4)


def test_nothing_is_gained_below_the_noise_or_without_latents():
    assert gain([2.0, 1.0, 0.5], 2.0, 3) == 0
    assert gain([8.0, 4.0], 2.0, 0) == 0
    assert gain([8.0, 4.0], 2.0, 1) < gain([8.0, 4.0], 2.0, 2)


def test_few_data_of_equal_variance_seem_to_hold_directions_and_held_out_they_do_not():
    rng = np.random.default_rng(3)
    few = rng.normal(size=(200, 50))
    assert spectrum(few, few)[0] > 1.8
    # 100 data measure each variance to sqrt(2 / 100) = 0.14; averaged over both ways, 0.1.
    assert np.abs(held_out_spectrum(few, few, 10) - 1).max() < 0.4


def test_held_out_eigenvalues_of_many_data_are_the_eigenvalues(data):
    rng = np.random.default_rng(4)
    many = rng.normal(size=(40_000, 3)) * [3, 2, 1]
    np.testing.assert_allclose(held_out_spectrum(many, many, 3), [9, 4, 1], rtol=0.05)


def test_halves_share_no_datum():
    for n in (6, 7):
        (one, other), back = halves(n)
        assert sorted([*range(n)[one], *range(n)[other]]) == list(range(n))
        assert back == (other, one)


def test_estimates_of_different_data_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        spectrum(np.zeros((3, 2)), np.zeros((4, 2)))
