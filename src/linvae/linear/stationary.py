"""Stationary points of the pPCA likelihood, and its shape around a zero column of W.

Every choice of retained eigenvectors, with the other columns of W zero, is a stationary point. With
s the noise variance, moving a zero column by t along an unused eigenvector u_j changes log p(x) by
(lambda_j - s) t^2 / (2 s^2), to second order. Values are nats per datum.

References
----------
Lucas, Tucker, Grosse and Norouzi (2019), *Don't Blame the ELBO!*, section 4.2 and figure 1.
Tipping and Bishop (1999), *Probabilistic Principal Component Analysis*, appendix A.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.shown import short_repr

__all__ = ["Kind", "Landscape", "classify", "curvature", "landscape", "stationary_weights"]

Kind = Literal["stable", "saddle", "unstable"]


@dataclass(frozen=True, eq=False)
class Landscape:
    """Log-likelihood while a zero column of W moves to a u_i + b u_j.

    Attributes
    ----------
    a, b : ndarray of shape (n_grid,)
        Displacements along the two directions, symmetric about zero.
    log_likelihood : ndarray of shape (n_grid, n_grid)
        Entry (p, q) is at a[p], b[q].
    curvature : ndarray of shape (2,)
        Second derivatives at the centre, along the two directions.
    kind : str
        Classification in these two directions.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    log_likelihood: NDArray[np.float64]
    curvature: NDArray[np.float64]
    kind: Kind

    __repr__ = short_repr


def stationary_weights(
    spectrum: Spectrum, n_latent: int, noise_variance: float, retained: Sequence[int]
) -> NDArray[np.float64]:
    """Weights (d, k) that retain some eigenvectors and have zero columns for the rest.

    Column i is u_r max(lambda_r - s, 0)^(1/2), with r the i-th of `retained`.

    Parameters
    ----------
    spectrum : Spectrum
    n_latent : int
    noise_variance : float
    retained : sequence of int
        Indices from 0, without repetition, at most `n_latent`.

    Raises
    ------
    ValueError
        If indices repeat, lie out of range, or are more than `n_latent`.
    """
    s = ppca.check_noise_variance(noise_variance)
    indices = _check_indices(retained, spectrum.n_features)
    if len(indices) > n_latent:
        message = f"retained={indices.tolist()} has more entries than n_latent={n_latent}."
        raise ValueError(message)
    weights = np.zeros((spectrum.n_features, n_latent))
    lengths = np.sqrt(np.clip(spectrum.eigenvalues[indices] - s, 0.0, None))
    weights[:, : len(indices)] = spectrum.eigenvectors[:, indices] * lengths
    return weights


def curvature(spectrum: Spectrum, noise_variance: float) -> NDArray[np.float64]:
    """Second derivative of log p(x) as a zero column moves along u_j, (lambda_j - s) / s^2.

    It holds for eigenvectors that no other column uses, whichever the others are.

    Returns
    -------
    ndarray of shape (d,)
    """
    s = ppca.check_noise_variance(noise_variance)
    return (spectrum.eigenvalues - s) / s**2


def classify(spectrum: Spectrum, noise_variance: float, directions: Sequence[int]) -> Kind:
    """Tell how a zero column behaves in some unused directions.

    "stable" if none of their eigenvalues exceeds the noise variance, "unstable" if all do, and
    "saddle" otherwise. A point with a zero column is a maximum only if it is stable in all unused
    directions.

    Parameters
    ----------
    spectrum : Spectrum
    noise_variance : float
    directions : sequence of int
        Indices of eigenvectors, from 0.
    """
    rising = (
        curvature(spectrum, noise_variance)[_check_indices(directions, spectrum.n_features)] > 0
    )
    if not rising.any():
        return "stable"
    return "unstable" if rising.all() else "saddle"


def landscape(
    spectrum: Spectrum,
    noise_variance: float,
    directions: tuple[int, int],
    *,
    radius: float,
    n_grid: int = 61,
    retained: Sequence[int] | None = None,
) -> Landscape:
    """Log-likelihood around a stationary point, as a zero column moves in a plane.

    The column c = a u_i + b u_j is orthogonal to the others, so that with r^2 = a^2 + b^2 it adds

    -1/2 [ log(1 + r^2 / s) - (a^2 lambda_i + b^2 lambda_j) / (s (s + r^2)) ]

    Parameters
    ----------
    spectrum : Spectrum
    noise_variance : float
    directions : pair of int
        i and j, indices from 0: (4, 6) for the fifth and seventh principal component.
    radius : float
        Largest displacement along either direction.
    n_grid : int
        Points a side; odd, so that the stationary point is one of them.
    retained : sequence of int, optional
        Eigenvectors of the other columns; those before the first direction where left out.

    Raises
    ------
    ValueError
        If a direction is retained or repeated, or `radius` or `n_grid` is out of range.
    """
    s = ppca.check_noise_variance(noise_variance)
    i, j = _check_indices(directions, spectrum.n_features)
    others = _check_indices(range(min(i, j)) if retained is None else retained, spectrum.n_features)
    if {i, j} & set(others.tolist()):
        message = f"directions={(int(i), int(j))} must not be among retained={others.tolist()}."
        raise ValueError(message)
    if not (np.isfinite(radius) and radius > 0 and n_grid >= 3 and n_grid % 2 == 1):
        message = f"radius={radius} must be positive, and n_grid={n_grid} odd and at least 3."
        raise ValueError(message)
    weights = stationary_weights(spectrum, max(len(others), 1), s, others)
    # Built from one half, so that the axis is symmetric to the last bit.
    half = np.linspace(0.0, radius, n_grid // 2 + 1)[1:]
    axis = np.concatenate([-half[::-1], [0.0], half])
    a2, b2 = axis[:, None] ** 2, axis[None, :] ** 2
    explained = (a2 * spectrum.eigenvalues[i] + b2 * spectrum.eigenvalues[j]) / (s + a2 + b2)
    change = -0.5 * (np.log1p((a2 + b2) / s) - explained / s)
    base = ppca.log_likelihood(weights, s, spectrum)
    kind = classify(spectrum, s, (i, j))
    return Landscape(axis, axis.copy(), base + change, curvature(spectrum, s)[[i, j]], kind)


def _check_indices(indices: Sequence[int], n_features: int) -> NDArray[np.intp]:
    """Return distinct indices of eigenvectors, from 0 to d - 1."""
    found = np.asarray(list(indices), dtype=np.intp)
    if len(set(found.tolist())) != found.size or ((found < 0) | (found >= n_features)).any():
        message = (
            f"indices {found.tolist()} must be distinct and from 0 to {n_features - 1} "
            "(the first eigenvector is 0)."
        )
        raise ValueError(message)
    return found
