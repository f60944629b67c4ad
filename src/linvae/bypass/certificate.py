"""The certificate of a VAE: how many nats a linear bypass of some of its latents still adds.

For the training objective the bypass is chosen and measured on all training data, by different
draws of z. For held-out data one half of them chooses and the other measures. Which latents are
cut is decided beforehand, by further draws on training data. A gain of more than 1 nat and 3
standard errors says that training has failed to find it; none says nothing of what is not linear.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.bypass.certified import KEPT, Certified, certified
from linvae.bypass.cut import choose_cut, nested_cuts
from linvae.measure.gaussian import Decode, Encode
from linvae.seeds import derive_seed
from linvae.shown import short_repr

__all__ = ["Certificate", "certificate"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What cutting some latents of a VAE and giving them a linear bypass gains.

    Attributes
    ----------
    cut : ndarray of bool, shape (k,)
        The latents.
    splits : dict of str to Certified
        ``train``, and ``test`` where held-out data were given.
    """

    cut: NDArray[np.bool_]
    splits: dict[str, Certified]

    __repr__ = short_repr


def certificate(
    encode: Encode,
    decode: Decode,
    data: Mapping[str, NDArray[np.floating]],
    mean_kl: NDArray[np.float64],
    noise_variance: float,
    *,
    chosen_on: NDArray[np.floating],
    kept: int | None = KEPT,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> Certificate:
    """Measure a VAE on each split.

    Parameters
    ----------
    encode, decode
        As `linvae.measure.gaussian.measure` takes them, on the CPU.
    data
        ``train``, and ``test`` if there is one, each of shape (n, d).
    mean_kl
        Of each latent on the training data, shape (k,): the order in which they may be cut.
    noise_variance
        Of p(x|z).
    chosen_on
        Training data, some of them, on which the cut is chosen: every candidate takes five passes.
    kept
        Values of residuals to keep in memory, as in `linvae.bypass.certified.certified`; None for
        all of them.
    seed, dtype
        Of the run, and of the model's arithmetic.
    """
    functions = (encode, decode)

    def options(purpose: str) -> dict[str, object]:
        return {"seed": derive_seed(seed, f"residual/{purpose}"), "dtype": dtype}

    cuts = nested_cuts(mean_kl)
    cut = choose_cut(*functions, chosen_on, cuts, noise_variance, **options("cut"))
    return Certificate(
        cut,
        {
            split: certified(
                *functions,
                rows,
                cut,
                noise_variance,
                held_out=split == "test",
                kept=rows.size if kept is None else kept,
                **options(split),
            )
            for split, rows in data.items()
        },
    )
