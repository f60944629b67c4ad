"""The VAE that a certificate promises, to be measured by sampling: an oracle of what it gains."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.bypass.linear_bypass import Bypass
from linvae.measure.gaussian import Decode, Encode

__all__ = ["enlarged"]


def enlarged(
    encode: Encode,
    decode: Decode,
    cut: NDArray[np.bool_],
    added: Bypass,
    *,
    draws: int,
    seed: int,
) -> tuple[Encode, Decode]:
    """Return the VAE whose cut latents carry a bypass, as a pair of functions.

    Parameters
    ----------
    encode, decode, cut
        As in `linvae.bypass.cut.residuals`.
    added
        The bypass, of no more directions than latents are cut.
    draws, seed
        Of z, for the mean residual that the bypass encodes.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = torch.as_tensor(~cut)
    carriers = torch.as_tensor(np.flatnonzero(cut)[: len(added.variances)])
    arrays = (added.weights, added.encoder, added.shift, np.log(added.posterior_variance))
    weights, encoder, shift, log_added = (torch.as_tensor(array).double() for array in arrays)

    def encode_enlarged(x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = encode(x)
        spread, left = torch.exp(0.5 * log_variance), x.double() - shift
        for _ in range(draws):
            noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
            left = left - decode((mean + spread * noise) * kept).double() / draws
        mean, log_variance = mean.double() * kept, log_variance.expand(mean.shape).double() * kept
        mean[:, carriers] = left @ encoder.T
        log_variance[:, carriers] = log_added.expand(len(x), -1)
        return mean, log_variance

    def decode_enlarged(z: Tensor) -> Tensor:
        return decode(z * kept).double() + shift + z[..., carriers].double() @ weights.T

    return encode_enlarged, decode_enlarged
