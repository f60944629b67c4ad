"""The sufficient statistics of a linear-Gaussian model: mean, covariance and its eigensystem."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.files import read_arrays, write_arrays

__all__ = ["Spectrum"]

_ARRAYS = ("mean", "covariance", "eigenvalues", "eigenvectors", "n_samples")


@dataclass(frozen=True, eq=False)
class Spectrum:
    r"""Mean and covariance of a data set, with the covariance's eigendecomposition.

    .. math:: S = \frac{1}{n} \sum_i (x_i - \mu)(x_i - \mu)^T = U \Lambda U^T

    The covariance divides by n: it is the maximum-likelihood estimate, not the unbiased one.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    covariance : ndarray of shape (d, d)
    eigenvalues : ndarray of shape (d,)
        Descending and non-negative; exactly zero from index n - 1 on, where n data have no spread.
    eigenvectors : ndarray of shape (d, d)
        Column j belongs to eigenvalue j; its entry of largest magnitude is positive.
    n_samples : int

    References
    ----------
    Tipping and Bishop (1999), *Probabilistic Principal Component Analysis*, equation 5.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]
    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    n_samples: int

    @classmethod
    def from_data(cls, x: ArrayLike) -> Self:
        """Compute the spectrum of n rows of d features.

        Parameters
        ----------
        x : array_like of shape (n, d)

        Raises
        ------
        ValueError
            If `x` is not a matrix of at least two rows and one column of finite numbers.
        """
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[0] < 2 or x.shape[1] < 1:
            message = f"x has shape {x.shape}; a (n, d) matrix with n >= 2 and d >= 1 is needed."
            raise ValueError(message)
        if not np.isfinite(x).all():
            bad_row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
            message = f"x holds a value that is not finite (first in row {bad_row})."
            raise ValueError(message)
        mean = x.mean(axis=0)
        centred = x - mean
        covariance = centred.T @ centred / x.shape[0]
        return cls(mean, covariance, *_eigensystem(covariance, x.shape[0]), x.shape[0])

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return self.eigenvalues.shape[0]

    @property
    def total_variance(self) -> float:
        """Trace of the covariance, the sum of all eigenvalues."""
        return float(np.trace(self.covariance))

    def save(self, path: str | Path) -> None:
        """Write the spectrum to a `.npz` file, atomically."""
        write_arrays(path, **{name: np.asarray(getattr(self, name)) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a spectrum that `save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, lacks an array, or holds arrays that do not fit together.
        """
        arrays = read_arrays(path)
        d = arrays["mean"].size if "mean" in arrays else 0
        expected = dict(zip(_ARRAYS, [(d,), (d, d), (d,), (d, d), ()], strict=True))
        shapes = {name: arrays[name].shape for name in _ARRAYS if name in arrays}
        if shapes != expected:
            message = (
                f"{path} is not a spectrum: it holds {shapes}, where {expected} is needed; "
                "delete it and run again"
            )
            raise ValueError(message)
        fields = {name: arrays[name].astype(np.float64) for name in _ARRAYS}
        return cls(**{**fields, "n_samples": int(arrays["n_samples"])})


def _eigensystem(
    covariance: NDArray[np.float64], n_samples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, descending, and eigenvectors with a sign that does not depend on LAPACK."""
    ascending, vectors = np.linalg.eigh(covariance)
    eigenvalues = np.clip(ascending[::-1], 0.0, None)
    # n centred rows span at most n - 1 directions: what is left there is round-off.
    eigenvalues[max(n_samples - 1, 0) :] = 0.0
    vectors = vectors[:, ::-1]
    peaks = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return eigenvalues, np.ascontiguousarray(vectors * np.where(peaks < 0, -1.0, 1.0))
