"""Annealed importance sampling, against closed forms, quadrature and unbiasedness."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from linvae.linear.spectrum import Spectrum
from linvae.measure.annealed import annealed_log_likelihood, reverse_annealed, simulate
from linvae.measure.hamiltonian import schedule
from linvae.seeds import derive_seed

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))  # as `python benchmarks/annealed.py` has it

import annealed  # noqa: E402
import deep  # noqa: E402

D, K, NOISE_VARIANCE = 5, 2, 0.3
DOUBLE = {"dtype": torch.float64}
SHORT = {"temperatures": 4, "chains": 1, "seed": 3, **DOUBLE}
LONG = {"temperatures": 150, "chains": 48, "seed": 1, **DOUBLE}


class Linear:
    """A linear decoder W z + b, and its closed forms."""

    def __init__(self):
        generator = np.random.default_rng(0)
        self.weights, self.bias = generator.normal(size=(D, K)), generator.normal(size=D)
        self.tensors = torch.as_tensor(self.weights), torch.as_tensor(self.bias)

    def decode(self, z):
        return z @ self.tensors[0].T + self.tensors[1]

    def log_likelihood(self, x):
        covariance = self.weights @ self.weights.T + NOISE_VARIANCE * np.eye(D)
        return multivariate_normal(self.bias, covariance).logpdf(x)

    def posterior(self, x):
        """Mean and covariance of p(z|x), of one x."""
        covariance = np.linalg.inv(np.eye(K) + self.weights.T @ self.weights / NOISE_VARIANCE)
        return covariance @ self.weights.T @ (x - self.bias) / NOISE_VARIANCE, covariance


@pytest.fixture(scope="module")
def linear():
    return Linear()


@pytest.fixture(scope="module")
def pairs(linear):
    return simulate(linear.decode, 6, K, NOISE_VARIANCE, 0, torch.float64)


def bent(z):
    """A decoder that folds the plane: p(z|x) may have several modes."""
    return torch.stack([z[:, 0].square() - 1, torch.sin(2 * z[:, 1]) + z[:, 0], z.prod(1)], 1)


def start_of(pairs, log_variance=-1.0):
    """A q that is off the posterior."""
    mean = 0.5 * pairs[0]
    return mean, np.full_like(mean, log_variance)


def error_of(estimate):
    """Standard error of each log p(x) over its chains."""
    return np.sqrt(1 / estimate.effective_sample_size - 1 / LONG["chains"])


@pytest.mark.parametrize("from_q", [False, True])
def test_a_linear_decoder_has_its_exact_likelihood_between_the_estimates(linear, pairs, from_q):
    z, x = pairs
    own = {**LONG, "start": start_of(pairs) if from_q else None}
    exact = linear.log_likelihood(x)
    below = annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    above = reverse_annealed(linear.decode, x, z, NOISE_VARIANCE, **own)
    for estimate in (below, above):
        tolerance = np.maximum(0.05, 3 * error_of(estimate))
        assert (np.abs(estimate.log_likelihood - exact) < tolerance).all()
        # The pilot aims at 0.65.
        assert ((estimate.acceptance > 0.5) & (estimate.acceptance < 0.8)).all()
        assert (error_of(estimate) < 0.12).all()
    # At this length the bounds' slack is below what they scatter, 0.02 nats over all data.
    assert below.log_likelihood.mean() - 0.05 < exact.mean() < above.log_likelihood.mean() + 0.05


@pytest.mark.parametrize("from_q", [False, True])
def test_few_temperatures_leave_a_gap_around_it(linear, pairs, from_q):
    z, x = pairs
    own = {**LONG, "temperatures": 4, "chains": 2}
    own["start"] = start_of(pairs, 1.0) if from_q else None
    exact = linear.log_likelihood(x).mean()
    below = annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    above = reverse_annealed(linear.decode, x, z, NOISE_VARIANCE, **own)
    assert below.log_likelihood.mean() < exact - 0.1
    assert above.log_likelihood.mean() > exact + 0.1


@pytest.mark.parametrize("from_q", [False, True])
def test_weights_are_unbiased_at_any_length(linear, pairs, from_q):
    """E w = p(x) towards the posterior, E 1 / w = 1 / p(x) from it: transitions are right."""
    n, x = 2000, np.tile(pairs[1][0], (2000, 1))
    mean, covariance = linear.posterior(x[0])
    z = np.random.default_rng(1).multivariate_normal(mean, covariance, size=n)
    start = (np.tile(mean + 0.2, (n, 1)), np.full((n, K), -1.5)) if from_q else None
    own = {**SHORT, "temperatures": 6 if from_q else 16, "start": start}
    below = annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    above = reverse_annealed(linear.decode, x, z, NOISE_VARIANCE, **own)
    exact = linear.log_likelihood(x[0])
    for values in (
        np.exp(below.log_likelihood - exact),
        np.exp(exact - above.log_likelihood),
    ):
        error = values.std() / math.sqrt(n)
        assert error < 0.1
        assert abs(values.mean() - 1) < 4 * error


def test_a_nonlinear_decoder_agrees_with_quadrature():
    z, x = simulate(bent, 6, K, NOISE_VARIANCE, 2, torch.float64)
    axis = torch.linspace(-7, 7, 561, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    means, cell = bent(grid).numpy(), float(axis[1] - axis[0]) ** 2
    log_prior = -0.5 * grid.square().sum(1).numpy() - math.log(2 * math.pi)
    constant = -0.5 * 3 * math.log(2 * math.pi * NOISE_VARIANCE)
    errors = [((row - means) ** 2).sum(1) for row in x]
    exact = [
        constant + logsumexp(log_prior - 0.5 * error / NOISE_VARIANCE) + math.log(cell)
        for error in errors
    ]
    below = annealed_log_likelihood(bent, x, NOISE_VARIANCE, n_latent=K, **LONG)
    above = reverse_annealed(bent, x, z, NOISE_VARIANCE, **LONG)
    for estimate in (below, above):
        tolerance = np.maximum(0.05, 3 * error_of(estimate))
        assert (np.abs(estimate.log_likelihood - exact) < tolerance).all()
        assert (error_of(estimate) < 0.12).all()


def test_one_temperature_is_importance_sampling_from_the_prior(linear, pairs):
    _, x = pairs
    own = {"temperatures": 1, "chains": 50, "seed": 5, **DOUBLE}
    one = annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    generator = torch.Generator().manual_seed(derive_seed(5, "annealed/forward"))
    z = torch.randn(len(x), 50, K, generator=generator, dtype=torch.float64)
    for row, draws, found in zip(x, z, one.log_likelihood, strict=True):
        means = linear.decode(draws).numpy()
        scores = [multivariate_normal(mean, NOISE_VARIANCE).logpdf(row) for mean in means]
        assert found == pytest.approx(logsumexp(scores) - math.log(50), abs=1e-10)
    assert np.isnan(one.acceptance).all()


def test_from_the_exact_posterior_one_temperature_has_no_error(linear, pairs):
    """p(x, z) / q(z) is p(x) for every z."""
    z, x = pairs
    rotation = np.linalg.svd(linear.weights)[2].T  # which makes the posterior diagonal
    turned = torch.as_tensor(rotation)

    def decode(u):
        return linear.decode(u @ turned.T)

    means = np.stack([linear.posterior(row)[0] for row in x]) @ rotation
    variances = np.diag(rotation.T @ linear.posterior(x[0])[1] @ rotation)
    own = {"temperatures": 1, "chains": 2, "seed": 0, **DOUBLE}
    own["start"] = (means, np.tile(np.log(variances), (len(x), 1)))
    exact = linear.log_likelihood(x)
    below = annealed_log_likelihood(decode, x, NOISE_VARIANCE, n_latent=K, **own)
    above = reverse_annealed(decode, x, z @ rotation, NOISE_VARIANCE, **own)
    np.testing.assert_allclose(below.log_likelihood, exact, atol=1e-10)
    np.testing.assert_allclose(above.log_likelihood, exact, atol=1e-10)
    np.testing.assert_allclose(below.effective_sample_size, 2)


def test_the_same_seed_gives_the_same_bytes(linear, pairs):
    z, x = pairs

    def both(seed):
        own = {**SHORT, "chains": 3, "seed": seed}
        below = annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
        above = reverse_annealed(linear.decode, x, z, NOISE_VARIANCE, **own)
        return below.log_likelihood.tobytes(), above.log_likelihood.tobytes()

    torch.manual_seed(0)
    first = both(3)
    torch.manual_seed(1)
    assert both(3) == first
    assert not set(both(4)) & set(first)


def test_the_decoder_stays_as_it_is(pairs):
    network = torch.nn.Sequential(torch.nn.Linear(K, 4), torch.nn.ReLU(), torch.nn.Linear(4, D))
    before = [parameter.clone() for parameter in network.parameters()]
    z, x = pairs
    own = {**SHORT, "dtype": torch.float32}
    annealed_log_likelihood(network, x, NOISE_VARIANCE, n_latent=K, **own)
    reverse_annealed(network, x, z, NOISE_VARIANCE, **own)
    for parameter, old in zip(network.parameters(), before, strict=True):
        assert parameter.grad is None
        assert parameter.requires_grad
        assert torch.equal(parameter, old)


def test_simulated_data_have_the_models_moments(linear):
    z, x = simulate(linear.decode, 20_000, K, NOISE_VARIANCE, 0, torch.float64)
    np.testing.assert_allclose(z.T @ z / len(z), np.eye(K), atol=0.05)
    error = x - linear.decode(torch.as_tensor(z)).numpy()
    np.testing.assert_allclose(error.T @ error / len(x), NOISE_VARIANCE * np.eye(D), atol=0.02)


def test_the_schedule_is_fine_at_both_ends():
    betas = schedule(40)
    steps = betas.diff()
    assert betas[0] == 0
    assert betas[-1] == 1
    assert (steps > 0).all()
    torch.testing.assert_close(steps, steps.flip(0))
    assert steps[0] < 0.1 * steps[20]
    assert schedule(1).tolist() == [0, 1]


def test_trajectories_that_overflow_are_rejected(pairs):
    def decode(z):
        return torch.exp(200 * z[:, :1].square()).expand(-1, D)

    own = {**SHORT, "temperatures": 20}
    found = annealed_log_likelihood(decode, pairs[1], NOISE_VARIANCE, n_latent=K, **own)
    assert np.isfinite(found.acceptance).all()
    assert not np.isnan(found.log_likelihood).any()


def test_arguments_that_do_not_fit_are_named(linear, pairs):
    z, x = pairs
    own = {**SHORT, "chains": 0}
    with pytest.raises(ValueError, match="chains=0 must be at least 1"):
        annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    own = {**SHORT, "start": (z[1:], z[1:])}
    with pytest.raises(ValueError, match=r"start has shape \(5, 2\).* \(6, 2\)"):
        annealed_log_likelihood(linear.decode, x, NOISE_VARIANCE, n_latent=K, **own)
    with pytest.raises(ValueError, match=r"z_exact has shape \(5, 2\)"):
        reverse_annealed(linear.decode, x, z[1:], NOISE_VARIANCE, **SHORT)


def test_numbers_are_plain_floats(linear, pairs):
    found = annealed_log_likelihood(linear.decode, pairs[1], NOISE_VARIANCE, n_latent=K, **SHORT)
    numbers = found.numbers()
    assert {type(value) for value in numbers.values()} == {float}
    assert numbers["log_likelihood"] == pytest.approx(found.log_likelihood.mean())
    assert numbers["effective_sample_size"] == 1  # of one chain


def test_the_benchmark_has_a_row_for_each_decoder_and_start():
    rows = np.random.default_rng(0).normal(size=(20, 7))
    model, _ = deep.linvae_vae(Spectrum.from_data(rows), deep.Shape(7, (5,), 3), 10)
    effort = annealed.Effort(images=4, temperatures=(2, 5), chains=2, leapfrog_steps=2)
    found = annealed.part({"one": (model.eval(), rows)}, effort, ["optimised", "prior"])
    assert found.table["start"].tolist() == ["optimised", "prior"]
    for column in ("ELBO", "q optimised", "log p(x)", "annealed more, T = 2", "from above"):
        assert found.table[column].str.contains(" ± ").all()
    assert found.table["ELBO"].nunique() == 1
    assert found.table["annealed more, T = 5"].nunique() == 2
    text = found.markdown()
    assert "{" not in text
    assert "nan" not in text


def test_the_benchmark_names_a_model_without_its_hash():
    path = Path("/a/results/train/deep/mnist/k3/fixed-1/seed0/0123/model.safetensors")
    assert annealed.name_of(path) == "deep/mnist/k3/fixed-1/seed0"
    assert annealed.name_of(Path("model.safetensors")) == "model"
