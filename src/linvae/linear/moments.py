"""Where data lie and how far they spread: what a network's units need of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linvae.arrays import matrix
from linvae.shown import short_repr

__all__ = ["Moments"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and total variance of data.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    total_variance : float
        Sum of the variances of all features, divided by n: the trace of the covariance.
    """

    mean: NDArray[np.float64]
    total_variance: float

    __repr__ = short_repr

    @classmethod
    def of_data(cls, x: NDArray[np.float64]) -> "Moments":
        """Compute the moments of n rows of d features.

        Raises
        ------
        ValueError
            If `x` is not a matrix of finite numbers.
        """
        x = matrix("x", x)
        mean = x.mean(axis=0)
        return cls(mean, float(np.square(x - mean).sum() / len(x)))
