"""How many latents a decoder uses: with q optimised for each image, whatever its encoder does.

The encoder of a model that was trained by another bound than the ELBO need not be near the q of
largest ELBO, so that its KL measures no use.
"""

import torch
from numpy.typing import NDArray

from linvae.measure.gaussian import Decode, Encode
from linvae.measure.inference import optimised

__all__ = ["decoder_kl"]


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
    return optimised(encode, decode, data, noise_variance, seed=seed, dtype=dtype).kl
