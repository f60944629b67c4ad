"""Eigenvalues and eigenvectors of a covariance, from it or, where it lacks digits, from the data.

A covariance in double precision holds each eigenvalue with an error of round-off of the largest;
the singular values of the centred data have the same relative precision, and their squares twice
the digits.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPS", "of_covariance", "of_data"]

EPS = float(np.finfo(np.float64).eps)
# Entries that differ by less are equal, when the largest decides a sign.
_TIE = 1e-8


def of_covariance(
    covariance: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (d,), descending, and eigenvectors (d, d) of a symmetric matrix.

    Each value is off by some units of round-off of the largest: zeros may come out negative.
    """
    ascending, vectors = np.linalg.eigh(covariance)
    return ascending[::-1].copy(), _signed(vectors[:, ::-1])


def of_data(
    centred: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Do the same for the covariance of centred rows, which is not formed.

    A value is exactly zero where the decomposition, or rounding the data to float64, may have made
    as much of a zero.

    Parameters
    ----------
    centred : ndarray of shape (n, d)
    lengths : ndarray of shape (d,)
        Root of the sum of squares of each feature before centring.
    """
    n, d = centred.shape
    # Once more, since here round-off of the spread itself counts.
    triangle = np.linalg.qr(centred - centred.mean(axis=0), mode="r")
    _, values, rows = np.linalg.svd(triangle, full_matrices=True)
    rounding = EPS * np.sqrt(np.square(rows[: values.size]) @ np.square(lengths))
    values[values <= np.maximum(max(n, d) * EPS * values[0], rounding)] = 0.0
    eigenvalues = np.zeros(d)
    eigenvalues[: values.size] = np.square(values) / n
    return eigenvalues, _signed(rows.T)


def _signed(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvectors with a sign that depends neither on LAPACK nor on the order of the data."""
    sizes = np.abs(vectors)
    # The first of the largest: which of equal ones is found largest is a matter of round-off.
    first = (sizes >= (1.0 - _TIE) * sizes.max(axis=0)).argmax(axis=0)
    peaks = vectors[first, np.arange(vectors.shape[1])]
    return np.ascontiguousarray(vectors * np.where(peaks < 0, -1.0, 1.0))
