import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

D = 7


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(11)
    return rng.normal(size=(60, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


@pytest.fixture(scope="module")
def spectrum(x):
    return Spectrum.from_data(x)


def _average_logpdf(x, model):
    cov = model.weights @ model.weights.T + model.noise_variance * np.eye(x.shape[1])
    return multivariate_normal(model.mean, cov).logpdf(x).mean()


@pytest.mark.parametrize("n_latent", range(1, D))
def test_log_likelihood_equals_the_gaussian_density(x, spectrum, n_latent):
    model = ppca.fit(spectrum, n_latent)
    expected = _average_logpdf(x, model)
    # 1e-8 relative: what the two factorisations, of M and of C, may differ by.
    assert model.log_likelihood(spectrum) == pytest.approx(expected, rel=1e-8)
    assert ppca.max_log_likelihood(spectrum, n_latent) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("n_latent", range(1, D))
def test_score_equals_sklearn_after_its_n_minus_one(x, spectrum, n_latent):
    # sklearn divides the covariance by n - 1. Shrinking the centred rows by sqrt((n - 1) / n) gives
    # a data set whose sklearn covariance is ours; its score is of the rows that are scored.
    n = len(x)
    pca = PCA(n_latent, svd_solver="full").fit((x - x.mean(0)) * math.sqrt((n - 1) / n) + x.mean(0))
    model = ppca.fit(spectrum, n_latent)
    assert pca.score(x) == pytest.approx(model.log_likelihood(spectrum), rel=1e-8)
    assert pca.noise_variance_ == pytest.approx(model.noise_variance, rel=1e-10)


@pytest.mark.parametrize("n_latent", range(1, D))
def test_maximum_likelihood_of_tipping_and_bishop(x, spectrum, n_latent):
    lam = np.linalg.eigvalsh(np.cov(x.T, bias=True))[::-1]
    model = ppca.fit(spectrum, n_latent)
    assert model.noise_variance == pytest.approx(lam[n_latent:].sum() / (D - n_latent), rel=1e-10)
    gram = model.weights.T @ model.weights
    np.testing.assert_allclose(
        gram, np.diag(lam[:n_latent] - model.noise_variance), atol=1e-10 * lam[0]
    )
    # The model keeps the leading eigenvalues of S and its directions.
    cov = model.weights @ model.weights.T + model.noise_variance * np.eye(D)
    np.testing.assert_allclose(np.linalg.eigvalsh(cov)[::-1][:n_latent], lam[:n_latent], rtol=1e-10)
    np.testing.assert_allclose(cov @ model.weights, spectrum.covariance @ model.weights, atol=1e-10)


@pytest.mark.parametrize("n_latent", range(1, D + 1))
def test_fixed_noise_variance_drops_eigenvalues_below_it(x, spectrum, n_latent):
    s = 0.5 * (spectrum.eigenvalues[2] + spectrum.eigenvalues[3])
    model = ppca.fit(spectrum, n_latent, noise_variance=s)
    norms = np.linalg.norm(model.weights, axis=0)
    expected = [math.sqrt(spectrum.eigenvalues[i] - s) if i < 3 else 0.0 for i in range(n_latent)]
    np.testing.assert_allclose(norms, expected, rtol=1e-12)
    expected = _average_logpdf(x, model)
    assert ppca.max_log_likelihood(spectrum, n_latent, noise_variance=s) == pytest.approx(
        expected, rel=1e-8
    )


@pytest.mark.parametrize("noise_variance", [None, 0.4])
def test_no_neighbour_is_more_likely(spectrum, noise_variance):
    rng = np.random.default_rng(5)
    model = ppca.fit(spectrum, 3, noise_variance)
    best = model.log_likelihood(spectrum)
    for scale in np.repeat([1e-3, 0.1, 1.0], 10):
        w = model.weights + scale * rng.normal(size=model.weights.shape)
        s = model.noise_variance
        if noise_variance is None:
            s *= math.exp(scale * rng.normal())
        assert ppca.log_likelihood(w, s, spectrum) < best


def test_rotation_of_the_latents_changes_nothing(spectrum):
    model = ppca.fit(spectrum, 4)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    rotated = ppca.log_likelihood(model.weights @ rotation, model.noise_variance, spectrum)
    assert rotated == pytest.approx(model.log_likelihood(spectrum), rel=1e-12)


def test_held_out_data_with_another_mean(x, spectrum):
    held_out = np.random.default_rng(9).normal(size=(25, D)) + 2.0
    model = ppca.fit(spectrum, 3)
    expected = _average_logpdf(held_out, model)
    assert model.log_likelihood(Spectrum.from_data(held_out)) == pytest.approx(expected, rel=1e-8)


def test_mle_weights_under_another_noise_variance(x, spectrum):
    model = ppca.fit(spectrum, 4)
    other = ppca.PPCA(model.weights, model.mean, 3.0 * model.noise_variance)
    value = ppca.mle_weights_log_likelihood(spectrum, 4, other.noise_variance)
    assert value == pytest.approx(_average_logpdf(x, other), rel=1e-8)
    assert value < ppca.max_log_likelihood(spectrum, 4, noise_variance=other.noise_variance)
    own = ppca.mle_weights_log_likelihood(spectrum, 4, model.noise_variance)
    assert own == pytest.approx(ppca.max_log_likelihood(spectrum, 4), rel=1e-12)


def test_posterior_equals_conditioning_of_the_joint_gaussian(x, spectrum):
    model = ppca.fit(spectrum, 3)
    w, s = model.weights, model.noise_variance
    # The slow way: the joint precision of (z, x), of which the z block is the posterior precision.
    joint = np.block([[np.eye(3), w.T], [w, w @ w.T + s * np.eye(D)]])
    precision = np.linalg.inv(joint)
    mean, cov = model.posterior(x)
    np.testing.assert_allclose(cov, np.linalg.inv(precision[:3, :3]), rtol=1e-8, atol=1e-12)
    expected = -(x - model.mean) @ precision[3:, :3] @ cov
    np.testing.assert_allclose(mean, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n_latent", [0, -1, D, D + 1])
def test_number_of_latents_out_of_range(spectrum, n_latent):
    for call in (ppca.fit, ppca.max_log_likelihood):
        with pytest.raises(ValueError, match=rf"n_latent={n_latent} must be between 1 and {D - 1}"):
            call(spectrum, n_latent)


def test_more_latents_than_features_at_fixed_noise(spectrum):
    with pytest.raises(ValueError, match=f"between 1 and {D}"):
        ppca.fit(spectrum, D + 1, noise_variance=1.0)


@pytest.mark.parametrize("noise_variance", [0.0, -1.0, math.nan, math.inf])
def test_noise_variance_must_be_positive(spectrum, noise_variance):
    with pytest.raises(ValueError, match="noise_variance"):
        ppca.fit(spectrum, 2, noise_variance)
    with pytest.raises(ValueError, match="noise_variance"):
        ppca.max_log_likelihood(spectrum, 2, noise_variance=noise_variance)
    with pytest.raises(ValueError, match="noise_variance"):
        ppca.log_likelihood(np.ones((D, 2)), noise_variance, spectrum)


def test_unbounded_likelihood_is_refused(x):
    few = Spectrum.from_data(x[:4])
    assert math.isfinite(ppca.max_log_likelihood(few, 2))
    for call in (ppca.fit, ppca.max_log_likelihood):
        with pytest.raises(ValueError, match="unbounded"):
            call(few, 3)
    assert math.isfinite(ppca.max_log_likelihood(few, 3, noise_variance=0.1))


def test_constant_features_beyond_the_latents_are_unbounded_too(x):
    flat = Spectrum.from_data(np.hstack([x[:, :3], np.full((len(x), 3), 0.1)]))
    with pytest.raises(ValueError, match="unbounded"):
        ppca.fit(flat, 3)


def test_posterior_refuses_rows_of_another_length(spectrum):
    with pytest.raises(ValueError, match=r"\(n, 7\)"):
        ppca.fit(spectrum, 2).posterior(np.zeros((3, 5)))
