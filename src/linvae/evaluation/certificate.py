"""The certificate of one run: how many nats a linear bypass of some of its latents still adds.

For the training objective the bypass is chosen and measured on all training images, by different
draws of z. For held-out images one half of them chooses and the other measures. Which latents are
cut is decided beforehand, by further draws on training images. A gain of more than 1 nat and 3
standard errors says that training has failed to find it; none says nothing of what is not linear.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from linvae.bypass import Bypass, across_draws, across_images, bypass
from linvae.evaluation.residual import choose_cut, nested_cuts, residuals
from linvae.residual import DENSE, held_out_spectrum, spectrum
from linvae.seeds import derive_seed
from linvae.training.models import GaussianVAE

__all__ = ["certificate"]

# The first training images, on which the cut is chosen.
N_CHOICE = 4000
SUFFIXES = {"train": "", "test": "_test"}


def certificate(
    model: GaussianVAE,
    data: Mapping[str, NDArray[np.float64]],
    mean_kl: NDArray[np.float64],
    noise_variance: float,
    seed: int,
) -> tuple[dict[str, float], dict[str, NDArray]]:
    """Measure a model on both splits.

    Parameters
    ----------
    model
        On the CPU.
    data
        ``train`` and ``test``, each of shape (n, d).
    mean_kl
        Of each latent on the training images, shape (k,): the order in which they may be cut.
    noise_variance
        Of p(x|z).
    seed
        Of the run.

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
        `linvae.bypass.Bypass`.
    """
    functions = (model.encode, model.decode)
    options = {
        purpose: {
            "seed": derive_seed(seed, f"residual/{purpose}"),
            "dtype": model.units.mean.dtype,
        }
        for purpose in ("cut", *SUFFIXES)
    }
    some, cuts = data["train"][:N_CHOICE], nested_cuts(mean_kl)
    cut = choose_cut(*functions, some, cuts, noise_variance, **options["cut"])
    n_cut = int(cut.sum())
    metrics: dict[str, float] = {"residual_cut": n_cut}
    arrays: dict[str, NDArray] = {"cut": cut, "noise_variance": np.array(noise_variance)}
    for split, end in SUFFIXES.items():
        told = (*functions, data[split])
        as_it_is = residuals(*told, np.zeros_like(cut), noise_variance, **options[split])
        values = _by_rank(as_it_is.halves, split, len(cut))
        found = residuals(*told, cut, noise_variance, **options[split]) if n_cut else as_it_is
        if split == "train":
            gains = across_draws(found.groups, noise_variance, n_cut)
            arrays |= _stored(bypass(*found.halves, noise_variance, n_cut))
        else:
            gains = across_images(*found.halves, noise_variance, n_cut)
        net = found.change + gains
        arrays[f"eigenvalues{end}"] = values
        metrics |= {
            f"residual_max{end}": float(values[0]) / noise_variance,
            f"residual_gain{end}": float(net.mean()),
            f"residual_gain{end}_error": float(net.std(ddof=1) / math.sqrt(len(net))),
            f"residual_change{end}": float(found.change.mean()),
        }
    return metrics, arrays


def _by_rank(halves: tuple[NDArray, NDArray], split: str, n_latent: int) -> NDArray[np.float64]:
    """Return eigenvalues of the training images, or variances over held-out ones."""
    n_features = halves[0].shape[1]
    n_leading = n_features if n_features <= DENSE else n_latent
    return (spectrum if split == "train" else held_out_spectrum)(*halves, n_leading)


def _stored(made: Bypass) -> dict[str, NDArray[np.float32]]:
    names = ("directions", "variances", "shift")
    return {name: getattr(made, name).astype(np.float32) for name in names}
