"""Leading eigenpairs of R = (A^T B + B^T A) / 2n by whichever way costs least.

A and B are centred, (n, d) each. R is d x d, and its rank at most 2n, or n where A is B: the small
side of the problem is the smaller of the two. Of a small side the whole matrix is decomposed; of a
large one the leading pairs alone are iterated for, on products with R, which is then not made.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, eigsh

__all__ = ["SMALL", "covariance", "leading_pairs", "leading_values"]

Array = NDArray[np.floating]
Pairs = tuple[NDArray[np.float64], NDArray[np.float64]]
# Up to it a decomposition takes a second.
SMALL = 1500
# Of more pairs than one in so many iterations cost more than the decomposition.
_SHARE = 5
# Pairs that are given whatever their values.
_FIRST = 32


def leading_pairs(a: Array, b: Array, n_leading: int, above: float = -np.inf) -> Pairs:
    """Return eigenvalues (m,), descending, and eigenvectors (d, m), as many as the rank allows.

    Parameters
    ----------
    a, b
        Centred, (n, d); one array twice where they are the same.
    n_leading
        How many are asked for.
    above
        Of pairs beyond the first 32 only those are given whose value is larger.
    """
    n, d = a.shape
    # Centred rows have one direction less, and d - 1 is what iterations can give.
    rank = (n if a is b else 2 * n) - (1 if a is b else 2)
    small = min(d, rank)
    n_leading = max(1, min(n_leading, small))
    n_first = min(n_leading, _FIRST) if above > -np.inf else n_leading
    if small > SMALL and n_first * _SHARE < small:
        return _cut(*_iterated(a, b, n_first, n_leading, above), above)
    if d <= rank:
        values, vectors = eigh(covariance(a, b), subset_by_index=[d - n_leading, d - 1])
        return _cut(values[::-1], vectors[:, ::-1], above)
    return _by_rows(a, b, n_leading, above)


def leading_values(a: Array, b: Array, n_leading: int, above: float) -> NDArray[np.float64]:
    """Return the eigenvalues alone, in the same way: decompositions are the cheaper for it."""
    n, d = a.shape
    if a is not b and 2 * n - 2 < d and 2 * n - 2 <= SMALL:
        return _by_rows(a, b, n_leading, above, with_vectors=False)[0]
    return leading_pairs(a, b, n_leading, above)[0]


def _n_kept(values: NDArray[np.float64], above: float) -> int:
    return min(len(values), max(_FIRST, int((values > above).sum())))


def _cut(values: NDArray[np.float64], vectors: NDArray[np.float64], above: float) -> Pairs:
    n_kept = _n_kept(values, above)
    return values[:n_kept], vectors[:, :n_kept]


def _iterated(a: Array, b: Array, n_first: int, n_leading: int, above: float) -> Pairs:
    """Iterate for more pairs for as long as all that were found are above."""
    n_pairs = n_first
    while True:
        values, vectors = _by_iteration(a, b, n_pairs)
        if n_pairs == n_leading or values[-1] <= above:
            return values, vectors
        n_pairs = min(2 * n_pairs, n_leading)


def covariance(a: Array, b: Array) -> NDArray[np.float64]:
    """Return R (d, d) of centred A and B."""
    product = (a.T @ b).astype(np.float64) / len(a)
    return 0.5 * (product + product.T)


def _by_rows(
    a: Array, b: Array, n_leading: int, above: float, *, with_vectors: bool = True
) -> Pairs:
    """Decompose within the span of the rows: with Z^T = Q S^(1/2) U^T, R = Q M Q^T."""
    n = len(a)
    # In the precision of A and B: their products are most of the work.
    rows = a if a is b else np.concatenate([a, b])
    sizes, left = eigh((rows @ rows.T).astype(np.float64))
    round_off = len(rows) * float(np.finfo(rows.dtype).eps)
    kept = sizes > round_off * max(sizes[-1], np.finfo(float).tiny)
    if not kept.any():
        return np.zeros(1), np.eye(a.shape[1], 1)
    roots, left = np.sqrt(sizes[kept]), left[:, kept]
    if a is b:
        values, inner = np.square(roots) / n, np.eye(len(roots))
    else:
        swapped = np.concatenate([left[n:], left[:n]])
        values, inner = eigh(roots[:, None] * (left.T @ swapped) * roots / (2 * n))
    values, inner = values[::-1][:n_leading], inner[:, ::-1][:, :n_leading]
    if not with_vectors:
        return values[: _n_kept(values, above)], np.empty((a.shape[1], 0))
    values, inner = _cut(values, inner, above)
    within = ((left / roots) @ inner).astype(rows.dtype)
    return values, (rows.T @ within).astype(np.float64)


def _by_iteration(a: Array, b: Array, n_leading: int) -> Pairs:
    """Iterate, in the precision of A and B: another one would copy both each time."""
    n, d = a.shape

    def product(vector: Array) -> Array:
        if a is b:
            return a.T @ (a @ vector) / n
        return (a.T @ (b @ vector) + b.T @ (a @ vector)) / (2 * n)

    operator = LinearOperator((d, d), matvec=product, dtype=a.dtype)
    # By default the solver starts from random numbers of its own.
    start = np.random.Generator(np.random.PCG64(0)).normal(size=d).astype(a.dtype)
    values, vectors = eigsh(operator, k=n_leading, which="LA", v0=start)
    order = np.argsort(values)[::-1]
    return values[order].astype(np.float64), vectors[:, order].astype(np.float64)
