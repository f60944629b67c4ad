r"""Diagonal Gaussian posteriors q(z|x) of single data, and the ELBO that they reach.

The VAE is a pair of functions, as in `linvae.measure.gaussian`, whose noise is Gaussian. Values are
in nats per datum. All of them are averages of one quantity over draws of z from q(z|x), the log
weight

.. math:: \log p(x|z) + \log p(z) - \log q(z|x)

whose mean is the ELBO. It varies less than the reconstruction error does, and not at all where q is
the posterior.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.arrays import positive, whole
from linvae.measure.gaussian import Decode, Encode
from linvae.seeds import derive_seed
from linvae.shown import short_repr

__all__ = ["Posterior", "elbo_of", "encoded"]
# For the modules beside this one.
__all__ += ["batches", "count", "encode_batch", "log_weight", "mean_log_weights"]
__all__ += ["normal", "place_of", "stream"]

_MOST_ROWS = 512
_MOST_VALUES = 2**22


@dataclass(frozen=True, eq=False)
class Posterior:
    """A diagonal Gaussian q(z|x) for each datum.

    Attributes
    ----------
    mean : ndarray of shape (n, k)
    log_variance : ndarray of shape (n, k)
    start : ndarray of shape (n,), optional
        Where an optimised q comes from, as an index of `linvae.measure.inference.STARTS`.
    """

    mean: NDArray[np.float64]
    log_variance: NDArray[np.float64]
    start: NDArray[np.int64] | None = None

    __repr__ = short_repr

    @property
    def kl(self) -> NDArray[np.float64]:
        """KL(q(z_i|x) || p(z_i)) of each datum and latent, in nats, shape (n, k)."""
        excess = np.expm1(self.log_variance) - self.log_variance
        # Near the prior the difference is all round-off, which may fall below zero.
        return 0.5 * (self.mean**2 + np.maximum(excess, 0.0))


@torch.no_grad()
def encoded(
    encode: Encode, data: NDArray[np.floating], *, dtype: torch.dtype = torch.float32
) -> Posterior:
    """Return the q that the encoder gives to each datum of shape (n, d)."""
    places = [encode_batch(encode, x) for _, x in batches(data, dtype)]
    return Posterior(*torch.cat(places, 1).numpy())


@torch.no_grad()
def elbo_of(
    posterior: Posterior,
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    seed: int,
    draws: int = 200,
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.float64]:
    """Estimate the ELBO of each datum, shape (n,), without bias.

    Two posteriors of the same data are measured on the same draws where `seed` and `draws` are the
    same, so that their difference is more exact than either.

    Parameters
    ----------
    posterior
        Of the n data.
    decode
        Of tensors of shape (m, k).
    data : ndarray of shape (n, d)
    noise_variance
        Of p(x|z).
    seed
        Of the run. These draws are used for nothing else.
    draws
        Of z, for each datum, in antithetic pairs.
    dtype
        That the model computes in.

    Raises
    ------
    ValueError
        If `noise_variance` is not positive, `draws` not a positive whole number, or `posterior` of
        another number of data.
    """
    noise_variance, draws = positive("noise_variance", noise_variance), count("draws", draws)
    place, generator, found = place_of(posterior, len(data)), stream(seed, "elbo"), []
    for rows, x in batches(data, dtype):
        found.append(
            mean_log_weights(decode, x, place[None, :, rows], noise_variance, draws, generator)[0]
        )
    return torch.cat(found).numpy()


def mean_log_weights(
    decode: Decode,
    x: Tensor,
    places: Tensor,
    noise_variance: float,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Average the log weights of some posteriors over the same antithetic draws.

    Parameters
    ----------
    x : Tensor of shape (m, d)
    places : Tensor of shape (c, 2, m, k)
        Means and log variances of c posteriors of each datum.
    draws
        An odd number is rounded up.

    Returns
    -------
    Tensor of shape (c, m)
        In nats.
    """
    total = torch.zeros(places.shape[0], len(x), dtype=torch.float64)
    twice, pairs = x.repeat(2, 1), (draws + 1) // 2
    for _ in range(pairs):
        noise = normal(places.shape[2:], generator)
        noise = torch.cat([noise, -noise])
        for candidate, (mean, log_variance) in zip(total, places.repeat(1, 1, 2, 1), strict=True):
            z = mean + torch.exp(0.5 * log_variance) * noise
            value = log_weight(decode, twice, z, noise, 0.5 * log_variance.sum(1), noise_variance)
            candidate += value.view(2, -1).sum(0)
    return total / (2 * pairs)


def log_weight(
    decode: Decode,
    x: Tensor,
    z: Tensor,
    noise: Tensor,
    log_volume: Tensor,
    noise_variance: float,
) -> Tensor:
    """Log of p(x|z) p(z) / q(z|x) at one draw of z from a Gaussian q, shape (m,), in nats.

    Parameters
    ----------
    x : Tensor of shape (m, d)
    z : Tensor of shape (m, k)
    noise : Tensor of shape (m, k)
        The standard normal draws of which z is an affine map.
    log_volume : Tensor of shape (m,)
        Log of the determinant of that map.
    """
    error = (x - decode(z.to(x.dtype))).double().square().sum(1) / noise_variance
    constant = x.shape[1] * math.log(2 * math.pi * noise_variance)
    # Of log p(z) - log q(z|x) the factors of 2 pi cancel.
    return log_volume + 0.5 * ((noise.square() - z.square()).sum(1) - error - constant)


def encode_batch(encode: Encode, x: Tensor) -> Tensor:
    """Mean and log variance of q(z|x) in double precision, shape (2, m, k)."""
    return torch.stack([part.double() for part in encode(x)])


def batches(
    data: NDArray[np.floating], dtype: torch.dtype, copies: int = 1
) -> Iterator[tuple[slice, Tensor]]:
    """Give data in parts: which rows, and their values.

    The parts are so small that four of them in double precision, times `copies`, take less than
    200 MB.
    """
    size = max(1, min(_MOST_ROWS, _MOST_VALUES // (copies * data.shape[1])))
    for first in range(0, len(data), size):
        rows = slice(first, first + size)
        yield rows, torch.as_tensor(data[rows]).to(dtype)


def normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw standard normal numbers in double precision."""
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def stream(seed: int, purpose: str) -> torch.Generator:
    """Start the stream of draws that a purpose has to itself."""
    return torch.Generator().manual_seed(derive_seed(seed, f"inference/{purpose}"))


def count(name: str, value: int) -> int:
    """Return a whole number of at least one.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    found = whole(name, value)
    if found < 1:
        message = f"{name}={value!r} must be at least 1."
        raise ValueError(message)
    return found


def place_of(posterior: Posterior, n_data: int) -> Tensor:
    """Mean and log variance as one tensor of shape (2, n, k).

    Raises
    ------
    ValueError
        If the posterior is of another number of data.
    """
    place = torch.as_tensor(np.stack([posterior.mean, posterior.log_variance]))
    if place.shape[1] != n_data:
        message = f"posterior is of {place.shape[1]} data; data have {n_data} rows."
        raise ValueError(message)
    return place
