"""The q of largest ELBO with the decoder held, against the closed form of a linear decoder."""

import numpy as np
import pytest
import torch

from linvae.evaluation.decoder_use import decoder_kl
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import kl_per_dimension

D, K, N, NOISE = 8, 4, 30, 0.5


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    scales = [3, 2, 1.5]
    x = rng.normal(size=(400, 3)) * scales @ np.linalg.qr(rng.normal(size=(D, 3)))[0].T
    x = x + 0.3 * rng.normal(size=x.shape)
    optimum = ppca.fit(Spectrum.from_data(x), K, NOISE)
    weights, mean = torch.as_tensor(optimum.weights), torch.as_tensor(optimum.mean)
    return x[:N], optimum, lambda z: z @ weights.T + mean


def wrong(x):
    """An encoder that uses no latent."""
    return torch.zeros(len(x), K, dtype=x.dtype), torch.zeros(len(x), K, dtype=x.dtype)


OPTIONS = {"seed": 0, "dtype": torch.float64}


def test_use_is_the_decoders(case):
    x, optimum, decode = case
    kl = decoder_kl(wrong, decode, x, NOISE, **OPTIONS)
    expected, covariance = optimum.posterior(x)
    wanted = kl_per_dimension(expected, np.diag(covariance))
    np.testing.assert_allclose(kl.mean(0), wanted.mean(0), atol=0.05)
    # A direction below sigma^2 is decoded by nobody.
    assert ((kl > 0.1).mean(0) > 0.01).tolist() == [True, True, True, False]


def test_it_is_the_same_twice(case):
    x, _, decode = case
    kl = decoder_kl(wrong, decode, x, NOISE, **OPTIONS)
    assert np.array_equal(decoder_kl(wrong, decode, x, NOISE, **OPTIONS), kl)
