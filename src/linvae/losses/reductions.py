"""The noise variance that a loss implies, and the loss that a noise variance asks for.

A loss a |x - f|^2 + b KL for each datum is, times 1 / b and but for a constant, the negative ELBO
of a Gaussian VAE of sigma^2 = b / (2 a).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["NoiseRange", "implied_noise_variance", "noise_variance_for"]


def implied_noise_variance(error_weight: float, kl_weight: float) -> float:
    r"""Noise variance of a loss of squared error and KL, sigma^2 = kl_weight / (2 error_weight).

    Parameters
    ----------
    error_weight
        Of the squared error summed over the features of a datum: 1 where it is summed, 1/2 where it
        is half the sum, 1 / d where it is the mean over d features.
    kl_weight
        Of the KL summed over the latents of a datum: 1 where it is summed, 1 / k where it is the
        mean over k latents, times beta; that of the end of training where it is annealed. What is
        taken over the batch, a sum or a mean, is taken of both and does not count.

    Raises
    ------
    ValueError
        If a weight is not positive and finite: of weight 0 is no VAE.
    """
    for name, weight in (("error_weight", error_weight), ("kl_weight", kl_weight)):
        if not (math.isfinite(weight) and weight > 0):
            told = " (weight 0 is no VAE: an autoencoder, or no data)" if weight == 0 else ""
            msg = f"{name}={weight!r} must be positive and finite{told}"
            raise ValueError(msg)
    return kl_weight / (2 * error_weight)


@dataclass(frozen=True)
class NoiseRange:
    """Noise variances at which the linear VAE's optimum uses m latents.

    Attributes
    ----------
    n_used : int
        m.
    lowest, highest : float
        lambda_{m+1} <= sigma^2 < lambda_m, in squared data units.
    """

    n_used: int
    lowest: float
    highest: float

    @property
    def noise_variance(self) -> float:
        """One of them: the geometric mean of the bounds, or half of the upper one if one is 0."""
        if math.isinf(self.highest):
            return 2 * self.lowest
        return math.sqrt(self.lowest * self.highest) if self.lowest > 0 else self.highest / 2

    def kl_weight(self, error_weight: float) -> float:
        """Weight of the KL that goes with a weight of the squared error: 2 a sigma^2."""
        return 2 * error_weight * self.noise_variance


def noise_variance_for(eigenvalues: ArrayLike, n_used: int) -> NoiseRange:
    """Noise variances at which linear theory would use m latents of some data.

    Parameters
    ----------
    eigenvalues
        Of the data's covariance, descending, shape (d,): `linvae.linear.spectrum.Spectrum`, or a
        `linvae.diagnose.Diagnosis`, has them.
    n_used
        m, from 0 to d.

    Raises
    ------
    ValueError
        If m is out of range, or lambda_m is no larger than lambda_{m+1}: no sigma^2 uses just m.
    """
    values = _with_ends(eigenvalues)
    if not 0 <= n_used < len(values) - 1:
        msg = f"n_used={n_used!r} must be from 0 to {len(values) - 2}, the number of eigenvalues"
        raise ValueError(msg)
    highest, lowest = float(values[n_used]), max(float(values[n_used + 1]), 0.0)
    if not highest > lowest:
        msg = (
            f"n_used={n_used}: the eigenvalues beside it are both {lowest:g}, so none uses as many"
        )
        raise ValueError(msg)
    return NoiseRange(n_used, lowest, highest)


def _with_ends(eigenvalues: ArrayLike) -> NDArray[np.float64]:
    return np.concatenate([[math.inf], np.asarray(eigenvalues, np.float64).ravel(), [0.0]])
