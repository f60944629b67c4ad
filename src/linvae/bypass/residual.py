"""What a linear model could still make of a Gaussian VAE's residuals: their spectrum and its nats.

Of a VAE with decoder mean f take the mean residual r(x) = x - E_q f(z), its mean and its covariance
R over the data. Let c latents that f ignores carry a linear part instead: W z + b added to the
decoder, V (r(x) - b) to the encoder, with variances D. The cross terms vanish, and the ELBO gains
that of a linear VAE on R less its value at W = 0. What is gained can be had: it is a floor for what
training, or the networks, have left. It is no ceiling: a gain that is not linear in r is not seen.

Residuals come as pairs of arrays (n, d), estimates of r from independent draws of z: their product
has no bias from the draws, a square would have. Values are in nats per datum.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

__all__ = ["gain", "halves", "held_out_spectrum", "leading", "spectrum"]

Array = NDArray[np.floating]
# Above it no matrix of d x d is made.
DENSE = 4000


def spectrum(half_a: Array, half_b: Array, n_leading: int | None = None) -> NDArray[np.float64]:
    """Eigenvalues of R = (A^T B + B^T A) / 2n, A and B centred, in descending order.

    Parameters
    ----------
    half_a, half_b
        Independent estimates of the mean residual of the same data, each (n, d).
    n_leading
        Give as many, all by default.

    Returns
    -------
    ndarray of shape (d,) or (n_leading,)
        In squared data units; those that are zero may come out negative.

    Raises
    ------
    ValueError
        If the shapes differ, or if all of more than `DENSE` eigenvalues are asked for.
    """
    n_features = half_a.shape[1]
    if n_leading is None and n_features > DENSE:
        msg = (
            f"n_leading=None asks for all {n_features} eigenvalues of a matrix that is not made for"
            f" more than {DENSE} features; give the number of leading ones"
        )
        raise ValueError(msg)
    if n_features > DENSE:
        return leading(half_a, half_b, n_leading)[0]
    return np.linalg.eigvalsh(_covariance(half_a, half_b))[::-1][:n_leading]


def leading(
    half_a: Array, half_b: Array, n_leading: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the leading eigenvalues of R, (m,) descending, and its eigenvectors (d, m).

    Beyond `DENSE` features by Lanczos iterations on products with R, which itself is not made. They
    are computed, and converge, in the precision of A and B: another one would copy both each time.

    Parameters
    ----------
    half_a, half_b
        As in `spectrum`.
    n_leading
        m, less than d beyond `DENSE` features.
    """
    n, n_features = half_a.shape
    if n_features <= DENSE:
        values, vectors = np.linalg.eigh(_covariance(half_a, half_b))
        return values[::-1][:n_leading], vectors[:, ::-1][:, :n_leading]
    operator, start = _operator(half_a, half_b)
    values, vectors = eigsh(operator, k=n_leading, which="LA", v0=start)
    order = np.argsort(values)[::-1]
    return values[order].astype(np.float64), vectors[:, order].astype(np.float64)


def gain(
    eigenvalues: Array, noise_variance: float, n_collapsed: int, mean_squared: float = 0.0
) -> float:
    r"""Nats per datum that a linear bypass of c free latents adds to the ELBO at best.

    .. math:: G = \frac{|\bar r|^2}{2 \sigma^2} + \sum_{j \le c,\, \rho_j > \sigma^2}
        \frac{1}{2} \left( \frac{\rho_j}{\sigma^2} - 1 - \log \frac{\rho_j}{\sigma^2} \right)

    It is exact for the eigenvalues of R itself. G is convex in R: from estimates it is too large.

    Parameters
    ----------
    eigenvalues
        Of R, descending.
    noise_variance
        sigma^2.
    n_collapsed
        c.
    mean_squared
        Squared length of the mean of the residuals.
    """
    ratio = np.asarray(eigenvalues, np.float64)[:n_collapsed] / noise_variance
    ratio = ratio[ratio > 1]
    return float(mean_squared / (2 * noise_variance) + 0.5 * (ratio - 1 - np.log(ratio)).sum())


def held_out_spectrum(half_a: Array, half_b: Array, n_leading: int) -> NDArray[np.float64]:
    """Variance along the leading eigenvectors of half of the data, over the other half, (m,).

    By rank, averaged over both ways: no larger in expectation than the eigenvalues of the data's
    distribution, while the eigenvalues of few data are too large.

    Parameters
    ----------
    half_a, half_b, n_leading
        As in `leading`.
    """
    found = []
    for one, other in halves(len(half_a)):
        vectors = leading(half_a[one], half_b[one], n_leading)[1]
        a, b = _centred(half_a[other], half_b[other])
        found.append(((a @ vectors) * (b @ vectors)).mean(0))
    return np.mean(found, axis=0)


def halves(n: int) -> list[tuple[slice, slice]]:
    """Return every other of n data and the rest, in both orders."""
    even, odd = slice(0, n, 2), slice(1, n, 2)
    return [(even, odd), (odd, even)]


def _centred(half_a: Array, half_b: Array) -> tuple[Array, Array]:
    if half_a.shape != half_b.shape:
        msg = f"half_a and half_b must be of one shape (n, d), not {half_a.shape}, {half_b.shape}"
        raise ValueError(msg)
    return half_a - half_a.mean(0), half_b - half_b.mean(0)


def _operator(half_a: Array, half_b: Array) -> tuple[LinearOperator, Array]:
    """Return R as an operator of the precision of A and B, and a vector to start from."""
    n, n_features = half_a.shape
    a, b = _centred(half_a, half_b)

    def product(vector: Array) -> Array:
        if half_a is half_b:
            return a.T @ (a @ vector) / n
        return (a.T @ (b @ vector) + b.T @ (a @ vector)) / (2 * n)

    # By default the solver starts from random numbers of its own.
    start = np.random.Generator(np.random.PCG64(0)).normal(size=n_features).astype(a.dtype)
    return LinearOperator((n_features, n_features), matvec=product, dtype=a.dtype), start


def _covariance(half_a: Array, half_b: Array) -> NDArray[np.float64]:
    a, b = _centred(half_a, half_b)
    product = (a.T @ b).astype(np.float64) / len(a)
    return 0.5 * (product + product.T)
