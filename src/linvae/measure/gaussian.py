"""What any VAE with Gaussian observation noise makes of data, from its encoder and decoder alone.

The VAE is a pair of functions: ``encode`` gives mean and log variance of q(z|x), ``decode`` the
mean of p(x|z). Nothing here asks what is inside of them, so that models that linvae did not train
are measured by the same code. Values are in nats per datum.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.shown import short_repr

__all__ = ["Decode", "Encode", "Measured", "importance_weighted", "measure"]

Encode = Callable[[Tensor], tuple[Tensor, Tensor]]
Decode = Callable[[Tensor], Tensor]

_CHUNK = 512


@dataclass(frozen=True, eq=False)
class Measured:
    """What a model makes of a data set.

    Attributes
    ----------
    kl : ndarray of shape (n, k)
        KL(q(z_i|x) || p(z_i)) of each datum and dimension, in nats.
    squared_error : ndarray of shape (n,)
        E_q ||x - f(z)||^2 in squared data units, averaged over draws.
    n_features : int
        d.
    """

    kl: NDArray[np.float64]
    squared_error: NDArray[np.float64]
    n_features: int

    __repr__ = short_repr

    def elbo(self, noise_variance: float) -> NDArray[np.float64]:
        """ELBO of each datum, shape (n,), at a noise variance."""
        log_scale = self.n_features * math.log(2 * math.pi * noise_variance)
        return -0.5 * (self.squared_error / noise_variance + log_scale) - self.kl.sum(1)

    @property
    def tuned_noise_variance(self) -> float:
        """The noise variance of largest ELBO, the weights held: E ||x - f(z)||^2 / d."""
        return float(self.squared_error.mean()) / self.n_features


@torch.no_grad()
def measure(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    *,
    draws: int,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> Measured:
    """Encode all data (n, d), and decode some draws of z for each.

    Parameters
    ----------
    encode, decode
        Of tensors of shape (m, d) and (m, k).
    draws
        Of z, for each datum.
    seed
        Of the draws: the first 63 bits of whatever names them, as `linvae.seeds.derive_seed` gives.
    dtype
        That the model computes in.

    References
    ----------
    Lucas et al. (2019), equations 1 and 7.
    """
    generator = torch.Generator().manual_seed(seed)
    divergences, errors = [], []
    for x in _batches(data, dtype):
        mean, log_variance = (part.double() for part in encode(x))
        divergences.append(0.5 * (mean.square() + torch.expm1(log_variance) - log_variance))
        error = torch.zeros(len(x), dtype=torch.float64)
        for _ in range(draws):
            z = _draw(mean, log_variance, generator)[0]
            error += (x - decode(z.to(dtype))).double().square().sum(1)
        errors.append(error / draws)
    # Near the prior the difference is all round-off, which may fall below zero.
    kl = torch.cat(divergences).clamp_min(0.0).numpy()
    return Measured(kl, torch.cat(errors).numpy(), data.shape[1])


@torch.no_grad()
def importance_weighted(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    draws: int,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.float64]:
    r"""Importance-weighted estimate of log p(x) of each datum, shape (n,).

    .. math:: \log \frac{1}{K} \sum_j \frac{p(x|z_j) p(z_j)}{q(z_j|x)}, \quad z_j \sim q(z|x)

    Its expectation is a lower bound of log p(x), no smaller than the ELBO, and rises with K.

    Parameters
    ----------
    encode, decode, data, seed, dtype
        As in `measure`.
    noise_variance
        Of p(x|z).
    draws
        K.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), *Importance weighted autoencoders*, equation 8.
    """
    generator = torch.Generator().manual_seed(seed)
    constant = -0.5 * data.shape[1] * math.log(2 * math.pi * noise_variance)
    found = []
    for x in _batches(data, dtype):
        mean, log_variance = (part.double() for part in encode(x))
        log_weights = []
        for _ in range(draws):
            z, noise = _draw(mean, log_variance, generator)
            error = (x - decode(z.to(dtype))).double().square().sum(1)
            # log p(z) - log q(z|x): the factors of 2 pi cancel.
            prior = 0.5 * (noise.square() - z.square() + log_variance).sum(1)
            log_weights.append(constant - 0.5 * error / noise_variance + prior)
        found.append(torch.logsumexp(torch.stack(log_weights), 0) - math.log(draws))
    return torch.cat(found).numpy()


def _batches(data: NDArray[np.floating], dtype: torch.dtype) -> Iterator[Tensor]:
    for start in range(0, len(data), _CHUNK):
        yield torch.as_tensor(data[start : start + _CHUNK]).to(dtype)


def _draw(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a draw of z, and the standard normal noise behind it, both (m, k)."""
    noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
    return mean + torch.exp(0.5 * log_variance) * noise, noise
