"""The certificate of one run: how many nats a linear bypass of some of its latents still adds.

For the training objective the bypass is chosen and measured on all training images, by different
draws of z. For held-out images one half of them chooses and the other measures. Which latents are
cut is decided beforehand, by further draws on training images. A gain of more than 1 nat and 3
standard errors says that training has failed to find it; none says nothing of what is not linear.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.bypass.certified import certified
from linvae.bypass.cut import choose_cut, nested_cuts
from linvae.bypass.linear_bypass import Bypass
from linvae.measure.gaussian import Decode, Encode
from linvae.seeds import derive_seed

__all__ = ["certificate"]

# The first training images, on which the cut is chosen.
N_CHOICE = 4000
SUFFIXES = {"train": "", "test": "_test"}


def certificate(
    encode: Encode,
    decode: Decode,
    data: Mapping[str, NDArray[np.float64]],
    mean_kl: NDArray[np.float64],
    noise_variance: float,
    seed: int,
    dtype: torch.dtype,
) -> tuple[dict[str, float], dict[str, NDArray]]:
    """Measure a VAE on both splits.

    Parameters
    ----------
    encode, decode
        As `linvae.measure.gaussian.measure` takes them, on the CPU.
    data
        ``train`` and ``test``, each of shape (n, d).
    mean_kl
        Of each latent on the training images, shape (k,): the order in which they may be cut.
    noise_variance
        Of p(x|z).
    seed, dtype
        Of the run, and of its arithmetic.

    Returns
    -------
    metrics
        ``residual_max``: the largest eigenvalue of the covariance of the mean residual over
        sigma^2. ``residual_gain``: what cutting ``residual_cut`` latents and adding a bypass of
        them gains, in nats per datum, with ``residual_gain_error`` over images;
        ``residual_change`` of it by the cut alone. The same with the suffix ``_test``, where the
        largest eigenvalue is the variance of one half along the first direction of the other.
    arrays
        ``eigenvalues`` of the training images and ``eigenvalues_test``, held out, by rank, in
        squared data units, and ``noise_variance``. Of the bypass for all training images ``cut``
        (k,), ``directions`` (d, m), ``variances`` (m,) and ``shift`` (d,), as in
        `linvae.bypass.linear_bypass.Bypass`.
    """
    functions = (encode, decode)
    options = {
        purpose: {"seed": derive_seed(seed, f"residual/{purpose}"), "dtype": dtype}
        for purpose in ("cut", *SUFFIXES)
    }
    some, cuts = data["train"][:N_CHOICE], nested_cuts(mean_kl)
    cut = choose_cut(*functions, some, cuts, noise_variance, **options["cut"])
    metrics: dict[str, float] = {"residual_cut": int(cut.sum())}
    arrays: dict[str, NDArray] = {"cut": cut, "noise_variance": np.array(noise_variance)}
    for split, end in SUFFIXES.items():
        rows = data[split]
        found = certified(
            *functions,
            rows,
            cut,
            noise_variance,
            held_out=split == "test",
            kept=rows.size,
            **options[split],
        )
        if split == "train":
            arrays |= _stored(found.bypass)
        arrays[f"eigenvalues{end}"] = found.eigenvalues
        metrics |= {
            f"residual_max{end}": float(found.eigenvalues[0]) / noise_variance,
            f"residual_gain{end}": float(found.net.mean()),
            f"residual_gain{end}_error": float(found.net.std(ddof=1) / math.sqrt(len(rows))),
            f"residual_change{end}": float(found.change.mean()),
        }
    return metrics, arrays


def _stored(made: Bypass) -> dict[str, NDArray[np.float32]]:
    names = ("directions", "variances", "shift")
    return {name: getattr(made, name).astype(np.float32) for name in names}
