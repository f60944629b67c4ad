import math

import numpy as np
import pytest
import torch

from linvae.linear import elbo, ppca
from linvae.linear.spectrum import Spectrum

D, K = 6, 3


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(2)
    return rng.normal(size=(50, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


@pytest.fixture(scope="module")
def spectrum(x):
    return Spectrum.from_data(x)


def _random_model(seed):
    rng = np.random.default_rng(seed)
    encoder = 0.3 * rng.normal(size=(K, D))
    return rng.normal(size=(D, K)), encoder, rng.uniform(0.2, 2.0, K), rng.uniform(0.3, 3.0)


@pytest.mark.parametrize("seed", range(3))
def test_analytic_equals_monte_carlo(x, spectrum, seed):
    w, v, variance, s = _random_model(seed)
    rng = np.random.default_rng(100 + seed)
    centred = x - x.mean(0)
    draws = np.empty(4000)
    for i in range(len(draws)):
        z = centred @ v.T + np.sqrt(variance) * rng.normal(size=(len(x), K))
        log_x = -0.5 * (((centred - z @ w.T) ** 2).sum(1) / s + D * math.log(2 * math.pi * s))
        log_z = -0.5 * ((z**2).sum(1) + K * math.log(2 * math.pi))
        log_q = -0.5 * (
            ((z - centred @ v.T) ** 2 / variance).sum(1) + np.log(2 * math.pi * variance).sum()
        )
        draws[i] = (log_x + log_z - log_q).mean()
    standard_error = draws.std(ddof=1) / math.sqrt(len(draws))
    value = elbo.analytic(w, v, variance, s, spectrum)
    # Six standard errors: a right formula fails once in 5e8 seeds.
    assert abs(draws.mean() - value) < 6 * standard_error
    assert standard_error < 2e-3 * abs(value)


@pytest.mark.parametrize("seed", range(3))
def test_analytic_equals_torch_distributions(x, spectrum, seed):
    w, v, variance, s = (torch.as_tensor(a, dtype=torch.float64) for a in _random_model(seed))
    centred = torch.as_tensor(x - x.mean(0))
    q = torch.distributions.Normal(centred @ v.T, variance.sqrt())
    prior = torch.distributions.Normal(torch.zeros_like(variance), torch.ones_like(variance))
    kl = torch.distributions.kl_divergence(q, prior).sum(1).mean()
    # E_q log N(x; Wz, s) = log N(x; W E z, s) - tr(W^T W D) / (2 s), exactly.
    likelihood = torch.distributions.Normal(q.mean @ w.T, s.sqrt()).log_prob(centred).sum(1).mean()
    spread = (torch.diagonal(w.T @ w) * variance).sum() / (2 * s)
    value = elbo.analytic(w.numpy(), v.numpy(), variance.numpy(), s.item(), spectrum)
    assert value == pytest.approx((likelihood - spread - kl).item(), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_profiled_is_the_analytic_elbo_of_the_best_encoder(spectrum, seed):
    w, v, variance, s = _random_model(seed)
    value = elbo.profiled(w, s, spectrum)
    best = elbo.best_encoder(w, s)
    assert elbo.analytic(w, *best, s, spectrum) == pytest.approx(value, rel=1e-12)
    assert elbo.analytic(w, v, variance, s, spectrum) < value
    rng = np.random.default_rng(seed)
    for scale in (1e-3, 0.1):
        near_v = best[0] + scale * rng.normal(size=v.shape)
        near_d = best[1] * np.exp(scale * rng.normal(size=K))
        assert elbo.analytic(w, near_v, near_d, s, spectrum) < value


def _torch_profiled(w, log_s, cov):
    """Profiled ELBO from the d x d covariance, by another route than the library's."""
    d, k = w.shape
    s = log_s.exp()
    c = w @ w.T + s * torch.eye(d, dtype=w.dtype)
    log_p = -0.5 * (
        d * math.log(2 * math.pi) + torch.logdet(c) + torch.trace(torch.linalg.solve(c, cov))
    )
    m = w.T @ w + s * torch.eye(k, dtype=w.dtype)
    return log_p - 0.5 * (torch.log(torch.diagonal(m)).sum() - torch.logdet(m))


@pytest.mark.parametrize("retained", [(0, 1, 2), (0, 1), (2, 4), (5,), ()])
def test_gradient_is_zero_at_every_stationary_point(spectrum, retained):
    others = [i for i in range(D) if i not in retained]
    lam = spectrum.eigenvalues
    s = min(lam[others].mean(), *(0.9 * lam[i] for i in retained), math.inf)
    w = np.zeros((D, K))
    for column, i in enumerate(retained):
        w[:, column] = math.sqrt(lam[i] - s) * spectrum.eigenvectors[:, i]
    weights = torch.tensor(w, requires_grad=True)
    log_s = torch.tensor(math.log(s), dtype=torch.float64)
    value = _torch_profiled(weights, log_s, torch.as_tensor(spectrum.covariance))
    assert elbo.profiled(w, s, spectrum) == pytest.approx(value.item(), rel=1e-10)
    value.backward()
    assert weights.grad.abs().max() < 1e-9
    # The test can fail: off the stationary point the gradient is not small.
    moved = torch.tensor(w + 0.1, requires_grad=True)
    _torch_profiled(moved, log_s, torch.as_tensor(spectrum.covariance)).backward()
    assert moved.grad.abs().max() > 1e-3


def test_linear_bound_is_the_elbo_of_the_clipped_weights(spectrum):
    lam = spectrum.eigenvalues
    s = 0.5 * (lam[1] + lam[2])
    model = ppca.fit(spectrum, 4, s)
    found = elbo.linear_bound(spectrum, 4, s)
    assert found.bound == pytest.approx(elbo.profiled(model.weights, s, spectrum), rel=1e-12)
    assert found.n_active == 2
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.3, 2.0):
        other = model.weights + scale * rng.normal(size=model.weights.shape)
        assert elbo.profiled(other, s, spectrum) < found.bound
    assert elbo.linear_bound(spectrum, 1, s).n_active == 1
    assert elbo.linear_bound(spectrum, 4, 2 * lam[0]).n_active == 0


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"weights": np.ones((D + 1, K))}, "weights"),
        ({"weights": np.ones(D)}, "weights"),
        ({"encoder": np.ones((D, K))}, "encoder"),
        ({"posterior_variance": np.ones(K + 1)}, "posterior_variance"),
        ({"posterior_variance": np.array([1.0, 0.0, 1.0])}, "posterior_variance"),
        ({"posterior_variance": np.array([1.0, np.nan, 1.0])}, "posterior_variance"),
        ({"noise_variance": 0.0}, "noise_variance"),
    ],
)
def test_misfitting_arguments_are_refused(spectrum, change, text):
    names = ("weights", "encoder", "posterior_variance", "noise_variance")
    arguments = dict(zip(names, _random_model(0), strict=True)) | change
    with pytest.raises(ValueError, match=text):
        elbo.analytic(**arguments, spectrum=spectrum)
