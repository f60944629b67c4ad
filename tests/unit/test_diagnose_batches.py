"""Models that take batches of one size alone, and posteriors that are near the prior."""

import numpy as np
import pytest
import torch

from linvae.diagnose import diagnose
from linvae.diagnose.checks import check_posterior

N, D, K = 300, 6, 2
X = torch.randn(N, D, generator=torch.Generator().manual_seed(0)) * torch.arange(1, D + 1)
MATRIX = torch.randn(D, K, generator=torch.Generator().manual_seed(1)) / 8


def encode(x):
    return x @ MATRIX, 0 * x[:, :K] - 1


def decode(z):
    return z @ MATRIX.T


def strictly(function, size, seen):
    """Take so many rows and no others, as exported networks do."""

    def call(rows):
        seen.append(len(rows))
        if len(rows) != size:
            msg = "wrong size"
            raise RuntimeError(msg)
        return function(rows)

    return call


def by_shape(function, size, seen):
    """Give so many rows of whatever it gets: what is there no more, or what it repeats."""

    def call(rows):
        seen.append(len(rows))
        found = function(rows.repeat(-(-size // len(rows)), 1)[:size])
        return found

    return call


@pytest.mark.parametrize("limit", [strictly, by_shape])
@pytest.mark.parametrize("size", [5, 16, 100, 512, 700])
@pytest.mark.parametrize("which", ["encode", "decode", "both"])
def test_a_batch_of_fixed_size_is_always_full(limit, size, which):
    expected = diagnose(X, encode, decode, 0.5, draws=2, held_out=X[:50])
    seen = []
    functions = [
        limit(function, size, seen) if which in (function.__name__, "both") else function
        for function in (encode, decode)
    ]
    found = diagnose(X, *functions, 0.5, draws=2, held_out=X[:50], batch_size=size)
    for split in ("train", "held_out"):
        one, other = getattr(found, split), getattr(expected, split)
        assert one.elbo == pytest.approx(other.elbo, rel=1e-6)
        assert one.gain == pytest.approx(other.gain, rel=1e-4, abs=1e-4)
    # Another number of rows is tried once, and never again.
    others = [n for n in seen if n != size]
    assert len(others) <= 2 * len(set(others))


def test_one_of_fixed_size_that_looks_at_its_batch_is_refused():
    for name, function in {
        "encode": lambda x: (x @ MATRIX - (x @ MATRIX).mean(0), 0 * x[:, :K] - 1),
        "decode": lambda z: (z - z.mean(0)) @ MATRIX.T,
    }.items():
        own = {"encode": encode, "decode": decode, name: strictly(function, 64, [])}
        with pytest.raises(ValueError, match=f"{name} gives other values .* in another batch"):
            diagnose(X, own["encode"], own["decode"], 0.5, batch_size=64)


def test_what_fails_at_every_size_is_told_of_the_size_that_was_asked():
    with pytest.raises(ValueError, match=r"decode fails on a batch \(16, 2\).*wrong size"):
        diagnose(X, encode, strictly(decode, 31, []), 0.5, batch_size=32)


def collapsed(low, high, k=1):
    """Posteriors at about the prior, a little wider everywhere."""
    rng = np.random.default_rng(0)
    return 0.02 * rng.normal(size=(N, k)), rng.uniform(low, high, (N, k))


@pytest.mark.parametrize("bounds", [(0.01, 0.1), (0.06, 0.07), (0.001, 0.25), (-0.1, 0.1)])
@pytest.mark.parametrize("k", [1, 5])
def test_a_collapsed_latent_may_be_a_little_wider_than_the_prior(bounds, k):
    check_posterior(*collapsed(*bounds, k), "log_variance")


def test_such_a_model_is_diagnosed():
    def wide(x):
        return 0 * x[:, :1], 0.055 + 0.045 * torch.tanh(x[:, :1])

    found = diagnose(X, wide, lambda z: X.mean(0).expand(len(z), D), 0.5)
    assert found.train.n_used == 0
    # By quadrature-free algebra: KL(N(0, s^2) || N(0, 1)) = (s^2 - 1 - log s^2) / 2.
    log = wide(X)[1].double().numpy()
    assert found.train.kl == pytest.approx(0.5 * (np.exp(log) - 1 - log).mean(), rel=1e-4)


@pytest.mark.parametrize("kind", ["variance", "deviation"])
@pytest.mark.parametrize("variances", [[0.05], [0.05, 1.0], [1.0], [0.3, 0.1, 0.999], [0.7]])
def test_a_variance_that_is_given_for_its_logarithm_is_told(kind, variances):
    """At the end of training, E m^2 + E s^2 = 1 in every latent, used or not."""
    rng, variances = np.random.default_rng(0), np.array(variances)
    mean = rng.normal(size=(N, len(variances)))
    mean = (mean - mean.mean(0)) / mean.std(0) * np.sqrt(1 - variances)
    given = variances if kind == "variance" else np.sqrt(variances)
    given = given * rng.uniform(0.97, 1.03, mean.shape)
    with pytest.raises(ValueError, match="positive everywhere"):
        check_posterior(mean, given, "log_variance")
