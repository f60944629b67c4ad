"""The terms of the ELBO, against closed forms, torch.distributions and finite differences."""

import numpy as np
import pytest
import torch

from linvae.linear import elbo
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training import objectives
from linvae.training.exact import linear_weights
from linvae.training.models import build

D, K, N = 7, 3, 40
LINEAR = {"training": {"objective": "analytic", "steps": 1}}
DEEP_DECODER = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised", "activation": "tanh"},
    "decoder": {"hidden": [6, 8], "activation": "tanh"},
    "training": {"objective": "stochastic", "epochs": 1, "precision": "float64"},
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


def make(settings, data, noise="learned-0.7", seed=3, **start):
    made = ModelSettings.model_validate({**settings, "start": start})
    return build(made, Spectrum.from_data(data), K, parse_noise(noise), seed)


def inward(model, data):
    return model.units.inward(torch.as_tensor(data))


def loss_of(model, terms):
    return objectives.negative_elbo(*terms, model.log_noise_variance, D)


@pytest.mark.parametrize("units", [{}, {"standardize": True}])
def test_moment_terms_equal_the_closed_form_of_the_elbo(data, units):
    model = make(LINEAR, data, **units)
    found = -loss_of(model, objectives.moment_terms(model, torch.as_tensor(np.cov(data.T, ddof=0))))
    w = linear_weights(model)
    expected = elbo.analytic(
        w.weights, w.encoder, w.posterior_variance, w.noise_variance, Spectrum.from_data(data)
    )
    # Two float64 evaluations of sums of about a hundred terms.
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("units", [{}, {"standardize": True}])
def test_exact_terms_over_the_data_equal_moment_terms(data, units):
    model = make(LINEAR, data, **units)
    covariance = torch.as_tensor(np.cov(data.T, ddof=0))
    from_data = objectives.exact_terms(model, inward(model, data))
    from_moments = objectives.moment_terms(model, covariance)
    for a, b in zip(from_data, from_moments, strict=True):
        assert a.item() == pytest.approx(b.item(), rel=1e-11)


def test_gaussian_kl_equals_that_of_torch():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.randn(2, 50, K, generator=generator, dtype=torch.float64)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(mean, torch.exp(0.5 * log_variance)),
        normal(torch.zeros_like(mean), torch.ones_like(mean)),
    )
    torch.testing.assert_close(objectives.gaussian_kl(mean, log_variance), expected)


def test_kl_keeps_its_digits_near_the_prior():
    # In float32, v - 1 - log v of v = 1 + 1e-4 taken literally is all round-off.
    log_variance = torch.tensor([1e-4])
    found = objectives.gaussian_kl(torch.zeros(1), log_variance).item()
    # expm1 rounds 1e-4 to 24 bits, which leaves 2.5e-9 with about 1e-12 / 2.5e-9 = 5e-3.
    assert found == pytest.approx(2.5e-9, rel=5e-3)


def test_negative_elbo_is_minus_the_density_of_a_certain_latent():
    # With no spread in q and no KL, the ELBO is the Gaussian log density of the error.
    error = torch.tensor([0.3, -1.2, 0.5], dtype=torch.float64)
    variance = torch.tensor(0.4, dtype=torch.float64)
    found = -objectives.negative_elbo(error.square().sum(), torch.tensor(0.0), variance.log(), 3)
    expected = torch.distributions.Normal(0.0, variance.sqrt()).log_prob(error).sum()
    torch.testing.assert_close(found, expected)


def test_kl_weight_scales_the_kl_alone():
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    full = objectives.negative_elbo(one, 3 * one, zero, D)
    half = objectives.negative_elbo(one, 3 * one, zero, D, weight=0.5)
    assert (full - half).item() == pytest.approx(1.5)


def test_stochastic_elbo_and_its_gradient_are_unbiased(data):
    model = make(LINEAR, data)
    y = inward(model, data)
    exact = loss_of(model, objectives.exact_terms(model, y))
    exact_gradient = torch.cat([g.ravel() for g in gradients(model, exact)])
    generator = torch.Generator().manual_seed(1)
    losses, drawn = [], []
    for _ in range(400):
        noise = torch.randn(1, N, K, generator=generator, dtype=torch.float64)
        loss = loss_of(model, objectives.sampled_terms(model, y, noise))
        losses.append(loss.detach())
        drawn.append(torch.cat([g.ravel() for g in gradients(model, loss)]))
    value, gradient = torch.stack(losses), torch.stack(drawn)
    error = (value.mean() - exact).abs() / (value.std() / 20)
    errors = (gradient.mean(0) - exact_gradient).abs() / (gradient.std(0) / 20 + 1e-12)
    # 4 standard errors hold of one number in 16,000 draws; the fixed seed makes it certain.
    assert error.item() < 4
    assert errors.max().item() < 4


def gradients(model, loss):
    return torch.autograd.grad(loss, list(model.parameters()))


def test_gradient_of_a_deep_model_equals_finite_differences(data):
    model = make(DEEP_DECODER, data, standardize=True)
    y = inward(model, data)
    noise = torch.randn(2, N, K, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def loss():
        return loss_of(model, objectives.sampled_terms(model, y, noise))

    step = 1e-5
    for parameter, gradient in zip(model.parameters(), gradients(model, loss()), strict=True):
        direction = torch.randn(
            parameter.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64
        )
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(sign * step * direction)
                values.append(loss().item())
                parameter.sub_(sign * step * direction)
        slope = (values[0] - values[1]) / (2 * step)
        # Central differences err by step^2 times a third derivative, and by 1e-16 * loss / step.
        assert (gradient * direction).sum().item() == pytest.approx(slope, rel=1e-6, abs=1e-7)


def test_elbo_is_below_the_likelihood_and_more_samples_leave_its_mean(data):
    model = make(LINEAR, data)
    y = inward(model, data)
    w = linear_weights(model)
    covariance = w.weights @ w.weights.T + w.noise_variance * np.eye(D)
    gaussian = torch.distributions.MultivariateNormal(
        torch.as_tensor(data.mean(0)), torch.as_tensor(covariance)
    )
    log_likelihood = gaussian.log_prob(torch.as_tensor(data)).mean().item()
    assert -loss_of(model, objectives.exact_terms(model, y)).item() < log_likelihood
