"""The noise variance of a loss: by arithmetic, by probing it, and by what its training uses."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from linvae.diagnose import (
    diagnose,
    implied_noise_variance,
    noise_variance_for,
    noise_variance_of,
)

N, D, K = 400, 12, 7
EIGENVALUES = np.array([20, 9, 4, 1.6, 0.8, 0.35, *[0.05] * 6])


def kl(mean, log_variance):
    """From torch's own distributions, for each latent."""
    q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))


def total(terms):
    """Sum over all but the first axis, and the mean over that."""
    return terms.flatten(1).sum(1).mean()


# Name, loss, and weights of the summed squared error and of the summed KL of a datum.
REDUCTIONS = {
    "sum, sum": (lambda x, y, m, s: ((x - y) ** 2).sum() + kl(m, s).sum(), 1, 1),
    "sum, sum, mean over the batch": (
        lambda x, y, m, s: total((x - y) ** 2) + total(kl(m, s)),
        1,
        1,
    ),
    "half sum": (lambda x, y, m, s: 0.5 * total((x - y) ** 2) + total(kl(m, s)), 0.5, 1),
    "mean over features": (lambda x, y, m, s: F.mse_loss(y, x) + total(kl(m, s)), 1 / D, 1),
    "both means": (lambda x, y, m, s: F.mse_loss(y, x) + kl(m, s).mean(), 1 / D, 1 / K),
    "beta": (lambda x, y, m, s: total((x - y) ** 2) + 4 * total(kl(m, s)), 1, 4),
    "annealed to a half": (lambda x, y, m, s: total((x - y) ** 2) + 0.5 * total(kl(m, s)), 1, 0.5),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_loss_tells_its_noise_variance(name):
    loss, error, weight = REDUCTIONS[name]
    implied = implied_noise_variance(error, weight)
    assert noise_variance_of(loss, D, K) == pytest.approx(implied, rel=1e-5)
    assert noise_variance_of(loss, (3, 2, 2), K) == pytest.approx(implied, rel=1e-5)
    in_single = lambda *batch: loss(*(part.float() for part in batch))  # noqa: E731
    assert noise_variance_of(in_single, D, K) == pytest.approx(implied, rel=2e-3)


def test_single_precision_is_enough_for_images():
    def loss(x, y, m, s):
        return F.mse_loss(y.float(), x.float()) + total(kl(m.float(), s.float()))

    assert noise_variance_of(loss, 784, 200) == pytest.approx(392, rel=2e-3)


def spectral_data():
    """Data whose own covariance has just the eigenvalues that are told."""
    rng = np.random.default_rng(0)
    white = np.linalg.qr(rng.normal(size=(N, D + 1)) @ np.eye(D + 1))[0]
    white -= white.mean(0)
    white = np.linalg.qr(white)[0][:, :D] * math.sqrt(N)
    return white * np.sqrt(EIGENVALUES) @ np.linalg.qr(rng.normal(size=(D, D)))[0] + 0.5


class LinearVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.back = nn.Linear(D, K), nn.Linear(K, D)
        self.log_variance = nn.Parameter(torch.zeros(K))

    def encode(self, x):
        return self.mean(x), self.log_variance.expand(len(x), -1)


def trained(loss, x, steps=900):
    """Train with a loss and nothing else."""
    torch.manual_seed(0)
    model = LinearVAE()
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        mean, log_variance = model.encode(x)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        optimizer.zero_grad()
        loss(x, model.back(z), mean, log_variance).backward()
        optimizer.step()
        schedule.step()
    return model


@pytest.mark.parametrize("name", REDUCTIONS)
def test_training_uses_as_many_latents_as_the_noise_variance_says(name):
    loss, error, weight = REDUCTIONS[name]
    x = torch.as_tensor(spectral_data()).float()
    model, variance = trained(loss, x), implied_noise_variance(error, weight)
    expected = int((EIGENVALUES > variance).sum())
    assert 1 < expected < K
    found = diagnose(x, model.encode, model.back, variance, epsilon=0.03)
    assert found.train.n_used == found.n_linear == expected
    assert found.kind == "nothing linear left"
    assert found.train.above_linear == pytest.approx(0, abs=0.3)
    assert found.data_eigenvalues == pytest.approx(EIGENVALUES, rel=1e-5)


LOG_STANDARD_DEVIATION = r"as a log standard deviation.* called with log_variance / 2"
REFUSED = {
    "cross-entropy, a discrete": lambda x, y, m, s: (
        F.binary_cross_entropy(y, x, reduction="sum") + kl(m, s).sum()
    ),
    "cross-entropy of logits": lambda x, y, m, s: (
        F.binary_cross_entropy_with_logits(y, x, reduction="sum") + kl(m, s).sum()
    ),
    "absolute error": lambda x, y, m, s: F.l1_loss(y, x, reduction="sum") + kl(m, s).sum(),
    "a root or a logarithm": lambda x, y, m, s: 0.5 * D * F.mse_loss(y, x).log() + total(kl(m, s)),
    "as a squared error does": lambda x, y, m, s: (
        F.smooth_l1_loss(y, x, reduction="sum", beta=0.05) + kl(m, s).sum()
    ),
    "free bits": lambda x, y, m, s: total((x - y) ** 2) + kl(m, s).mean(0).clamp_min(0.5).sum(),
    "depends on its size .* free bits": lambda x, y, m, s: (
        total((x - y) ** 2) + kl(m, s).clamp_min(0.5).sum()
    ),
    "a capacity": lambda x, y, m, s: total((x - y) ** 2) + 10 * (total(kl(m, s)) - 25).abs(),
    LOG_STANDARD_DEVIATION: lambda x, y, m, s: total((x - y) ** 2) + total(kl(m, 2 * s)),
    r"as a variance.* called with exp\(log_variance\)": lambda x, y, m, s: (
        total((x - y) ** 2) + total(0.5 * (m**2 + s - s.log()))
    ),
    "different weights: not one": lambda x, y, m, s: (
        total(torch.arange(1, D + 1) * (x - y) ** 2) + total(kl(m, s))
    ),
    "means and log variances": lambda x, y, m, s: (
        total((x - y) ** 2) + total(kl(m, s)) + total(m**2)
    ),
    "depend on the KL": lambda x, y, m, s: total((x - y) ** 2),
    "depend on the squared error": lambda x, y, m, s: total(kl(m, s)),
    "is it the ELBO itself": lambda x, y, m, s: -total((x - y) ** 2) - total(kl(m, s)),
    "one number": lambda x, y, m, s: ((x - y) ** 2).sum(1) + kl(m, s).sum(1),
    "two values": lambda x, y, m, s: total((x - y) ** 2) + total(kl(m, s)) + torch.rand(()),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_gaussian_elbo_is_refused_with_the_reason(reason):
    with pytest.raises(ValueError, match=reason) as told:
        noise_variance_of(REFUSED[reason], D, K)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("function", [torch.log, torch.sqrt])
def test_of_many_features_the_size_of_the_error_shows_its_root_or_logarithm(function):
    def loss(x, y, m, s):
        return 392 * function(F.mse_loss(y, x)) + total(kl(m, s))

    with pytest.raises(ValueError, match="a root or a logarithm"):
        noise_variance_of(loss, 784, K)


def test_a_loss_that_depends_on_the_batch_size_is_told():
    def loss(x, y, m, s):
        return F.mse_loss(y, x) + kl(m, s).sum()

    with pytest.raises(ValueError, match=r"depends on the batch size \(12 at 2, 24 at 4\)"):
        noise_variance_of(loss, D, K)
    assert noise_variance_of(loss, D, K, batch_size=32) == pytest.approx(32 * D / 2)


def test_a_loss_of_arrays_is_read_as_well():
    def loss(x, y, m, s):
        divergence = 0.5 * np.sum(np.square(m) + np.exp(s) - 1 - s, axis=1)
        return np.mean(np.sum((x - y) ** 2, axis=1) + divergence)

    def of_arrays_alone(*batch):
        if not all(isinstance(part, np.ndarray) for part in batch):
            raise TypeError
        return loss(*batch)

    assert noise_variance_of(of_arrays_alone, D, K) == pytest.approx(0.5)


@pytest.mark.parametrize("weights", [(0, 1), (1, 0), (-1, 1), (1, math.nan), (math.inf, 1)])
def test_weights_that_are_not_positive_are_no_vae(weights):
    with pytest.raises(ValueError, match="must be positive and finite"):
        implied_noise_variance(*weights)


@pytest.mark.parametrize("m", range(7))
def test_the_way_back_gives_a_noise_variance_that_uses_as_many(m):
    found = noise_variance_for(EIGENVALUES, m)
    assert (EIGENVALUES > found.noise_variance).sum() == m
    assert (EIGENVALUES > found.lowest).sum() == m
    error = 1 / D
    implied = implied_noise_variance(error, found.kl_weight(error))
    assert implied == pytest.approx(found.noise_variance)


def test_where_eigenvalues_are_equal_no_noise_variance_lies_between():
    with pytest.raises(ValueError, match="both 0.05"):
        noise_variance_for(EIGENVALUES, 8)
    with pytest.raises(ValueError, match="from 0 to 12"):
        noise_variance_for(EIGENVALUES, 13)
