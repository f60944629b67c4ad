"""The sufficient statistics of a linear-Gaussian model: mean, covariance and its eigensystem."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import matrix, real, whole
from linvae.files import read_arrays, write_arrays
from linvae.linear.eigensystem import EPS, of_covariance, of_data

__all__ = ["Spectrum"]

_ARRAYS = ("mean", "covariance", "eigenvalues", "eigenvectors", "n_samples")
# Above this share of the largest, the covariance gives an eigenvalue to nine digits or more.
_TRUSTED = 1e-6
# Steps between neighbouring numbers at the mean, in deviations, that are allowed.
_COARSEST = 1e-2

_log = logging.getLogger(__name__)


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
        Descending and non-negative; exactly zero where round-off is all there is: from index n - 1
        on, where n data have no spread, and wherever rounding the data or decomposing them may
        have made as much.
    eigenvectors : ndarray of shape (d, d)
        Column j belongs to eigenvalue j; its entry of largest magnitude is positive, the first of
        those that are equal. Where eigenvalues are equal, the directions are arbitrary.
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

        The eigenvalues are exact to nine digits or more, also those that the covariance itself
        cannot hold, with fifteen digits of the largest: those are found from the data.

        Parameters
        ----------
        x : array_like of shape (n, d)

        Raises
        ------
        ValueError
            If `x` is not a matrix of at least two rows and one column of finite numbers, its
            variances leave the range of float64, or a feature lies so far from zero that float64
            holds its deviations in steps of more than a hundredth.
        """
        x = matrix("x", x)
        n, d = x.shape
        if n < 2 or d < 1:
            message = f"x has shape {x.shape}; a (n, d) matrix with n >= 2 and d >= 1 is needed."
            raise ValueError(message)
        # Only numbers that are refused overflow here.
        with np.errstate(over="ignore", invalid="ignore"):
            mean, centred, covariance = _moments(x)
        _require_range(covariance, centred)
        _require_digits(x, mean, covariance)
        eigenvalues, eigenvectors = of_covariance(covariance)
        rank = min(n - 1, d)
        # What rounding the data to float64 may have made, with room for the same nine digits.
        rounding = np.square(EPS * mean).max() / _TRUSTED
        if eigenvalues[rank - 1] < max(_TRUSTED * eigenvalues[0], rounding):
            eigenvalues, eigenvectors = of_data(centred, np.linalg.norm(x, axis=0))
            _tell_unresolved(eigenvalues)
        # n centred rows span at most n - 1 directions: what is left there is round-off.
        eigenvalues[rank:] = 0.0
        return cls(mean, covariance, eigenvalues, eigenvectors, n)

    @classmethod
    def from_covariance(cls, covariance: ArrayLike, mean: ArrayLike, n_samples: int) -> Self:
        """Compute the spectrum where the data are not at hand.

        An eigenvalue below d units of round-off of the largest cannot be told from zero, and is
        taken for zero; a warning is logged.

        Parameters
        ----------
        covariance : array_like of shape (d, d)
            Symmetric, divided by n.
        mean : array_like of shape (d,)
        n_samples : int
            n, at least 2.

        Raises
        ------
        ValueError
            If shapes do not fit, or the covariance is not symmetric or has a negative eigenvalue.
        """
        mean, n_samples = real("mean", mean), whole("n_samples", n_samples)
        s = matrix("covariance", covariance, mean.size)
        if mean.ndim != 1 or s.shape[0] != mean.size or n_samples < 2:
            message = (
                f"covariance has shape {s.shape}, mean {mean.shape}, n_samples={n_samples}; "
                "(d, d), (d,) and at least 2 are needed."
            )
            raise ValueError(message)
        _require_range(s, s)
        eigenvalues, eigenvectors = of_covariance(s)
        unknown = mean.size * EPS * eigenvalues[0]
        if np.abs(s - s.T).max() > unknown or eigenvalues[-1] < -unknown:
            message = (
                "covariance must be symmetric and without negative eigenvalues, and is "
                f"{np.abs(s - s.T).max():.3g} away from symmetry, with {eigenvalues[-1]:.3g}."
            )
            raise ValueError(message)
        if (lost := np.count_nonzero(eigenvalues[: n_samples - 1] <= unknown)) and unknown > 0:
            _log.warning(
                "%d eigenvalues below %.3g, which a covariance with the eigenvalue %.3g does not "
                "resolve, count as zero; compute the spectrum from the data if they matter",
                *(lost, unknown, eigenvalues[0]),
            )
        eigenvalues[eigenvalues <= unknown] = 0.0
        eigenvalues[n_samples - 1 :] = 0.0
        return cls(mean, s, eigenvalues, eigenvectors, n_samples)

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return self.eigenvalues.shape[0]

    @property
    def total_variance(self) -> float:
        """Trace of the covariance, the sum of all eigenvalues."""
        return float(np.trace(self.covariance))

    @property
    def factor(self) -> NDArray[np.float64]:
        """U Lambda^(1/2), of shape (d, d): S = F F^T, with all the digits of the eigenvalues."""
        return self.eigenvectors * np.sqrt(self.eigenvalues)

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


def _moments(
    x: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean (d,), centred rows (n, d) and covariance (d, d)."""
    mean = x.mean(axis=0)
    centred = x - mean
    covariance = centred.T @ centred / x.shape[0]
    # The mean is rounded to the size of the data. Where that shows beside their spread (a large
    # constant has none but it), the rows are centred again: what is left now has their own size.
    shift = centred.mean(axis=0)
    if (np.square(shift) > EPS * np.diag(covariance)).any():
        centred -= shift
        mean = mean + shift
        covariance = centred.T @ centred / x.shape[0]
    return mean, centred, covariance


def _require_range(covariance: NDArray[np.float64], spread: NDArray[np.float64]) -> None:
    """Raise ValueError where squares have left the range of float64."""
    largest = np.diag(covariance).max()
    if not np.isfinite(largest) or (largest == 0 and spread.any()):
        message = (
            f"the largest variance of a feature is {largest:.3g}, which float64 cannot hold: "
            "rescale the data."
        )
        raise ValueError(message)


def _require_digits(
    x: NDArray[np.float64], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> None:
    """Raise ValueError where the mean is no float64 number beside the spread around it."""
    deviations, steps = np.sqrt(np.diag(covariance)), np.spacing(np.abs(mean))
    # A constant has no spread, and its mean is rounded all the same.
    for j in np.flatnonzero(steps > _COARSEST * deviations):
        if np.ptp(x[:, j]) > 0:
            message = (
                f"feature {j} of x lies at {mean[j]:.3g} with a deviation of {deviations[j]:.3g},"
                f" which float64 holds in steps of {steps[j]:.2g}: subtract its offset before it is"
                " made a float."
            )
            raise ValueError(message)


def _tell_unresolved(eigenvalues: NDArray[np.float64]) -> None:
    """Warn where the covariance holds fewer than three digits of an eigenvalue."""
    known = eigenvalues[eigenvalues > 0]
    if known.size and known[-1] < 1e3 * eigenvalues.size * EPS * known[0]:
        _log.warning(
            "eigenvalues reach from %.3g down to %.3g, which the covariance does not resolve: "
            "what is trained from it does not see the smallest; closed forms do",
            *(known[0], known[-1]),
        )
