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

from linvae.arrays import number, positive, real, rows, whole
from linvae.bypass.eigenpairs import covariance, leading_pairs, leading_values

__all__ = ["gain", "halves", "held_out_spectrum", "leading", "spectrum"]

Array = NDArray[np.floating]
# Up to it all eigenvalues are found, from the matrix of d x d.
DENSE = 1000


def spectrum(
    half_a: Array, half_b: Array, n_leading: int | None = None, above: float = -np.inf
) -> NDArray[np.float64]:
    """Eigenvalues of R = (A^T B + B^T A) / 2n, A and B centred, in descending order.

    Parameters
    ----------
    half_a, half_b
        Independent estimates of the mean residual of the same data, each (n, d).
    n_leading
        Give as many, all by default.
    above
        Beyond `DENSE` features, and beyond the first 32 of them, only larger ones are given.

    Returns
    -------
    ndarray of shape (d,) or (n_leading,)
        In squared data units; those that are zero may come out negative. Of more than `DENSE`
        features no more than the rank of R allows.

    Raises
    ------
    ValueError
        If the halves are no finite matrices of one shape, or if all of more than `DENSE`
        eigenvalues are asked for.
    """
    half_a, half_b = _halves(half_a, half_b)
    n_features = half_a.shape[1]
    if n_leading is None and n_features > DENSE:
        msg = (
            f"n_leading=None asks for all {n_features} eigenvalues, which are found for up to"
            f" {DENSE} features; give the number of leading ones"
        )
        raise ValueError(msg)
    if n_features > DENSE:
        a, b = _centred(half_a, half_b)
        return leading_values(a, a if half_a is half_b else b, n_leading, above)
    return np.linalg.eigvalsh(covariance(*_centred(half_a, half_b)))[::-1][:n_leading]


def leading(
    half_a: Array, half_b: Array, n_leading: int, above: float = -np.inf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the leading eigenvalues of R, (m,) descending, and its eigenvectors (d, m).

    Beyond `DENSE` features by `linvae.bypass.eigenpairs.leading_pairs`.

    Parameters
    ----------
    half_a, half_b
        As in `spectrum`.
    n_leading
        m; beyond `DENSE` features no more than the rank of R are given.
    above
        As in `spectrum`.

    Raises
    ------
    ValueError
        If the halves are no finite matrices of one shape, or m is not positive.
    """
    half_a, half_b = _halves(half_a, half_b)
    if whole("n_leading", n_leading) < 1:
        msg = f"n_leading={n_leading} must be 1 or more"
        raise ValueError(msg)
    a, b = _centred(half_a, half_b)
    if half_a.shape[1] <= DENSE:
        values, vectors = np.linalg.eigh(covariance(a, b))
        return values[::-1][:n_leading], vectors[:, ::-1][:, :n_leading]
    return leading_pairs(a, a if half_a is half_b else b, n_leading, above)


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
        Squared length of the mean of the residuals. An estimate without bias may be negative.

    Raises
    ------
    ValueError
        If a value is not finite, sigma^2 not positive, or c negative.
    """
    values, variance = real("eigenvalues", eigenvalues), positive("noise_variance", noise_variance)
    squared = number("mean_squared", mean_squared)
    if values.ndim != 1 or whole("n_collapsed", n_collapsed) < 0:
        msg = (
            f"eigenvalues of shape {values.shape} and n_collapsed={n_collapsed}: a list (m,) and a"
            " number from 0 on are needed"
        )
        raise ValueError(msg)
    ratio = values[:n_collapsed] / variance
    ratio = ratio[ratio > 1]
    return float(squared / (2 * variance) + 0.5 * (ratio - 1 - np.log(ratio)).sum())


def held_out_spectrum(
    half_a: Array, half_b: Array, n_leading: int, above: float = -np.inf
) -> NDArray[np.float64]:
    """Variance along the leading eigenvectors of half of the data, over the other half, (m,).

    By rank, averaged over both ways: no larger in expectation than the eigenvalues of the data's
    distribution, while the eigenvalues of few data are too large.

    Parameters
    ----------
    half_a, half_b, n_leading, above
        As in `leading`, with the same errors.
    """
    half_a, half_b = _halves(half_a, half_b)
    found = []
    for one, other in halves(len(half_a)):
        vectors = leading(half_a[one], half_b[one], n_leading, above)[1]
        a, b = _centred(half_a[other], half_b[other])
        found.append(((a @ vectors) * (b @ vectors)).mean(0))
    # One half may have a rank more than the other.
    n_found = min(map(len, found))
    return np.mean([values[:n_found] for values in found], axis=0)


def halves(n: int) -> list[tuple[slice, slice]]:
    """Return every other of n data and the rest, in both orders."""
    even, odd = slice(0, n, 2), slice(1, n, 2)
    return [(even, odd), (odd, even)]


def _halves(half_a: Array, half_b: Array) -> tuple[Array, Array]:
    """Return both as arrays of their own precision; the same array where they are the same."""
    a = rows("half_a", half_a)
    b = a if half_b is half_a else rows("half_b", half_b)
    if a.shape != b.shape:
        msg = f"half_a and half_b must be of one shape (n, d), not {a.shape}, {b.shape}"
        raise ValueError(msg)
    return a, b


def _centred(half_a: Array, half_b: Array) -> tuple[Array, Array]:
    return half_a - half_a.mean(0), half_b - half_b.mean(0)
