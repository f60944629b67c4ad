"""Closed forms against arithmetic of sixty digits."""

import math

import mpmath
import numpy as np
import pytest

from linvae.evaluation.linear_run import _autoencoder
from linvae.linear import elbo, ppca
from linvae.linear.spectrum import Spectrum
from linvae.measure.gaussian import Measured
from linvae.weights import LinearWeights

D, K = 8, 3


def data(seed=0, n=300):
    """Make rows of d features that depend on one another."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, D)) @ rng.normal(size=(D, D))


def covariance(x):
    """Mean and covariance in sixty digits; rounded last only in what is compared."""
    n, d = x.shape
    rows = mpmath.matrix(x.tolist())
    mean = [mpmath.fsum(rows[i, j] for i in range(n)) / n for j in range(d)]
    centred = [[rows[i, j] - mean[j] for i in range(n)] for j in range(d)]
    s = mpmath.matrix(d, d)
    for i in range(d):
        for j in range(i + 1):
            s[i, j] = s[j, i] = mpmath.fdot(centred[i], centred[j]) / n
    return s


def exact_log_likelihood(s, w, noise):
    """-1/2 [d log 2 pi + log|C| + tr(C^-1 S)] from the d x d matrix C."""
    w = mpmath.matrix(np.asarray(w, np.float64).tolist())
    c = w * w.T + mpmath.mpf(noise) * mpmath.eye(s.rows)
    trace = mpmath.fsum((mpmath.inverse(c) * s)[i, i] for i in range(s.rows))
    return -(s.rows * mpmath.log(2 * mpmath.pi) + mpmath.log(mpmath.det(c)) + trace) / 2


def exact_elbo(s, w, v, variance, noise):
    """ELBO of a linear VAE by its formula."""
    w, v, d = (mpmath.matrix(np.asarray(a, np.float64).tolist()) for a in (w, v, variance))
    spread = mpmath.diag(list(d))
    rest = mpmath.eye(s.rows) - w * v
    error = _trace(rest * s * rest.T) + _trace(w * spread * w.T)
    g = v * s * v.T
    kl = (_trace(g) + mpmath.fsum(x - mpmath.log(x) for x in d) - v.rows) / 2
    constant = s.rows * mpmath.log(2 * mpmath.pi * mpmath.mpf(noise))
    return -(error / mpmath.mpf(noise) + constant) / 2 - kl


def _trace(matrix):
    return mpmath.fsum(matrix[i, i] for i in range(matrix.rows))


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mpmath.workdps(60):
        yield


@pytest.mark.parametrize("turned", [False, True], ids=["as fitted", "rotated latents"])
def test_likelihood_and_elbo_of_the_maximum(turned):
    x = data()
    s, spectrum = covariance(x), Spectrum.from_data(x)
    model = ppca.fit(spectrum, K)
    noise, w = model.noise_variance, model.weights
    if turned:
        w = w @ np.linalg.qr(np.random.default_rng(1).normal(size=(K, K)))[0]
    expected = float(exact_log_likelihood(s, w, noise))
    near = {"rel": 1e-12}
    assert ppca.log_likelihood(w, noise, spectrum) == pytest.approx(expected, **near)
    each = ppca.PPCA(w, model.mean, noise).log_likelihood_per_example(x)
    assert each.mean() == pytest.approx(expected, **near)
    # The maximum, from the covariance's own eigenvalues in sixty digits.
    lam = sorted((mpmath.re(value) for value in mpmath.eigsy(s, eigvals_only=True)), reverse=True)
    rest = mpmath.fsum(lam[K:]) / (D - K)
    logs = mpmath.fsum(mpmath.log(value) for value in lam[:K]) + (D - K) * mpmath.log(rest)
    best = float(-(D * mpmath.log(2 * mpmath.pi) + logs + D) / 2)
    assert ppca.max_log_likelihood(spectrum, K) == pytest.approx(best, **near)
    assert noise == pytest.approx(float(rest), rel=1e-12)
    encoder, variance = elbo.best_encoder(w, noise)
    found = elbo.analytic(w, encoder, variance, noise, spectrum)
    assert found == pytest.approx(float(exact_elbo(s, w, encoder, variance, noise)), **near)
    assert elbo.profiled(w, noise, spectrum) == pytest.approx(found, **near)
    if not turned:
        assert found == pytest.approx(best, **near)


@pytest.mark.parametrize("n_latent", [2, D, D + 3])
@pytest.mark.parametrize("noise", [1e-3, 0.7])
def test_any_weights_at_any_noise_variance(n_latent, noise):
    x = data(seed=3)
    spectrum = Spectrum.from_data(x)
    w = np.random.default_rng(4).normal(size=(D, n_latent))
    mean = spectrum.mean + 0.1
    s = covariance(x)
    offset = mpmath.matrix((spectrum.mean - mean).tolist())
    expected = float(exact_log_likelihood(s + offset * offset.T, w, noise))
    found = ppca.log_likelihood(w, noise, spectrum, mean=mean)
    assert found == pytest.approx(expected, rel=1e-10)
    posterior, spread = ppca.PPCA(w, mean, noise).posterior(x[:4])
    m = mpmath.matrix((w.T @ w).tolist()) + mpmath.mpf(noise) * mpmath.eye(n_latent)
    if n_latent <= D:
        exact = mpmath.matrix(w.tolist()).T * mpmath.matrix(w.tolist())
        m = exact + mpmath.mpf(noise) * mpmath.eye(n_latent)
        inverse = np.array((mpmath.inverse(m) * mpmath.mpf(noise)).tolist(), dtype=float)
        np.testing.assert_allclose(spread, inverse, rtol=1e-9, atol=1e-12 * inverse.max())
        back = mpmath.inverse(m) * mpmath.matrix(w.T.tolist())
        centred = mpmath.matrix((x[:4] - mean).T.tolist())
        exact = np.array((back * centred).T.tolist(), dtype=float)
        np.testing.assert_allclose(posterior, exact, rtol=1e-9, atol=1e-12 * np.abs(exact).max())
    assert spread.shape == (n_latent, n_latent)


def test_error_of_an_autoencoder_that_misses_little():
    x = data(seed=7)
    spectrum = Spectrum.from_data(x)
    u = spectrum.eigenvectors[:, :K]
    found = _autoencoder(LinearWeights(u, u.T, np.ones(K), 1.0), spectrum)
    expected = np.square(x - x.mean(0) - (x - x.mean(0)) @ u @ u.T).sum(1).mean()
    assert found["reconstruction_error"] == pytest.approx(expected, rel=1e-11)
    assert found["pca_error"] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_scale_of_the_data_shifts_every_value_by_its_logarithm(scale):
    x = data(seed=8)
    plain, scaled = Spectrum.from_data(x), Spectrum.from_data(scale * x)
    shift = -D * math.log(scale)
    model, small = ppca.fit(plain, K), ppca.fit(scaled, K)
    best = ppca.max_log_likelihood(plain, K) + shift
    assert ppca.max_log_likelihood(scaled, K) == pytest.approx(best, rel=1e-12)
    assert small.log_likelihood(scaled) == pytest.approx(best, rel=1e-12)
    assert elbo.profiled(small.weights, small.noise_variance, scaled) == pytest.approx(best)
    encoder, variance = elbo.best_encoder(small.weights, small.noise_variance)
    value = elbo.analytic(small.weights, encoder, variance, small.noise_variance, scaled)
    assert value == pytest.approx(best, rel=1e-12)
    np.testing.assert_allclose(
        small.log_likelihood_per_example(scale * x),
        model.log_likelihood_per_example(x) + shift,
        rtol=1e-10,
    )
    expected = model.posterior(x)
    for found, other in zip(small.posterior(scale * x), expected, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-8, atol=1e-10)


def test_equal_eigenvalues_under_a_tiny_noise_variance():
    # The mean of equal eigenvalues may exceed each by round-off: no logarithm of less than zero.
    lam = np.full(6, 0.1)
    spectrum = Spectrum(np.zeros(6), np.diag(lam), lam, np.eye(6), 100)
    value = ppca.mle_weights_log_likelihood(spectrum, 2, 1e-20)
    # All columns are zero: C = s I.
    expected = -0.5 * (6 * math.log(2 * math.pi * 1e-20) + 0.6 / 1e-20)
    assert value == pytest.approx(expected, rel=1e-9)


def test_tuned_elbo_at_a_tiny_noise_variance_is_that_of_its_formula():
    errors = np.linspace(7000.0, 7600.0, 50)
    measured = Measured(np.full((50, 2), 0.3), errors, 784)
    assert measured.elbo(1e-9).mean() < -3e12
    tuned = mpmath.fsum(errors.tolist()) / 50 / 784
    expected = -mpmath.mpf(784) / 2 * (mpmath.log(2 * mpmath.pi * tuned) + 1) - mpmath.mpf("0.6")
    found = measured.elbo(measured.tuned_noise_variance).mean()
    assert found == pytest.approx(float(expected), rel=1e-13)
