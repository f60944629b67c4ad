"""How well decoder columns agree with principal components, as axes and as a subspace.

Columns have no natural sign or order, so they are matched one to one by the largest |cos| before
they are compared. A column of zero length has no direction: its cosine is zero.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import real

__all__ = [
    "Match",
    "axis_alignment_distance",
    "cos_matrix",
    "gram",
    "match",
    "mean_abs_cos",
    "subspace_distance",
]


class Match(NamedTuple):
    """Columns of one matrix in the order and with the signs of another's.

    Attributes
    ----------
    order : ndarray of shape (k,)
        order[i] is the column that is matched to reference column i.
    signs : ndarray of shape (k,)
        1.0 or -1.0, what makes the cosine of pair i non-negative.
    cosines : ndarray of shape (k,)
        |cos| of pair i.
    """

    order: NDArray[np.intp]
    signs: NDArray[np.float64]
    cosines: NDArray[np.float64]

    def apply(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reorder and flip the columns of a (d, k) matrix."""
        return weights[:, self.order] * self.signs


def cos_matrix(weights: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Cosines between all columns: entry (i, j) is of weights column i and reference column j.

    Parameters
    ----------
    weights : array_like of shape (d, k)
    reference : array_like of shape (d, m)

    Returns
    -------
    ndarray of shape (k, m)
    """
    w, r = _columns(weights), _columns(reference)
    if w.shape[0] != r.shape[0]:
        message = f"weights {w.shape} and reference {r.shape} must have the same number of rows."
        raise ValueError(message)
    return np.clip(_normalised(w).T @ _normalised(r), -1.0, 1.0)


def match(weights: ArrayLike, reference: ArrayLike) -> Match:
    """Pair columns one to one so that the sum of |cos| is largest.

    Parameters
    ----------
    weights : array_like of shape (d, k)
    reference : array_like of shape (d, m)
        Only the first k columns are used; m >= k.
    """
    # Here, as its import takes longer than most else that this module is used for.
    from scipy.optimize import linear_sum_assignment

    cosines = cos_matrix(weights, _leading(reference, _columns(weights).shape[1]))
    columns, order = linear_sum_assignment(np.abs(cosines).T, maximize=True)
    paired = cosines[order, columns]
    return Match(order, np.where(paired < 0, -1.0, 1.0), np.abs(paired))


def mean_abs_cos(weights: ArrayLike, eigenvectors: ArrayLike) -> float:
    """Mean |cos| of k columns, matched one to one to the first k eigenvectors; 1 is perfect.

    Parameters
    ----------
    weights : array_like of shape (d, k)
    eigenvectors : array_like of shape (d, m)
        Columns in the order of descending eigenvalues, m >= k.
    """
    return float(match(weights, eigenvectors).cosines.mean())


def axis_alignment_distance(weights: ArrayLike, eigenvectors: ArrayLike) -> float:
    r"""Distance of columns from the first k principal axes, 0 if each axis has a column along it.

    .. math:: 1 - \frac{1}{k} \sum_i \max_j \frac{(u_i^T w_j)^2}{\|w_j\|^2}

    References
    ----------
    Bao, Lucas, Sachdeva and Grosse (2020), *Regularized linear autoencoders recover the principal
    components, eventually*, section 6.
    """
    cosines = cos_matrix(weights, _leading(eigenvectors, _columns(weights).shape[1]))
    return float(1.0 - np.max(cosines**2, axis=0).mean())


def subspace_distance(weights: ArrayLike, eigenvectors: ArrayLike) -> float:
    r"""Distance of the span of k columns from that of the first k eigenvectors, from 0 to 1.

    .. math:: 1 - \frac{1}{k} \mathrm{tr}(U U^T P_W)

    P_W projects onto the span of W. Columns that are zero or dependent shorten the span, and so
    add to the distance.

    References
    ----------
    Bao et al. (2020), section 6.
    """
    w = _columns(weights)
    overlap = _leading(eigenvectors, w.shape[1]).T @ _basis(w)
    return float(max(0.0, 1.0 - np.sum(overlap**2) / w.shape[1]))


def gram(weights: ArrayLike) -> NDArray[np.float64]:
    """Inner products of the columns, W^T W, of shape (k, k)."""
    w = _columns(weights)
    return w.T @ w


def _columns(matrix: ArrayLike) -> NDArray[np.float64]:
    """Return a finite float64 matrix with at least one column."""
    matrix = real("the matrix", matrix)
    if matrix.ndim != 2 or matrix.shape[1] < 1:
        message = f"a (d, k) matrix with k >= 1 is needed, not one of shape {matrix.shape}."
        raise ValueError(message)
    return matrix


def _leading(matrix: ArrayLike, n_columns: int) -> NDArray[np.float64]:
    """Return the first columns of a matrix that must have as many."""
    matrix = _columns(matrix)
    if matrix.shape[1] < n_columns:
        message = f"{n_columns} reference columns are needed, not {matrix.shape[1]}."
        raise ValueError(message)
    return matrix[:, :n_columns]


def _normalised(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale columns to length one, and leave zero columns as they are."""
    # Scaling by the largest entry first keeps the squares of tiny columns from underflowing.
    peaks = np.abs(matrix).max(axis=0)
    scaled = matrix / np.where(peaks > 0, peaks, 1.0)
    return scaled / np.where(peaks > 0, np.linalg.norm(scaled, axis=0), 1.0)


def _basis(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal basis of the span of the columns, whose lengths do not matter."""
    left, values, _ = np.linalg.svd(_normalised(matrix), full_matrices=False)
    tolerance = max(matrix.shape) * np.finfo(np.float64).eps * values[0]
    return left[:, values > tolerance]
