"""Curvature of the marginal likelihood at its stationary points, by automatic differentiation.

Theory says that a zero column of W, moved along an unused eigenvector u_j, bends the likelihood by
(lambda_j - s) / s^2, s being the noise variance. Here the same is measured without that theory.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from linvae.linear import stationary
from linvae.linear.curvature import largest_curvature
from linvae.linear.spectrum import Spectrum

__all__ = ["column_hessian", "hessian_table", "weights_bend", "weights_gradient"]

MOST_ZERO = 3


def hessian_table(spectrum: Spectrum, n_latent: int, noise_at: Sequence[int]) -> pd.DataFrame:
    """Curvature at stationary points with zero columns, in every zero column and direction.

    At each noise variance one to three columns are zero (more where fewer eigenvalues exceed it),
    and the others are the leading eigenvectors, those after the first, or every other one. The
    noise variances lambda_k, lambda_{k-1} and lambda_{k-2} are added: there the maximum itself has
    zero columns. A last point for each noise variance below lambda_k is the maximum without any.

    Parameters
    ----------
    spectrum : Spectrum
    n_latent : int
        k, at least 2.
    noise_at : sequence of int
        For each m the noise variance is lambda_m, counted from 1.

    Returns
    -------
    DataFrame
        One row a point and direction: ``noise_at``, ``noise_variance``, ``retained`` (the
        eigenvectors that are columns, from 1), ``n_zero`` columns, ``direction`` j from 1,
        ``eigenvalue``, ``used`` (u_j is a column of W), ``autograd``, of the zero column that is
        furthest from the formula, and ``formula`` (zero where used: columns may rotate freely), in
        nats per squared unit of the data; ``off_diagonal``, the largest coupling of u_j to another
        eigenvector in any zero column; ``gradient``, the largest entry of the gradient in W times
        the root of the noise variance; ``largest``, the largest curvature in all entries of W
        together, times the noise variance. Without zero columns ``autograd`` is empty.
    """
    _check(spectrum, n_latent, noise_at)
    # One thread, whatever the machine has: the last bits depend on their number.
    torch.set_num_threads(1)
    added = [m for m in range(n_latent - MOST_ZERO + 1, n_latent + 1) if m > 1]
    with threadpool_limits(1):
        tables = [
            _at(spectrum, n_latent, m, list(retained))
            for m in sorted({*noise_at, *added})
            for retained in _retained(spectrum.eigenvalues, n_latent, m)
        ]
    return pd.concat(tables, ignore_index=True)


def _retained(values: NDArray[np.float64], n_latent: int, m: int) -> list[tuple[int, ...]]:
    """Choices of eigenvectors, each once, whose eigenvalues exceed lambda_m."""
    usable = [i for i in range(values.size) if values[i] > values[m - 1]]
    found = {}
    for n_zero in range(1, MOST_ZERO + 1):
        n = max(n_latent - n_zero, 0)
        for chosen in (usable[:n], usable[1 : n + 1], usable[: 2 * n : 2]):
            found[tuple(chosen)] = None
    if len(usable) >= n_latent:
        found[tuple(usable[:n_latent])] = None
    return list(found)


def column_hessian(
    weights: NDArray[np.float64],
    noise_variance: float,
    covariance: NDArray[np.float64],
    column: int = -1,
) -> NDArray[np.float64]:
    r"""Hessian (d, d) of the log-likelihood in one column of W, the others held.

    With A the model's covariance without that column w, the matrix determinant lemma and the
    Sherman-Morrison formula leave, as function of w,

    .. math::
        -\frac{1}{2} \left[ \log(1 + w^T A^{-1} w)
            - \frac{w^T A^{-1} S A^{-1} w}{1 + w^T A^{-1} w} \right],

    which is differentiated twice automatically.

    Parameters
    ----------
    weights : ndarray of shape (d, k)
    noise_variance : float
    covariance : ndarray of shape (d, d)
        S.
    column : int
        Which column; the last where left out.
    """
    w, others = torch.from_numpy(weights), torch.from_numpy(np.delete(weights, column, axis=1))
    precision = torch.cholesky_inverse(torch.linalg.cholesky(_model(others, noise_variance)))
    explained = precision @ torch.from_numpy(covariance) @ precision

    def log_likelihood(column: Tensor) -> Tensor:
        length = 1.0 + column @ precision @ column
        return -0.5 * (torch.log(length) - column @ explained @ column / length)

    return torch.func.hessian(log_likelihood)(w[:, column]).numpy()


def weights_gradient(
    weights: NDArray[np.float64], noise_variance: float, covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gradient (d, k) of -1/2 [log|C| + tr(C^-1 S)] in W, through the d x d matrix C."""
    w = torch.from_numpy(weights).clone().requires_grad_()
    factor = torch.linalg.cholesky(_model(w, noise_variance))
    log_det = 2.0 * torch.log(torch.diagonal(factor)).sum()
    trace = torch.trace(torch.cholesky_solve(torch.from_numpy(covariance), factor))
    (gradient,) = torch.autograd.grad(-0.5 * (log_det + trace), w)
    return gradient.numpy()


def weights_bend(
    weights: NDArray[np.float64], noise_variance: float, eigenvalues: NDArray[np.float64]
) -> float:
    """Largest curvature of the log-likelihood in all entries of W, times the noise variance.

    The Hessian's products are differentiated automatically; zero or more where two columns or more
    are not zero, which may rotate freely.

    Parameters
    ----------
    weights : ndarray of shape (d, k)
        In coordinates where S is diagonal.
    noise_variance : float
    eigenvalues : ndarray of shape (d,)
        Of S.
    """
    w, values = torch.from_numpy(weights), torch.from_numpy(eigenvalues)
    root, identity = math.sqrt(noise_variance), torch.eye(w.shape[1], dtype=w.dtype)

    def log_likelihood(step: Tensor) -> Tensor:
        moved = w + root * step
        m = moved.T @ moved + noise_variance * identity
        explained = torch.trace(torch.linalg.solve(m, moved.T @ (values[:, None] * moved)))
        return -0.5 * (torch.logdet(m) - explained / noise_variance)

    gradient, here = torch.func.grad(log_likelihood), torch.zeros_like(w)

    def product(direction: NDArray[np.float64]) -> NDArray[np.float64]:
        tangent = torch.from_numpy(direction).reshape(w.shape)
        return torch.func.jvp(gradient, (here,), (tangent,))[1].numpy().ravel()

    return largest_curvature(product, w.numel()).curvature


def _model(weights: Tensor, noise_variance: float) -> Tensor:
    """Return the model's covariance, W W^T + s I."""
    return weights @ weights.T + noise_variance * torch.eye(weights.shape[0], dtype=weights.dtype)


def _check(spectrum: Spectrum, n_latent: int, noise_at: Sequence[int]) -> None:
    values = spectrum.eigenvalues
    for m in noise_at:
        if not (1 <= m <= values.size and values[m - 1] > 0 and 2 <= n_latent < values.size):
            msg = (
                f"noise_at={m} with n_latent={n_latent}: the noise variance must be a positive one "
                f"of {values.size} eigenvalues, and n_latent at least 2 and below their number "
                "(study.stationary in config.yaml)."
            )
            raise ValueError(msg)


def _at(spectrum: Spectrum, n_latent: int, m: int, retained: list[int]) -> pd.DataFrame:
    """Rows of one stationary point at the noise variance lambda_m."""
    values, u = spectrum.eigenvalues, spectrum.eigenvectors
    s = float(values[m - 1])
    weights = stationary.stationary_weights(spectrum, n_latent, s, retained)
    used = np.isin(np.arange(values.size), retained)
    formula = np.where(used, 0.0, stationary.curvature(spectrum, s))
    autograd, off_diagonal = _zero_columns(spectrum, weights, s, len(retained), formula)
    gradient = weights_gradient(weights, s, spectrum.covariance)
    return pd.DataFrame(
        {
            "noise_at": m,
            "noise_variance": s,
            "retained": "-".join(str(i + 1) for i in retained) or "none",
            "n_zero": n_latent - len(retained),
            "direction": np.arange(1, values.size + 1),
            "eigenvalue": values,
            "used": used,
            "autograd": autograd,
            "formula": formula,
            "off_diagonal": off_diagonal,
            "gradient": math.sqrt(s) * float(np.abs(gradient).max()),
            "largest": weights_bend(u.T @ weights, s, values),
        }
    )


def _zero_columns(
    spectrum: Spectrum,
    weights: NDArray[np.float64],
    noise_variance: float,
    first: int,
    formula: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Curvature and coupling along every eigenvector, of all columns from `first` on: the worst."""
    u, d = spectrum.eigenvectors, spectrum.n_features
    bend, coupling = np.full(d, np.nan), np.full(d, np.nan)
    for column in range(first, weights.shape[1]):
        along = u.T @ column_hessian(weights, noise_variance, spectrum.covariance, column) @ u
        own = np.diag(along)
        further = ~(np.abs(own - formula) <= np.abs(bend - formula))
        bend = np.where(further, own, bend)
        coupling = np.fmax(coupling, np.abs(along - np.diag(own)).max(axis=1))
    return bend, coupling
