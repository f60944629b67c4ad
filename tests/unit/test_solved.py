"""Training an encoder whose linear decoder is solved for: against closed forms and sampling."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from linvae.linear import elbo, ppca, solve
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training import linear_job as linear
from linvae.training import objectives
from linvae.training.exact import exact_elbo
from linvae.training.models import build
from linvae.training.solved import hold_decoder, solve_decoder, solved_terms

D, K, N = 7, 3, 50
MANY = 2000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    return rng.normal(size=(N, D)) @ np.diag(np.linspace(3, 0.5, D)) + 1


@pytest.fixture(scope="module")
def spectrum(data):
    return Spectrum.from_data(data)


def settings_of(hidden=(), posterior="shared", standardize=False, **training):
    return ModelSettings.model_validate(
        {
            "encoder": {"hidden": hidden, "posterior": posterior},
            "start": {"standardize": standardize},
            "training": {"objective": "solved", "steps": 10, **training},
        }
    )


def model_of(spectrum, noise="learned-1", seed=0, **options):
    return build(settings_of(**options), spectrum, K, parse_noise(noise), seed)


def solved(model, data, sweeps=MANY):
    """Solve a model's decoder for its encoder as it is; return the network's data."""
    y = model.units.inward(torch.as_tensor(data))
    with torch.no_grad():
        mean, log_variance = model.encoder(y)
    solve_decoder(model, y, mean, log_variance, sweeps)
    return y


def loss_of(model, y):
    terms = objectives.exact_terms(model, y)
    return objectives.negative_elbo(*terms, model.log_noise_variance, D)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden": (8,)},
        {"hidden": (8,), "posterior": "amortised"},
        {"standardize": True},
        {"noise": "fixed-0.7"},
    ],
)
def test_nothing_that_is_solved_for_could_be_better(data, spectrum, options):
    model = model_of(spectrum, **options)
    y = solved(model, data)
    held = [*model.decoder.parameters()]
    held += [] if model.encoder.amortised else [model.encoder.log_variance]
    held += [model.log_noise_variance] if model.log_noise_variance.requires_grad else []
    assert len(held) == 3 - model.encoder.amortised - ("noise" in options)
    loss_of(model, y).backward()
    for parameter in held:
        # Round-off of an ELBO of some ten nats; sweeps converge linearly.
        assert parameter.grad.abs().max() < 1e-9
    best = -loss_of(model, y).item()
    with torch.no_grad():
        for parameter in held:
            for sign in (-0.01, 0.01):
                parameter.add_(sign)
                assert -loss_of(model, y).item() < best
                parameter.sub_(sign)


def test_the_gradient_is_that_of_the_elbo_with_everything_solved_again(data, spectrum):
    model = model_of(spectrum, hidden=(8,))
    hold_decoder(model)
    y = solved(model, data)
    loss_of(model, y).backward()
    weight = model.encoder.mean[-1].weight
    gradient = weight.grad.clone()
    direction = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)).to(weight)
    values = []
    for step in (-1e-4, 1e-4):
        with torch.no_grad():
            weight.add_(step * direction)
        solved(model, data)
        values.append(loss_of(model, y).item())
        with torch.no_grad():
            weight.sub_(step * direction)
    difference = (values[1] - values[0]) / 2e-4
    assert (gradient * direction).sum().item() == pytest.approx(difference, rel=1e-5)
    held = [*model.decoder.parameters(), model.encoder.log_variance, model.log_noise_variance]
    assert all(parameter.grad is None for parameter in held)


def test_for_the_optimal_encoder_it_finds_the_solution_of_lbfgs(data, spectrum):
    best = solve.lbfgs(spectrum, K)
    model = model_of(spectrum)
    with torch.no_grad():
        model.encoder.mean[-1].weight.copy_(torch.as_tensor(best.encoder))
    solved(model, data)
    weights = model.decoder_matrix().detach().numpy()
    # L-BFGS ends 1e-9 nats from the maximum: its weights are good to some five digits.
    np.testing.assert_allclose(weights, best.weights, atol=1e-3)
    variance = model.encoder.log_variance.detach().exp().numpy()
    np.testing.assert_allclose(variance, best.posterior_variance, rtol=1e-3)
    assert model.log_noise_variance.exp().item() == pytest.approx(best.noise_variance, rel=1e-6)
    assert exact_elbo(model, data) == pytest.approx(ppca.max_log_likelihood(spectrum, K), abs=1e-7)


@pytest.mark.parametrize("posterior", ["shared", "amortised"])
def test_its_elbo_is_that_of_sampling(data, spectrum, posterior):
    model = model_of(spectrum, hidden=(8,), posterior=posterior)
    y = model.units.inward(torch.as_tensor(data))
    with torch.no_grad():
        terms = solved_terms(model, y)
        value = -objectives.negative_elbo(*terms, model.log_noise_variance, D).item()
        mean, log_variance = model.encode(torch.as_tensor(data))
        q = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance).expand(N, K))
        torch.manual_seed(0)
        z = q.sample((4000,))
        deviation = torch.exp(0.5 * model.log_noise_variance)
        p = torch.distributions.Normal(model.decode(z), deviation)
        prior = torch.distributions.Normal(0.0, 1.0)
        log_ratio = prior.log_prob(z).sum(-1) - q.log_prob(z).sum(-1)
        sampled = (p.log_prob(torch.as_tensor(data)).sum(-1) + log_ratio).mean(1)
    error = sampled.std().item() / math.sqrt(len(sampled))
    assert abs(sampled.mean().item() - value) < 4 * error
    assert error < 0.05


def test_sweeps_never_lower_the_elbo(data, spectrum):
    model = model_of(spectrum, hidden=(8,))
    values = []
    for _ in range(6):
        y = solved(model, data, sweeps=1)
        values.append(-loss_of(model, y).item())
    assert np.all(np.diff(values) > -1e-12)
    assert values[-1] > values[0]


def run(spectrum, data, folder, **options):
    files = folder / "model.safetensors", folder / "curve.csv"
    job = RunJob(model=settings_of(**options), n_latent=K, noise="learned-1", seed=0)
    linear.train_and_save(job, spectrum, data, *files)
    return pd.read_csv(files[1])


@pytest.mark.parametrize(
    "options",
    [{}, {"hidden": (12,)}, {"hidden": (12,), "posterior": "amortised"}],
    ids=["linear", "relu", "amortised"],
)
def test_any_encoder_comes_to_the_maximum_of_ppca(data, spectrum, tmp_path, options):
    training = {"steps": 1500, "learning_rate": 0.01, "schedule": "cosine"}
    curve = run(spectrum, data, tmp_path, standardize=True, **options, **training)
    # The bound that an encoder with this decoder cannot pass.
    assert -1e-9 < curve["gap"].iloc[-1] < 0.02
    assert curve["gap"].iloc[0] > 0.5


def test_a_relu_encoder_contains_the_linear_one(data, spectrum):
    """z = relu(z) - relu(-z): what it lacks at the end of a training is not the encoder's."""
    best = ppca.fit(spectrum, K)
    encoder, variance = elbo.best_encoder(best.weights, best.noise_variance)
    model = model_of(spectrum, hidden=(2 * K,))
    first, last = model.encoder.trunk[0], model.encoder.mean[-1]
    with torch.no_grad():
        first.weight.copy_(torch.as_tensor(np.vstack([encoder, -encoder])))
        last.weight.copy_(torch.as_tensor(np.hstack([np.eye(K), -np.eye(K)])))
        first.bias.zero_()
        last.bias.zero_()
        model.encoder.log_variance.copy_(torch.as_tensor(np.log(variance)))
        model.decoder[0].weight.copy_(torch.as_tensor(best.weights))
        model.log_noise_variance.fill_(math.log(best.noise_variance))
    best_value = ppca.max_log_likelihood(spectrum, K)
    assert exact_elbo(model, data) == pytest.approx(best_value, abs=1e-10)


START = {"steps": 1200, "learning_rate": 0.005, "schedule": "cosine", "objective": "analytic"}


OWN_RATES = {"variance_learning_rate": 0.05, "noise_learning_rate": 0.05, "scale_by_noise": True}


def test_with_rates_of_their_own_no_start_of_a_variance_decides(data, spectrum, tmp_path):
    def end(log_variance, noise, **training):
        settings = ModelSettings.model_validate(
            {"start": {"log_variance": log_variance}, "training": {**START, **training}}
        )
        job = RunJob(model=settings, n_latent=K, noise=noise, seed=0)
        linear.train_and_save(job, spectrum, None, tmp_path / "m.safetensors", tmp_path / "c.csv")
        return pd.read_csv(tmp_path / "c.csv")["gap"].iloc[-1]

    starts = [(0.0, "learned-1"), (-8.0, "learned-0.1"), (1.0, "learned-10")]
    gaps = [end(*start, **OWN_RATES) for start in starts]
    naive = [end(*start) for start in starts]
    assert max(gaps) < 0.5
    # With the weights' rate 0.005 it travels 3 at most: the start is seen in the result.
    assert max(naive) - min(naive) > 10 * (max(gaps) - min(gaps))


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"batch_size": 10}, "leave batch_size out"),
        ({"never_rotate": True}, "adam never rotates"),
    ],
)
def test_settings_that_do_not_fit(training, said):
    with pytest.raises(ValueError, match=said):
        settings_of(**training)


def test_an_amortised_variance_has_no_rate_of_its_own():
    with pytest.raises(ValueError, match="posterior: shared"):
        settings_of(posterior="amortised", variance_learning_rate=0.1)
