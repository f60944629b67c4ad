"""What a better encoder would find: q(z|x) optimised for each datum, with the decoder held.

The ELBO of a VAE is below log p(x) for two reasons. Its encoder gives a datum a q that is not the
best of its family (the amortisation gap), and the family of diagonal Gaussians does not hold the
posterior (the approximation gap). `linvae.measure.inference_gap` measures both.

References
----------
Cremer, Li and Duvenaud (2018), *Inference suboptimality in variational autoencoders*.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.arrays import positive
from linvae.measure.gaussian import Decode, Encode
from linvae.measure.posterior import (
    Posterior,
    batches,
    count,
    encode_batch,
    mean_log_weights,
    normal,
    stream,
)

__all__ = ["STARTS", "optimised"]

# What `Posterior.start` counts: the encoder's own q, or the start of an optimisation.
STARTS = ("encoder, not optimised", "encoder", "prior")

_FIRST_RATE = 0.1
_DECAYS = (0.9, 0.95)
# Slopes below it, in nats, are followed in proportion. They are worth half their square, at most.
_LEAST_SLOPE = 1e-2
# Log variances start from within: they fall in a few steps, but rise slowly.
_RANGE = (-4.0, 2.0)


@torch.no_grad()
def optimised(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    seed: int,
    steps: int = 200,
    draws: int = 64,
    dtype: torch.dtype = torch.float32,
) -> Posterior:
    """Optimise q for each datum, from the encoder's q and from the prior, and keep the best.

    The encoder's own q is the third candidate. The draws on which they are compared serve nothing
    else: `linvae.measure.posterior.elbo_of` reports on draws of its own, so that the choice does
    not flatter the result.

    Parameters
    ----------
    encode, decode
        Of tensors of shape (m, d) and (m, k). Gradients flow through `decode` to z, and to nothing
        else.
    data : ndarray of shape (n, d)
    noise_variance
        Of p(x|z).
    seed
        Of the run: all draws follow from it.
    steps
        Of each optimisation, on one antithetic pair of draws each.
    draws
        On which the candidates are compared.
    dtype
        That the model computes in.

    Raises
    ------
    ValueError
        If `noise_variance` is not positive, a count not a positive whole number, or no gradient
        flows through `decode`.
    """
    noise_variance = positive("noise_variance", noise_variance)
    steps, draws = count("steps", steps), count("draws", draws)
    climbing, comparing = stream(seed, "optimise"), stream(seed, "compare")
    kept, starts = [], []
    for _, x in batches(data, dtype):
        own = encode_batch(encode, x)
        both = torch.cat([own, torch.zeros_like(own)], 1)
        found = _climb(decode, x.repeat(2, 1), both, noise_variance, steps, climbing)
        candidates = torch.stack([own, *found.chunk(2, 1)])
        elbo = mean_log_weights(decode, x, candidates, noise_variance, draws, comparing)
        # A candidate that left the range of numbers is never the best.
        best = torch.where(elbo.isnan(), -math.inf, elbo).argmax(0)
        kept.append(candidates[best, :, torch.arange(len(x))].unbind(1))
        starts.append(best)
    mean, log_variance = (torch.cat(parts).numpy() for parts in zip(*kept, strict=True))
    return Posterior(mean, log_variance, torch.cat(starts).numpy())


def _climb(
    decode: Decode,
    x: Tensor,
    place: Tensor,
    noise_variance: float,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """Climb the ELBO of each row from `place`, mean and log variance of shape (2, m, k).

    Means climb by Adam with steps that fall to zero. Precisions follow the natural gradient: they
    are the running average of the curvature that they should equal, late steps counting for more.
    """
    mean, log_variance = place[0].clone(), place[1].clamp(*_RANGE)
    first, second = torch.zeros_like(mean), torch.zeros_like(mean)
    directions = _directions(mean.shape[1], generator)
    for step, noise in zip(range(steps), directions, strict=False):
        by_mean, by_log_variance = _slopes(decode, x, mean, log_variance, noise, noise_variance)
        first.lerp_(by_mean, 1 - _DECAYS[0])
        second.lerp_(by_mean.square(), 1 - _DECAYS[1])
        size = (second / (1 - _DECAYS[1] ** (step + 1))).sqrt() + _LEAST_SLOPE
        rate = 0.5 * _FIRST_RATE * (1 + math.cos(math.pi * step / steps))
        mean += rate / (1 - _DECAYS[0] ** (step + 1)) * first / size
        # With this share of the newest, an average weighs steps in proportion to their number.
        growth = -2.0 * by_log_variance * 2.0 / (step + 3)
        # A precision is multiplied by 1 + growth; where that might be negative, by its exponential.
        log_growth = torch.where(growth > 0, growth.clamp_min(0).log1p(), growth.clamp_min(-1))
        log_variance -= log_growth
    return torch.stack([mean, log_variance])


def _directions(k: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Draw standard normal vectors (k,), of which each k in a row are orthogonal to each other.

    Averaged over k of them, products of two latents nearly vanish, as they do in expectation: they
    are what makes an estimate of curvatures noisy. All data share the vectors.

    References
    ----------
    Yu et al. (2016), *Orthogonal random features*, section 3.
    """
    while True:
        for axis in torch.linalg.qr(normal((k, k), generator))[0]:
            yield axis * normal((k,), generator).norm()


def _slopes(
    decode: Decode,
    x: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    noise: Tensor,
    noise_variance: float,
) -> tuple[Tensor, Tensor]:
    """Estimate the ELBO's gradients by mean and log variance, (m, k), on an antithetic pair.

    The part of log q through its parameters has mean zero and is left out: without it the gradient
    does not vary where q is the posterior.

    References
    ----------
    Roeder, Wu and Duvenaud (2017), *Sticking the landing*, equation 8.
    """
    shift = torch.exp(0.5 * log_variance) * noise
    z = torch.cat([mean + shift, mean - shift])
    above, below = (_error_slope(decode, x.repeat(2, 1), z, noise_variance) - z).chunk(2)
    by_log_variance = 0.5 * (0.5 * shift * (above - below) + noise.square())
    return 0.5 * (above + below), by_log_variance


@torch.enable_grad()
def _error_slope(decode: Decode, x: Tensor, z: Tensor, noise_variance: float) -> Tensor:
    """Gradient of log p(x|z) by z, shape (m, k)."""
    z = z.to(x.dtype).detach().requires_grad_()
    decoded = decode(z)
    slope = None
    if decoded.requires_grad:
        loss = (x - decoded).square().sum() * (-0.5 / noise_variance)
        # By z alone: parameters that require gradients get none.
        (slope,) = torch.autograd.grad(loss, z, allow_unused=True)
    if slope is None:
        message = "decode gives no gradient by z; it must not detach it or run under torch.no_grad."
        raise ValueError(message)
    return slope.double()
