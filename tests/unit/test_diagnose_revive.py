"""A revived model starts at the ELBO that its diagnosis promised, and can be trained on."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from linvae.diagnose import diagnose, noise_variance_of, revive

N, SIDE, K, NOISE = 800, 4, 6, 0.5
D = SIDE * SIDE


def images():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, 5)) * [3, 2.5, 2, 1.6, 1.3]
    rows = z @ np.linalg.qr(rng.normal(size=(D, 5)))[0].T + 0.3 * rng.normal(size=(N, D)) + 1
    return torch.as_tensor(rows).float().reshape(N, 1, SIDE, SIDE)


class VAE(nn.Module):
    """A perceptron of images, of which training has failed to use all but a latent or two."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.front = nn.Sequential(nn.Flatten(), nn.Linear(D, 32), nn.ReLU(), nn.Linear(32, 2 * K))
        self.back = nn.Sequential(nn.Linear(K, 32), nn.ReLU(), nn.Linear(32, D))

    def encode(self, x):
        return self.front(x).chunk(2, dim=1)

    def decode(self, z):
        return self.back(z).reshape(-1, 1, SIDE, SIDE)


def loss(x, x_hat, mean, log_variance):
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1)
    return ((x - x_hat).square().flatten(1).sum(1) + kl).mean()


def train(model, x, steps, rate=3e-3):
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        batch = x[torch.randint(0, N, (100,))]
        mean, log_variance = model.encode(batch)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        optimizer.zero_grad()
        loss(batch, model.decode(z), mean, log_variance).backward()
        optimizer.step()


@pytest.fixture(scope="module")
def case():
    x, model = images(), VAE()
    train(model, x, 60)
    return x, model, diagnose(x, model.encode, model.decode, NOISE)


def test_the_loss_is_of_this_noise_variance():
    assert noise_variance_of(loss, (1, SIDE, SIDE), K) == pytest.approx(NOISE)


def test_it_starts_at_the_elbo_that_was_promised(case):
    x, model, found = case
    assert found.kind == "failed"
    larger = revive(model.encode, model.decode, found)
    again = diagnose(x, larger.encode, larger.decode, NOISE)
    gained = again.train.elbo - found.train.elbo
    # The residual at the mean stands in for the mean residual.
    assert found.gain > 2
    assert 0.9 * found.gain < gained < found.gain + 3 * found.gain_error
    assert "past the networks" in repr(larger)


def test_a_random_bypass_starts_lower(case):
    x, model, found = case
    drawn = revive(model.encode, model.decode, found, start="random", seed=1)
    again = diagnose(x, drawn.encode, drawn.decode, NOISE)
    assert again.train.elbo < found.train.elbo + 0.5 * found.gain
    assert "random start" in repr(drawn)


def test_trained_on_its_latents_stay_alive_and_it_ends_above_a_control():
    x, model, control = images(), VAE(), VAE()
    train(model, x, 60)
    train(control, x, 60)
    found = diagnose(x, model.encode, model.decode, NOISE)
    larger = revive(model.encode, model.decode, found)
    n_before = sum(weights.numel() for weights in model.parameters())
    assert sum(weights.numel() for weights in larger.parameters()) > n_before
    for one in (larger, control):
        train(one, x, 150)
    ended = diagnose(x, larger.encode, larger.decode, NOISE)
    beside = diagnose(x, control.encode, control.decode, NOISE)
    carriers = np.flatnonzero(found.cut)[: len(found.bypass.variances)]
    assert len(carriers) >= 3
    assert (ended.train.mean_kl[carriers] > 0.1).all()
    error = math.hypot(ended.train.elbo_error, beside.train.elbo_error)
    assert ended.train.elbo > beside.train.elbo + min(1, 3 * error)


def test_its_parts_have_the_model_s_shapes(case):
    x, model, found = case
    larger = revive(model.encode, model.decode, found)
    x_hat, mean, log_variance = larger(x[:5])
    assert x_hat.shape == (5, 1, SIDE, SIDE)
    assert mean.shape == log_variance.shape == (5, K)
    loss(x[:5], x_hat, mean, log_variance).backward()
    assert all(weights.grad is not None for weights in larger.parameters())
    names = list(larger.state_dict())
    assert len(names) == len(set(names)) == len(model.state_dict()) + 6


def test_an_encoder_of_variances_and_shaped_latents_is_grafted_as_well(case):
    x, model, found = case

    def encode(x):
        mean, log_variance = model.encode(x)
        return mean[..., None], log_variance.exp()[..., None]

    def decode(z):
        return model.decode(z[..., 0])

    own = diagnose(x, encode, decode, NOISE, posterior="variance")
    assert own.gain == pytest.approx(found.gain, rel=1e-4)
    larger = revive(encode, decode, own)
    assert larger.encode(x[:3])[0].shape == (3, K, 1)
    again = diagnose(x, larger.encode, larger.decode, NOISE)
    assert again.train.elbo > found.train.elbo + 0.9 * found.gain


def test_what_cannot_be_grafted_is_refused(case):
    x, model, found = case
    with pytest.raises(ValueError, match="start='both' is unknown"):
        revive(model.encode, model.decode, found, start="both")
    with pytest.raises(ValueError, match="no torch module"):
        revive(lambda x: (x, x), lambda z: z, found)
    high = diagnose(x, model.encode, model.decode, 50.0)
    with pytest.raises(ValueError, match="no bypass to graft"):
        revive(model.encode, model.decode, high)
