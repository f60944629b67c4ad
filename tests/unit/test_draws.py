"""Draws that several cuts share: each cut is measured as alone, and nothing is decoded twice."""

import numpy as np
import pytest
import torch

from linvae.bypass.cut import Draws, choose_cut, nested_cuts, residuals

N, D, K, NOISE, SEED = 700, 7, 4, 0.3, 5
KL = np.array([0.001, 0.3, 0.05, 4.0])


class Counted:
    """A decoder, or encoder, that is not linear and counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, x):
        self.calls += 1
        return self.function(x)


@pytest.fixture
def model():
    generator = torch.Generator().manual_seed(0)
    reads = torch.randn((D, K), generator=generator, dtype=torch.float64)
    weights = torch.randn((K, D), generator=generator, dtype=torch.float64)
    encode = Counted(lambda x: (torch.tanh(x @ reads), -1 - 0.1 * (x @ reads).square()))
    return encode, Counted(lambda z: torch.sin(z) @ weights)


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(1).normal(size=(N, D))


def by_hand(model, x, cut, n_groups):
    """Residuals and change of the ELBO, written out datum by datum."""
    generator = torch.Generator().manual_seed(SEED)
    encode, decode = model
    groups, change = np.empty((n_groups, N, D)), np.zeros(N)
    # The study draws for 512 data at once.
    for start in range(0, N, 512):
        rows = slice(start, start + 512)
        mean, log_variance = (part.numpy() for part in encode(torch.as_tensor(x[rows])))
        kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
        change[rows] = kl[:, cut].sum(1)
        for group in groups:
            noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64).numpy()
            z = mean + np.exp(log_variance / 2) * noise
            before = x[rows] - decode(torch.as_tensor(z)).numpy()
            z[:, cut] = 0
            group[rows] = x[rows] - decode(torch.as_tensor(z)).numpy()
            lost = (group[rows] ** 2).sum(1) - (before**2).sum(1)
            change[rows] -= lost / (2 * NOISE) / n_groups
    return groups, change


def test_each_cut_is_measured_as_by_hand_in_any_order(model, data):
    draws = Draws(*model, data, n_groups=3, seed=SEED, dtype=torch.float64)
    cuts = nested_cuts(KL)
    for cut in [cuts[2], cuts[0], *cuts]:
        found = draws.residuals(cut, NOISE)
        groups, change = by_hand(model, data, cut, 3)
        np.testing.assert_allclose(found.groups, groups, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.change, change, rtol=1e-10, atol=1e-12)
        alone = residuals(*model, data, cut, NOISE, n_groups=3, seed=SEED, dtype=torch.float64)
        assert (alone.change == found.change).all()


def test_nothing_is_encoded_or_decoded_twice(model, data):
    encode, decode = model
    cuts = nested_cuts(KL)
    choose_cut(*model, data, cuts, NOISE, seed=SEED, dtype=torch.float64)
    batches, draws = 2, 2
    assert encode.calls == batches
    # As it is, and with each of the others.
    assert decode.calls == batches * draws * len(cuts)
    draws = Draws(*model, data, seed=SEED, dtype=torch.float64)
    encode.calls = decode.calls = 0
    draws.residuals(cuts[1], NOISE)
    assert (encode.calls, decode.calls) == (batches, batches * 4 * 2)
    draws.residuals(cuts[2], NOISE)
    assert (encode.calls, decode.calls) == (batches, batches * 4 * 3)
