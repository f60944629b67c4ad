"""The numbers of a VAE on one data set, beside those of the linear optimum on the same data.

Every VAE is measured by these functions, whoever trained it: the study's runs, their grafts, and
the models that users give to `linvae.diagnose`.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.measure.gaussian import Decode, Encode, Measured, measure
from linvae.seeds import derive_seed

__all__ = ["elbo_numbers", "measure_splits", "standard_error"]


def measure_splits(
    encode: Encode,
    decode: Decode,
    data: Mapping[str, NDArray[np.floating]],
    *,
    draws: int,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Measured]:
    """Measure a VAE on each split, by draws of its own.

    Parameters
    ----------
    encode, decode, draws, dtype
        As in `linvae.measure.gaussian.measure`.
    data
        By split, each of shape (n, d).
    seed
        Of the run: each split's draws follow from it and the split's name.
    """
    return {
        split: measure(
            encode,
            decode,
            rows,
            draws=draws,
            seed=derive_seed(seed, f"evaluate/{split}"),
            dtype=dtype,
        )
        for split, rows in data.items()
    }


def elbo_numbers(
    measured: Measured, noise_variance: float, linear_elbo: NDArray[np.float64]
) -> dict[str, float]:
    """ELBO of a VAE on a data set, its parts, and its distance from the linear optimum.

    Parameters
    ----------
    measured
        The VAE, on n data.
    noise_variance
        sigma^2.
    linear_elbo
        ELBO of the linear optimum for each of the same data, in nats, shape (n,).

    Returns
    -------
    dict
        In nats per datum, ``*_error`` a standard error over data: ``elbo``, ``elbo_error``, ``kl``,
        ``tuned_elbo`` (at ``tuned_noise_variance``, the best sigma^2 for these weights),
        ``linear_elbo``, and ``above_linear`` with ``above_linear_error``, the difference paired by
        datum. ``reconstruction`` is E_q |x - f(z)|^2 in squared data units.
    """
    elbo = measured.elbo(noise_variance)
    above, tuned = elbo - linear_elbo, measured.tuned_noise_variance
    return {
        "elbo": float(elbo.mean()),
        "elbo_error": standard_error(elbo),
        "kl": float(measured.kl.sum(1).mean()),
        "reconstruction": float(measured.squared_error.mean()),
        "tuned_noise_variance": tuned,
        # Only round-off could make it the smaller.
        "tuned_elbo": max(float(elbo.mean()), float(measured.elbo(tuned).mean())),
        "linear_elbo": float(linear_elbo.mean()),
        "above_linear": float(above.mean()),
        "above_linear_error": standard_error(above),
    }


def standard_error(values: NDArray[np.float64]) -> float:
    """Return the standard error of a mean over data."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))
