"""The ELBO of a linear VAE in closed form, from the covariance alone, and its gap to pPCA.

The decoder is p(x|z) = N(W z + mu, s I), the encoder q(z|x) = N(V (x - mu), D) with D diagonal and
shared by all x; mu is the mean of the data. All values are averages per datum, in nats; a higher
ELBO is better.

References
----------
Lucas, Tucker, Grosse and Norouzi (2019), *Don't Blame the ELBO!*, equations 7 to 9 and appendix.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import matrix, real
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

__all__ = [
    "LinearBound",
    "analytic",
    "best_encoder",
    "linear_bound",
    "profiled",
]


class LinearBound(NamedTuple):
    """The largest ELBO of a linear VAE, and the number of latents it uses."""

    bound: float
    n_active: int


def analytic(
    weights: ArrayLike,
    encoder: ArrayLike,
    posterior_variance: ArrayLike,
    noise_variance: float,
    spectrum: Spectrum,
) -> float:
    r"""ELBO of a linear VAE, exact.

    With B = W^T W and G = V S V^T it is the difference of

    .. math::
        E_q \log p(x|z) &= -\frac{1}{2 s} [\mathrm{tr} S - 2 \mathrm{tr}(W V S)
            + \mathrm{tr}(B G) + \mathrm{tr}(B D)] - \frac{d}{2} \log(2 \pi s) \\
        KL &= \frac{1}{2} [\mathrm{tr} G + \mathrm{tr} D - \log|D| - k]

    Parameters
    ----------
    weights : array_like of shape (d, k)
        W, the decoder.
    encoder : array_like of shape (k, d)
        V.
    posterior_variance : array_like of shape (k,)
        The diagonal of D.
    noise_variance : float
        s.
    spectrum : Spectrum

    Raises
    ------
    ValueError
        If shapes do not fit, values are not real and finite, or a variance is not positive.

    References
    ----------
    Lucas et al. (2019), appendix "Analytic ELBO".
    """
    w = ppca.check_weights(weights, spectrum.n_features)
    d, k = w.shape
    v = real("encoder", encoder)
    variance = real("posterior_variance", posterior_variance)
    if v.shape != (k, d) or variance.shape != (k,) or not (variance > 0).all():
        message = (
            f"encoder has shape {v.shape}, posterior_variance {variance.shape} with minimum "
            f"{variance.min(initial=math.inf)}; for weights of shape {w.shape}, ({k}, {d}) and "
            f"({k},) with positive entries are needed."
        )
        raise ValueError(message)
    s, total = ppca.check_noise_variance(noise_variance), spectrum.total_variance
    b = w.T @ w
    v_cov = v @ spectrum.covariance  # (k, d)
    g = v_cov @ v.T
    spread = np.diag(b) @ variance
    error = total - 2.0 * np.sum(w.T * v_cov) + np.sum(b * g)
    reconstruction = -0.5 * ((error + spread) / s + d * math.log(2.0 * math.pi * s))
    kl = 0.5 * (np.trace(g) + np.sum(variance - np.log(variance)) - k)
    return float(reconstruction - kl)


def profiled(weights: ArrayLike, noise_variance: float, spectrum: Spectrum) -> float:
    """ELBO of the best encoder for a decoder, log p(x) - 1/2 (sum_i log M_ii - log|M|).

    The bracket is never negative, by Hadamard's inequality, and zero exactly where the columns of
    W are orthogonal.

    Parameters
    ----------
    weights : array_like of shape (d, k)
    noise_variance : float
    spectrum : Spectrum
    """
    w, s = (
        ppca.check_weights(weights, spectrum.n_features),
        ppca.check_noise_variance(noise_variance),
    )
    m = w.T @ w + s * np.eye(w.shape[1])
    gap = 0.5 * (np.log(np.diag(m)).sum() - np.linalg.slogdet(m)[1])
    return float(ppca.log_likelihood(w, s, spectrum) - gap)


def best_encoder(
    weights: ArrayLike, noise_variance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the encoder that maximises the ELBO of a decoder: V = M^-1 W^T, D_ii = s / M_ii.

    Returns
    -------
    encoder : ndarray of shape (k, d)
    posterior_variance : ndarray of shape (k,)
    """
    w, s = matrix("weights", weights), ppca.check_noise_variance(noise_variance)
    m = w.T @ w + s * np.eye(w.shape[1])
    return np.linalg.solve(m, w.T), s / np.diag(m)


def linear_bound(spectrum: Spectrum, n_latent: int, noise_variance: float) -> LinearBound:
    """Largest ELBO of a linear VAE with k latents at a fixed noise variance.

    It equals the pPCA maximum there, and uses the latents whose eigenvalue exceeds the noise
    variance. A deep VAE below it has not found its own optimum.
    """
    s = ppca.check_noise_variance(noise_variance)
    bound = ppca.max_log_likelihood(spectrum, n_latent, noise_variance=s)
    n_active = int(np.count_nonzero(spectrum.eigenvalues[:n_latent] > s))
    return LinearBound(bound, n_active)
