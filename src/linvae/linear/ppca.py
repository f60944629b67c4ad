"""Probabilistic PCA: maximum likelihood, log-likelihood and posterior, all in closed form.

The model is p(z) = N(0, I) over k latents and p(x|z) = N(W z + mu, s I) over d features, where s is
the noise variance; hence p(x) = N(mu, C) with C = W W^T + s I, and M = W^T W + s I. Log-likelihoods
are averages per datum, in nats, and need only the spectrum of the data.

References
----------
Tipping and Bishop (1999), *Probabilistic Principal Component Analysis*, J. R. Statist. Soc. B 61.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from linvae.arrays import matrix, positive, real, whole
from linvae.linear.spectrum import Spectrum
from linvae.shown import short_repr

__all__ = [
    "PPCA",
    "check_noise_variance",
    "check_weights",
    "fit",
    "log_likelihood",
    "max_log_likelihood",
    "mle_noise_variance",
    "mle_weights_log_likelihood",
]


@dataclass(frozen=True, eq=False)
class PPCA:
    """A probabilistic PCA model.

    Attributes
    ----------
    weights : ndarray of shape (d, k)
    mean : ndarray of shape (d,)
    noise_variance : float
    """

    weights: NDArray[np.float64]
    mean: NDArray[np.float64]
    noise_variance: float

    __repr__ = short_repr

    def log_likelihood(self, spectrum: Spectrum) -> float:
        """Log-likelihood of data with this spectrum, which need not be the data of the fit."""
        return log_likelihood(self.weights, self.noise_variance, spectrum, mean=self.mean)

    def log_likelihood_per_example(self, x: ArrayLike) -> NDArray[np.float64]:
        """Log-likelihood of each datum, which need not be of the data of the fit.

        For a model that `fit` gives it is the ELBO of the linear VAE of largest ELBO as well: its
        columns are orthogonal, so that a diagonal posterior is exact.

        Parameters
        ----------
        x : array_like of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
            -1/2 [d log 2 pi + log|C| + (x - mu)^T C^-1 (x - mu)], in nats.

        References
        ----------
        Tipping and Bishop (1999), equation 4, before it is averaged.
        """
        x, w, mean = self._checked(x)
        d, k = w.shape
        s, centred = check_noise_variance(self.noise_variance), x - mean
        constant, squares = d * math.log(2.0 * math.pi), np.square(centred).sum(1)
        lower = cholesky(w.T @ w + s * np.eye(k), lower=True)
        explained = solve_triangular(lower, (centred @ w).T, lower=True)
        log_det = (d - k) * math.log(s) + 2.0 * np.log(np.diag(lower)).sum()
        distance = (squares - np.square(explained).sum(0)) / s
        return -0.5 * (constant + log_det + distance)

    def posterior(self, x: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Posterior p(z|x) = N(M^-1 W^T (x - mu), s M^-1).

        Parameters
        ----------
        x : array_like of shape (n, d)

        Returns
        -------
        mean : ndarray of shape (n, k)
        covariance : ndarray of shape (k, k)
            The same for every x.

        References
        ----------
        Tipping and Bishop (1999), equation 7.
        """
        x, w, mean = self._checked(x)
        s = check_noise_variance(self.noise_variance)
        m = w.T @ w + s * np.eye(w.shape[1])
        inverse = cho_solve(cho_factor(m), np.eye(m.shape[0]))
        return (x - mean) @ w @ inverse, s * inverse

    def _checked(self, x: ArrayLike) -> tuple[NDArray[np.float64], ...]:
        """Return data, weights and mean in double precision, of shapes that fit."""
        mean = real("mean", self.mean)
        return matrix("x", x, mean.size), check_weights(self.weights, mean.size), mean


def fit(spectrum: Spectrum, n_latent: int, noise_variance: float | None = None) -> PPCA:
    """Maximum-likelihood model with k latents, W = U_k max(Lambda_k - s I, 0)^(1/2).

    Of the rotations that the likelihood leaves free, this is the one with orthogonal columns in
    descending order.

    Parameters
    ----------
    spectrum : Spectrum
    n_latent : int
        k, from 1 to d - 1; k = d is possible where `noise_variance` is given.
    noise_variance : float, optional
        Held fixed where given; its maximum-likelihood value otherwise.

    Raises
    ------
    ValueError
        If `n_latent` is out of range, `noise_variance` is not positive, or the likelihood is
        unbounded because k directions carry all the variance.

    References
    ----------
    Tipping and Bishop (1999), equations 8 and 9.
    """
    noise_variance = _noise_variance(spectrum, n_latent, noise_variance)
    lengths = np.sqrt(np.clip(spectrum.eigenvalues[:n_latent] - noise_variance, 0.0, None))
    return PPCA(spectrum.eigenvectors[:, :n_latent] * lengths, spectrum.mean, noise_variance)


def log_likelihood(
    weights: ArrayLike,
    noise_variance: float,
    spectrum: Spectrum,
    *,
    mean: ArrayLike | None = None,
) -> float:
    """Log-likelihood of any weights (d, k), -1/2 [d log 2 pi + log|C| + tr(C^-1 S)].

    Computed in O(d^2 k) through log|C| = (d - k) log s + log|M| and
    tr(C^-1 S) = (tr S - tr(M^-1 W^T S W)) / s, whose round-off is about 1e-16 tr S / s nats. A
    `mean` other than the data's adds its offset to the second moment.

    Raises
    ------
    ValueError
        If `weights` are no real, finite matrix of d rows, or `noise_variance` is not positive.

    References
    ----------
    Tipping and Bishop (1999), equation 4.
    """
    s = check_noise_variance(noise_variance)
    w = check_weights(weights, spectrum.n_features)
    d, k = w.shape
    total, offset = spectrum.total_variance, np.zeros(d)
    if mean is not None:
        offset = spectrum.mean - real("mean", mean)
        total += float(offset @ offset)
    constant = d * math.log(2.0 * math.pi)
    quadratic = w.T @ (spectrum.covariance @ w)
    if mean is not None:
        quadratic += np.outer(w.T @ offset, w.T @ offset)
    factor = cho_factor(w.T @ w + s * np.eye(k), lower=True)
    log_det = (d - k) * math.log(s) + 2.0 * np.log(np.diag(factor[0])).sum()
    explained = np.trace(cho_solve(factor, quadratic))
    return float(-0.5 * (constant + log_det + (total - explained) / s))


def max_log_likelihood(
    spectrum: Spectrum, n_latent: int, *, noise_variance: float | None = None
) -> float:
    """Log-likelihood at the maximum, from the eigenvalues alone, in O(d).

    The model's covariance has eigenvalues max(lambda_i, s) for i <= k and s for the others.

    Parameters
    ----------
    spectrum, n_latent, noise_variance
        As in `fit`, with the same errors.
    """
    s = _noise_variance(spectrum, n_latent, noise_variance)
    return _diagonal_log_likelihood(spectrum, np.maximum(spectrum.eigenvalues[:n_latent], s), s)


def mle_weights_log_likelihood(spectrum: Spectrum, n_latent: int, noise_variance: float) -> float:
    """Log-likelihood of the k-latent MLE weights under another noise variance.

    The weights keep the length that they have at their own noise variance, s_k: the model's
    covariance has eigenvalues lambda_i - s_k + s for i <= k.
    """
    s = check_noise_variance(noise_variance)
    own = mle_noise_variance(spectrum, n_latent)
    # The mean of the others may exceed an eigenvalue that equals them by round-off.
    lengths = np.clip(spectrum.eigenvalues[:n_latent] - own, 0.0, None)
    return _diagonal_log_likelihood(spectrum, lengths + s, s)


def mle_noise_variance(spectrum: Spectrum, n_latent: int) -> float:
    """Mean of the d - k eigenvalues that k latents leave unexplained.

    Raises
    ------
    ValueError
        If `n_latent` is not between 1 and d - 1, or those eigenvalues are all zero.

    References
    ----------
    Tipping and Bishop (1999), equation 8.
    """
    _check_n_latent(spectrum, n_latent, spectrum.n_features - 1)
    residual = float(spectrum.eigenvalues[n_latent:].mean())
    # The spectrum says which eigenvalues are round-off: those are zero.
    if residual <= 0.0:
        message = (
            f"n_latent={n_latent} explains all the variance of {spectrum.n_samples} samples of "
            f"{spectrum.n_features} features: the likelihood is unbounded. Take fewer latents, "
            "more samples, or a fixed noise variance (n_latent, n_samples, noise in config.yaml)."
        )
        raise ValueError(message)
    return residual


def check_noise_variance(noise_variance: float) -> float:
    """Return `noise_variance` as a float, or raise ValueError unless positive and finite."""
    return positive("noise_variance", noise_variance)


def check_weights(weights: ArrayLike, n_features: int) -> NDArray[np.float64]:
    """Return weights as a matrix (d, k), or raise ValueError unless they are real and finite."""
    w = real("weights", weights)
    if w.ndim != 2 or w.shape[0] != n_features or w.shape[1] < 1:
        message = f"weights has shape {w.shape}; ({n_features}, k) is needed."
        raise ValueError(message)
    return w


def _noise_variance(spectrum: Spectrum, n_latent: int, noise_variance: float | None) -> float:
    """Return the given noise variance, or else its maximum-likelihood value."""
    if noise_variance is None:
        return mle_noise_variance(spectrum, n_latent)
    _check_n_latent(spectrum, n_latent, spectrum.n_features)
    return check_noise_variance(noise_variance)


def _check_n_latent(spectrum: Spectrum, n_latent: int, largest: int) -> None:
    """Raise ValueError unless 1 <= n_latent <= largest."""
    if not 1 <= whole("n_latent", n_latent) <= largest:
        message = (
            f"n_latent={n_latent} must be between 1 and {largest} for {spectrum.n_features} "
            "features (n_latent in config.yaml); with as many latents as features no residual "
            "is left to estimate the noise variance from."
        )
        raise ValueError(message)


def _diagonal_log_likelihood(
    spectrum: Spectrum, leading: NDArray[np.float64], noise_variance: float
) -> float:
    """Log-likelihood of a covariance U diag(leading, s, ..., s) U^T."""
    d, k = spectrum.n_features, leading.shape[0]
    lam = spectrum.eigenvalues
    log_det = np.log(leading).sum() + (d - k) * math.log(noise_variance)
    trace = (lam[:k] / leading).sum() + lam[k:].sum() / noise_variance
    return float(-0.5 * (d * math.log(2.0 * math.pi) + log_det + trace))
