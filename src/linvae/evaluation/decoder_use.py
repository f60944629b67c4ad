"""How many latents a decoder uses: with q optimised for each image, whatever its encoder does.

The encoder of a model that was trained by another bound than the ELBO need not be near the q of
largest ELBO, so that its KL measures no use.
"""

import math

import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.measure.collapse import kl_per_dimension
from linvae.measure.gaussian import Decode, Encode
from linvae.seeds import derive_seed
from linvae.training.adam import Adam, Group

__all__ = ["decoder_kl", "optimised_posterior"]

_STEPS, _DRAWS, _RATE = 400, 4, 0.05


def decoder_kl(
    encode: Encode,
    decode: Decode,
    data: NDArray,
    noise_variance: float,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> NDArray:
    """Return KL(q(z_i|x) || p(z_i)) of each datum and dimension, (n, k), at the q of largest ELBO.

    Parameters
    ----------
    encode, decode, dtype
        As in `linvae.measure.gaussian.measure`.
    data
        Shape (n, d).
    noise_variance
        sigma^2.
    seed
        Of the draws.
    """
    mean, log_variance = optimised_posterior(
        encode, decode, data, noise_variance, seed=seed, dtype=dtype
    )
    return kl_per_dimension(mean.double().numpy(), log_variance.double().exp().numpy())


def optimised_posterior(
    encode: Encode,
    decode: Decode,
    data: NDArray,
    noise_variance: float,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Maximise the ELBO over mean and log variance of q for each datum, the decoder held.

    Adam from the encoder's values, with its rate down to zero by half a cosine. As the gradient of
    the sum over data has one datum's in each row, the problems do not touch one another.

    Returns
    -------
    tuple
        Mean and log variance, (n, k) both. The rest is as in `decoder_kl`.

    References
    ----------
    Cremer, Li and Duvenaud (2018), *Inference suboptimality in variational autoencoders*.
    """
    generator = torch.Generator().manual_seed(derive_seed(seed, "optimised"))
    x = torch.as_tensor(data).to(dtype)
    with torch.no_grad():
        mean, log_variance = torch.broadcast_tensors(*encode(x))
    q = [part.detach().clone().requires_grad_() for part in (mean, log_variance)]
    # Far from its optimum a log variance has gradients so large that a long memory would hold it.
    adam = Adam([Group(q, betas=(0.9, 0.95))])
    for step in range(_STEPS):
        mean, log_variance = q
        noise = torch.randn((_DRAWS, *mean.shape), generator=generator, dtype=torch.float64)
        z = mean + torch.exp(0.5 * log_variance) * noise.to(dtype)
        error = sum((x - decode(each)).square().sum() for each in z) / _DRAWS
        kl = 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance).sum()
        gradients = torch.autograd.grad(0.5 * error / noise_variance + kl, q)
        for part, gradient in zip(q, gradients, strict=True):
            part.grad = gradient
        adam.step(0.5 * _RATE * (1 + math.cos(math.pi * step / _STEPS)))
    return q[0].detach(), q[1].detach()
