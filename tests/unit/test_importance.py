"""The importance-weighted bound as an objective: value, gradient, and the draws of steps."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.likelihood_job import LikelihoodJob
from linvae.settings.model import ModelSettings
from linvae.training.importance import StepNoise, followed, importance_terms, terms_of
from linvae.training.loop import fit
from linvae.training.models import build
from linvae.training.objectives import negative_elbo, sampled_terms

D, K, N, NOISE = 6, 3, 40, 0.3
MODEL = {
    "encoder": {"hidden": [7], "posterior": "amortised"},
    "decoder": {"hidden": [5]},
    "start": {"standardize": True},
    "training": {"objective": "stochastic", "steps": 6, "batch_size": 20, "learning_rate": 0.01},
    "job": {"records": 3},
}
JOB = LikelihoodJob(
    model=MODEL, n_latent=K, noise=f"fixed-{NOISE}", seed=0, bound="iwae", draws=4, updates=6,
    rate=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)) @ rng.normal(size=(3, D)) + 0.5 * rng.normal(size=(N, D)) + 1


def made(rows, noise=f"fixed-{NOISE}", settings=MODEL):
    settings = ModelSettings.model_validate(settings)
    return build(settings, Spectrum.from_data(rows), K, parse_noise(noise), 0)


def drawn(draws, n=N, seed=0):
    return StepNoise(seed, draws)(torch.empty(n, D, dtype=torch.float64), K)


def bound(model, rows, noise):
    """Minus what the loop minimises."""
    y = model.units.inward(torch.as_tensor(rows))
    terms = importance_terms(model, y, noise)
    return -negative_elbo(*terms, model.log_noise_variance, model.n_features)


def direct(model, rows, noise):
    """log 1/K sum_j p(x|z_j) p(z_j) / q(z_j|x) by torch's densities, in data units."""
    x = torch.as_tensor(rows)
    mean, log_variance = model.encode(x)
    q = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    z = mean + torch.exp(0.5 * log_variance) * noise
    prior = torch.distributions.Normal(torch.zeros_like(z), 1.0)
    likelihood = torch.distributions.Normal(
        model.decode(z), torch.exp(0.5 * model.log_noise_variance)
    )
    parts = (likelihood.log_prob(x), prior.log_prob(z), -q.log_prob(z))
    weights = torch.exp(sum(part.sum(-1) for part in parts))
    return weights.mean(0).log().mean()


@pytest.mark.parametrize("noise", [f"fixed-{NOISE}", f"learned-{NOISE}"])
@pytest.mark.parametrize("draws", [1, 5])
def test_value_and_gradients_are_those_of_the_formula(rows, noise, draws):
    model, noise = made(rows, noise), drawn(draws)
    parameters = list(model.parameters())
    found, expected = bound(model, rows, noise), direct(model, rows, noise)
    torch.testing.assert_close(found, expected)
    gradients = torch.autograd.grad(found, parameters)
    for one, other in zip(gradients, torch.autograd.grad(expected, parameters), strict=True):
        torch.testing.assert_close(one, other)


def test_the_first_of_the_terms_is_the_squared_error_of_the_draws(rows):
    model, noise = made(rows), drawn(4)
    y = model.units.inward(torch.as_tensor(rows))
    error, _ = importance_terms(model, y, noise)
    assert not error.requires_grad
    torch.testing.assert_close(error, sampled_terms(model, y, noise)[0].detach())


def test_with_one_draw_it_is_the_elbo_whose_kl_is_sampled(rows):
    model, noise = made(rows), drawn(1)
    y = model.units.inward(torch.as_tensor(rows))
    mean, log_variance = model.encoder(y)
    error, _ = sampled_terms(model, y, noise)
    z = mean + torch.exp(0.5 * log_variance) * noise
    kl = 0.5 * (z.square() - noise.square() - log_variance).sum(-1).mean()
    elbo = -negative_elbo(error, kl, model.log_noise_variance, D)
    torch.testing.assert_close(bound(model, rows, noise), elbo)
    parameters = list(model.parameters())
    found = torch.autograd.grad(bound(model, rows, noise), parameters)
    for one, other in zip(found, torch.autograd.grad(elbo, parameters), strict=True):
        torch.testing.assert_close(one, other)


def test_it_grows_with_the_number_of_draws(rows):
    model = made(rows)
    with torch.no_grad():
        # The same draws, in smaller groups: the bound of their average is no smaller.
        noise = drawn(64)
        means = [
            float(torch.stack([bound(model, rows, part) for part in noise.split(size)]).mean())
            for size in (1, 2, 8, 64)
        ]
    assert means == sorted(means)
    assert means[-1] > means[0] + 0.1


@pytest.mark.parametrize("draws", [1, 2, 50])
def test_with_the_exact_posterior_it_is_the_likelihood_for_any_draws(rows, draws):
    spectrum = Spectrum.from_data(rows)
    optimum = ppca.fit(spectrum, K, NOISE)
    linear = {"training": {"objective": "analytic", "steps": 1}}
    model = made(rows, settings=linear)
    mean, covariance = optimum.posterior(rows)
    # The columns are orthogonal, so that the posterior is diagonal.
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-12)
    encoder = np.linalg.lstsq(rows - rows.mean(0), mean, rcond=None)[0].T
    with torch.no_grad():
        model.decoder[-1].weight.copy_(torch.as_tensor(optimum.weights))
        model.encoder.mean[-1].weight.copy_(torch.as_tensor(encoder))
        model.encoder.log_variance.copy_(torch.as_tensor(np.log(np.diag(covariance))))
        found = float(bound(model, rows, drawn(draws)))
    of_model = optimum.weights @ optimum.weights.T + NOISE * np.eye(D)
    exact = multivariate_normal(rows.mean(0), of_model).logpdf(rows).mean()
    # The weights are all the same: what is left is round-off.
    assert found == pytest.approx(exact, abs=1e-9)


def test_weights_far_beyond_the_range_of_numbers_are_no_trouble(rows):
    model = made(1e3 * rows).float()
    y = model.units.inward(torch.as_tensor(1e3 * rows).float())
    terms = importance_terms(model, y, drawn(5).float())
    found = negative_elbo(*terms, model.log_noise_variance, D)
    assert found > 1e5
    found.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_draws_of_a_step_follow_from_the_seed_and_its_number():
    batch = torch.empty(5, D, dtype=torch.float64)
    noise, again = StepNoise(3, 2), StepNoise(3, 2)
    first, second = noise(batch, K), noise(batch, K)
    assert first.shape == (2, 5, K)
    assert not torch.equal(first, second)
    again.step = 1
    assert torch.equal(again(batch, K), second)
    assert not torch.equal(StepNoise(4, 2)(batch, K), first)
    assert StepNoise(3, 2)(batch.float(), K).dtype == torch.float32


@pytest.mark.parametrize("bound", ["elbo", "iwae"])
def test_a_training_that_is_resumed_ends_with_the_same_bytes(rows, bound, tmp_path, monkeypatch):
    monkeypatch.setenv("LINVAE_CHECKPOINT_SECONDS", "0")

    def trained(folder, stop=None):
        model, noise = made(rows), StepNoise(0, JOB.draws)
        checkpoint = followed(JOB, folder / "likelihood.json", noise)

        def looked(model):
            if noise.step == stop:
                raise KeyboardInterrupt
            return {}

        options = {"terms": terms_of(bound, noise), "measure": looked, "checkpoint": checkpoint}
        curve = fit(model, JOB.model, 0, data=rows, **options)
        return curve, model.state_dict(), noise.step

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    # Another folder is another job, to which no checkpoint of this one belongs.
    expected, weights, _ = trained(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "a", stop=6)
    found, again, step = trained(tmp_path / "a")
    assert step == 6
    assert found.equals(expected)
    assert all(torch.equal(again[name], value) for name, value in weights.items())


def test_the_loop_records_the_bound_as_its_estimate(rows):
    model = made(rows)
    settings = JOB.model.model_copy(
        update={"training": JOB.model.training.model_copy(update={"steps": 1, "batch_size": None})}
    )
    with torch.no_grad():
        expected = float(bound(model, rows, drawn(4)))
    curve = fit(model, settings, 0, data=rows, terms=terms_of("iwae", StepNoise(0, 4)))
    assert curve["elbo_estimate"].iloc[-1] == pytest.approx(expected)
    assert math.isfinite(curve["kl"].iloc[-1])
