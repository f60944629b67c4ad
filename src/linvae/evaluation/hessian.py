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

from linvae import stationary
from linvae.spectrum import Spectrum

__all__ = ["column_hessian", "hessian_table", "weights_gradient"]


def hessian_table(spectrum: Spectrum, n_latent: int, noise_at: Sequence[int]) -> pd.DataFrame:
    """Curvature along every eigenvector at the stationary points of chosen noise variances.

    At each noise variance there are two points with at least one zero column: one retains the k - 1
    leading eigenvectors, the other those after the first; in both only as far as their eigenvalues
    exceed the noise variance.

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
        One row a point and direction: ``noise_at``, ``noise_variance``, ``retained`` (``leading``
        or ``without-first``), ``direction`` j from 1, ``eigenvalue``, ``used`` (u_j is a column of
        W), ``autograd`` and ``formula`` (zero where used: columns may rotate freely), in nats per
        squared unit of the data; ``off_diagonal``, the largest coupling of u_j to another
        eigenvector; ``gradient``, the largest entry of the gradient in W times the root of the
        noise variance.
    """
    # One thread, whatever the machine has: the last bits depend on their number.
    torch.set_num_threads(1)
    with threadpool_limits(1):
        tables = [
            _at(spectrum, n_latent, m, retained)
            for m in noise_at
            for retained in ("leading", "without-first")
        ]
    return pd.concat(tables, ignore_index=True)


def column_hessian(
    weights: NDArray[np.float64], noise_variance: float, covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Hessian (d, d) of the log-likelihood in the last column of W, the others held.

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
    """
    w = torch.from_numpy(weights)
    precision = torch.cholesky_inverse(torch.linalg.cholesky(_model(w[:, :-1], noise_variance)))
    explained = precision @ torch.from_numpy(covariance) @ precision

    def log_likelihood(column: Tensor) -> Tensor:
        length = 1.0 + column @ precision @ column
        return -0.5 * (torch.log(length) - column @ explained @ column / length)

    return torch.func.hessian(log_likelihood)(w[:, -1]).numpy()


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


def _model(weights: Tensor, noise_variance: float) -> Tensor:
    """Return the model's covariance, W W^T + s I."""
    return weights @ weights.T + noise_variance * torch.eye(weights.shape[0], dtype=weights.dtype)


def _at(spectrum: Spectrum, n_latent: int, m: int, retained: str) -> pd.DataFrame:
    """Rows of one stationary point at the noise variance lambda_m."""
    values, u = spectrum.eigenvalues, spectrum.eigenvectors
    if not (1 <= m <= values.size and values[m - 1] > 0 and 2 <= n_latent < values.size):
        msg = (
            f"noise_at={m} with n_latent={n_latent}: the noise variance must be a positive one of "
            f"{values.size} eigenvalues, and n_latent at least 2 and below their number "
            "(study.stationary in config.yaml)."
        )
        raise ValueError(msg)
    s = float(values[m - 1])
    first = 0 if retained == "leading" else 1
    indices = [i for i in range(first, first + n_latent - 1) if values[i] > s]
    weights = stationary.stationary_weights(spectrum, n_latent, s, indices)
    along = u.T @ column_hessian(weights, s, spectrum.covariance) @ u
    used = np.isin(np.arange(values.size), indices)
    bend = np.diag(along)
    gradient = weights_gradient(weights, s, spectrum.covariance)
    return pd.DataFrame(
        {
            "noise_at": m,
            "noise_variance": s,
            "retained": retained,
            "direction": np.arange(1, values.size + 1),
            "eigenvalue": values,
            "used": used,
            "autograd": bend,
            "formula": np.where(used, 0.0, stationary.curvature(spectrum, s)),
            "off_diagonal": np.abs(along - np.diag(bend)).max(axis=1),
            "gradient": math.sqrt(s) * float(np.abs(gradient).max()),
        }
    )
