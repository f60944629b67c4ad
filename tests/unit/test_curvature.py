"""Gradient and Hessian of the ELBO against automatic differentiation and finite differences."""

import math

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from linvae.linear import curvature, elbo, ppca, saddles
from linvae.linear.ascent import profiled_gradient
from linvae.linear.curvature import Surface, largest_curvature
from linvae.linear.spectrum import Spectrum

D, K = 7, 3


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(11)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return Spectrum.from_data(rng.normal(size=(100, D)) * np.linspace(3.0, 0.5, D) @ basis.T)


@pytest.fixture
def point():
    rng = np.random.default_rng(8)
    return rng.normal(size=(D, K)), 0.7, np.sort(rng.uniform(0.1, 5.0, D))[::-1].copy()


def _log_likelihood(x, w, s, lam):
    """Log p(x) through the d x d covariance C, after a dimensionless step x from (w, s)."""
    w = torch.tensor(w) + math.sqrt(s) * x[:-1].reshape(w.shape)
    s = s * torch.exp(x[-1])
    c = w @ w.T + s * torch.eye(len(lam), dtype=w.dtype)
    trace = torch.trace(torch.linalg.solve(c, torch.diag(torch.tensor(lam))))
    return -0.5 * (torch.logdet(c) + trace), w, s


def _profiled(x, w, s, lam):
    log_p, w, s = _log_likelihood(x, w, s, lam)
    m = w.T @ w + s * torch.eye(w.shape[1], dtype=w.dtype)
    return log_p - 0.5 * (torch.log(torch.diagonal(m)).sum() - torch.logdet(m))


def _full(x, w, s, lam):
    """ELBO in all parameters (W, log s, V, log D) from its expectations, with S diagonal."""
    d, k = w.shape
    encoder, variance = elbo.best_encoder(w, s)
    w, log_s = torch.tensor(w) + math.sqrt(s) * x[: d * k].reshape(d, k), math.log(s) + x[d * k]
    v = torch.tensor(encoder) + x[d * k + 1 : 2 * d * k + 1].reshape(k, d)
    log_d = torch.tensor(np.log(variance)) + x[2 * d * k + 1 :]
    cov, b = torch.diag(torch.tensor(lam)), w.T @ w
    g = v @ cov @ v.T
    error = torch.trace(cov) - 2 * torch.trace(w @ v @ cov) + torch.trace(b @ g)
    error = error + torch.diagonal(b) @ log_d.exp()
    return -0.5 * (error / log_s.exp() + d * log_s) - 0.5 * (
        torch.trace(g) + log_d.exp().sum() - log_d.sum()
    )


def _zeros(n):
    return torch.zeros(n, dtype=torch.float64)


def test_gradients_and_hessian_equal_automatic_differentiation(point):
    surface, n = Surface(*point), D * K + 1
    gradient = torch.func.grad(_profiled)(_zeros(n), *point).numpy()
    likelihood = torch.func.grad(lambda x: _log_likelihood(x, *point)[0])(_zeros(n)).numpy()
    hessian = torch.func.hessian(_profiled)(_zeros(n), *point).numpy()
    # Entries are of order one to ten; matrices of 7 x 7 are inverted to round-off.
    np.testing.assert_allclose(surface.gradient(), gradient, atol=1e-11)
    np.testing.assert_allclose(surface.likelihood_gradient(), likelihood, atol=1e-11)
    products = np.column_stack([surface.product(e) for e in np.eye(n)])
    # The product holds s in the unit of W fixed, as the step does.
    np.testing.assert_allclose(products, hessian, atol=1e-10)
    assert surface.steepest().curvature == pytest.approx(np.linalg.eigvalsh(hessian)[-1], abs=1e-6)


def test_product_equals_differences_of_the_solver_s_gradient(point):
    w, s, lam = point
    rng, step = np.random.default_rng(1), 1e-5
    direction = rng.normal(size=D * K + 1)
    surface = Surface(w, s, lam)
    found = []
    for sign in (1, -1):
        moved, noise = surface.moved(sign * step * direction)
        _, _, gradient, slope = profiled_gradient(moved, noise, lam)
        found.append(np.append(math.sqrt(s) * gradient.ravel(), slope))
    # Central differences: step^2 from the third derivative, 1e-15 / step from round-off.
    expected = (found[0] - found[1]) / (2 * step)
    np.testing.assert_allclose(surface.product(direction), expected, atol=1e-7)


@pytest.mark.parametrize("place", ["maximum", "saddle"])
def test_all_parameters_have_as_many_directions_of_ascent_as_the_profiled_elbo(spectrum, place):
    if place == "maximum":
        model = ppca.fit(spectrum, K)
        weights, s = model.weights, model.noise_variance
    else:
        weights, s = saddles.elbo_saddle(spectrum, K)
    w, lam = spectrum.eigenvectors.T @ weights, spectrum.eigenvalues
    size = 2 * D * K + K + 1
    gradient = torch.func.grad(_full)(_zeros(size), w, s, lam)
    assert gradient.abs().max() < 1e-10
    full = np.linalg.eigvalsh(torch.func.hessian(_full)(_zeros(size), w, s, lam).numpy())
    surface = Surface(w, s, lam)
    profiled = np.linalg.eigvalsh([surface.product(e) for e in np.eye(surface.size)])
    # Nothing is nearer to zero than this but round-off.
    rising = [int((values > 1e-9).sum()) for values in (full, profiled)]
    assert rising[0] == rising[1] == (0 if place == "maximum" else 1)
    assert (surface.steepest().curvature > 1e-6) == (place == "saddle")


@pytest.mark.parametrize("size", [1, 2, 3, 40])
@pytest.mark.parametrize("top", [-0.3, 0.0, 2e-5, 4.0])
def test_largest_curvature_of_a_matrix_with_a_known_one(size, top):
    rng = np.random.default_rng(size)
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    values = np.append(top, top - rng.uniform(0.1, 300.0, size - 1))
    matrix = basis @ np.diag(values) @ basis.T
    found = largest_curvature(lambda x: matrix @ x, size)
    assert found.curvature == pytest.approx(top, abs=curvature.RESIDUAL)
    assert np.linalg.norm(found.direction) == pytest.approx(1.0)
    assert abs(found.direction @ basis[:, 0]) == pytest.approx(1.0, abs=1e-4)


def test_it_uses_one_thread_and_gives_the_same_bits(spectrum, monkeypatch):
    weights, s = saddles.elbo_saddle(spectrum, K)
    surface = Surface(spectrum.eigenvectors.T @ weights, s, spectrum.eigenvalues)
    seen, original = [], Surface.product

    def spy(self, direction):
        seen.append({p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"})
        return original(self, direction)

    monkeypatch.setattr(Surface, "product", spy)
    with threadpool_limits(2, user_api="blas"):
        first, second = surface.steepest(), surface.steepest()
    assert seen
    assert all(threads == {1} for threads in seen)
    assert first.direction.tobytes() == second.direction.tobytes()
