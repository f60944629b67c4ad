r"""Sums of a linear-Gaussian model in which nothing large cancels.

The forms that cost least subtract numbers of the size of tr S / s, and form M = W^T W + s I, which
loses what is smaller than round-off of the largest column. That is exact enough as long as tr S / s
is far below 1e16; beyond, these forms take over. With W = P diag(l) Q^T they are

.. math::
    x^T C^{-1} x = |x - P P^T x|^2 / s + \sum_i (P^T x)_i^2 / (l_i^2 + s)

and the like: sums of squares.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decoder", "squared_error", "would_cancel"]

# Nats: what round-off may make of the forms that cost less.
_TOLERANCE = 1e-9
_EPS = float(np.finfo(np.float64).eps)
# Squares of variances in between are float64 numbers.
_LOW, _HIGH = 1e-140, 1e140


def would_cancel(noise_variance: float, *sizes: float) -> bool:
    """Whether numbers of these sizes, in squared data units, lose digits that matter.

    Or their products leave the range of float64.
    """
    largest = max(sizes)
    return _EPS * sum(sizes) > _TOLERANCE * noise_variance or not _LOW < largest < _HIGH


class Decoder(NamedTuple):
    """Weights W = P diag(l) Q^T and the noise variance s, with r = min(d, k).

    Attributes
    ----------
    axes : ndarray of shape (d, r)
        P.
    lengths : ndarray of shape (r,)
        l.
    latent_axes : ndarray of shape (k, k)
        Q, its first r columns belonging to l.
    noise_variance : float
    """

    axes: NDArray[np.float64]
    lengths: NDArray[np.float64]
    latent_axes: NDArray[np.float64]
    noise_variance: float

    @classmethod
    def of(cls, weights: NDArray[np.float64], noise_variance: float) -> Self:
        """Decompose weights (d, k)."""
        d, k = weights.shape
        axes, lengths, latent = np.linalg.svd(weights, full_matrices=k > d)
        return cls(axes, lengths, latent.T, noise_variance)

    def log_determinant(self, size: int) -> float:
        """log|W W^T + s I| if `size` is d, and log|W^T W + s I| if it is k."""
        rest = (size - self.lengths.size) * math.log(self.noise_variance)
        return rest + float(np.log(np.square(self.lengths) + self.noise_variance).sum())

    def distances(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """x^T C^-1 x for every row x of a matrix (n, d), with C = W W^T + s I; shape (n,)."""
        along = rows @ self.axes
        rest = rows - along @ self.axes.T
        used = np.square(along) / (np.square(self.lengths) + self.noise_variance)
        return np.square(rest).sum(1) / self.noise_variance + used.sum(1)

    def encoder(self) -> NDArray[np.float64]:
        """M^-1 W^T, of shape (k, d)."""
        shrunk = self.lengths / (np.square(self.lengths) + self.noise_variance)
        return (self.latent_axes[:, : self.lengths.size] * shrunk) @ self.axes.T

    def posterior_covariance(self) -> NDArray[np.float64]:
        """Return s M^-1, of shape (k, k)."""
        squares = np.zeros(len(self.latent_axes))
        squares[: self.lengths.size] = np.square(self.lengths)
        shares = self.noise_variance / (squares + self.noise_variance)
        return (self.latent_axes * shares) @ self.latent_axes.T


def squared_error(
    weights: NDArray[np.float64],
    encoder: NDArray[np.float64],
    factor: NDArray[np.float64],
) -> float:
    """Mean squared error of a linear autoencoder, tr[(I - W V) S (I - W V)^T] for S = F F^T.

    Parameters
    ----------
    weights, encoder, factor : ndarray
        W (d, k), V (k, d) and F (d, r).
    """
    return float(np.square(factor - weights @ (encoder @ factor)).sum())
