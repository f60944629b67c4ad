r"""How heavy the tail of importance weights is: the shape k of a generalised Pareto distribution.

The largest weights in excess of a threshold u follow, for many distributions,

.. math:: p(w - u) = \frac{1}{\sigma} \left(1 + k \frac{w - u}{\sigma}\right)^{-1/k - 1}

and moments of order 1 / k and above are infinite: the variance of the weights from k = 1/2, their
mean from k = 1. Above 0.7, an average of the weights needs too many draws to be trusted.

References
----------
Vehtari, Simpson, Gelman, Yao and Gabry (2024), *Pareto smoothed importance sampling*, sections 2
and 3.
Zhang and Stephens (2009), *A new and efficient estimation method for the generalized Pareto
distribution*.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import real

__all__ = ["MAX_RELIABLE_K", "pareto_k", "pareto_shape"]

MAX_RELIABLE_K = 0.7

# An estimate from fewer weights would be its prior.
_SHORTEST_TAIL = 5
# The prior of k: as much as ten draws that say 1/2 (Vehtari et al. 2024, appendix C).
_PRIOR_DRAWS, _PRIOR_K = 10, 0.5
# The prior of b, by Zhang and Stephens: scaled by the first quartile, and as wide as this.
_PRIOR_WIDTH = 3.0
# Of the largest excess: below, the grid of b would leave the range of numbers.
_LEAST_QUARTILE = 1e-300
_LEAST_LOG_WEIGHT = math.log(np.finfo(np.float64).tiny)


def pareto_k(log_weights: ArrayLike) -> NDArray[np.float64]:
    """Return the shape k of the largest weights of each datum.

    The tail are the largest min(S / 5, 3 sqrt(S)) weights of S; its threshold is the next one.

    Parameters
    ----------
    log_weights : array_like of shape (S, ...)
        Logarithms of weights, up to a constant that the draws of a datum share; -inf is a weight
        of zero.

    Returns
    -------
    ndarray of shape (...)
        Zero where no weight is above the threshold, as if all are equal; infinite where fewer than
        five are, too few for a fit, as of less than 25 draws; NaN where a weight is.
    """
    values = real("log_weights", log_weights, finite=False)
    if values.ndim == 0 or len(values) == 0:
        message = f"log_weights of shape {values.shape} must hold draws along their first axis."
        raise ValueError(message)
    columns = values.reshape(len(values), -1).T
    return np.array([_tail_shape(column) for column in columns]).reshape(values.shape[1:])


def _tail_shape(log_weights: NDArray[np.float64]) -> float:
    n_draws, largest = len(log_weights), log_weights.max()
    if not math.isfinite(largest):
        # Without a positive weight there is no estimate that could be good.
        return math.nan if math.isnan(largest) else math.inf
    ascending = np.sort(log_weights - largest)
    n_tail = math.ceil(min(n_draws / 5, 3 * math.sqrt(n_draws)))
    if n_tail < _SHORTEST_TAIL:
        return math.inf
    threshold = max(ascending[-n_tail - 1], _LEAST_LOG_WEIGHT)
    excess = np.exp(ascending[-n_tail:]) - math.exp(threshold)
    excess = excess[excess > 0]
    if len(excess) < _SHORTEST_TAIL:
        return math.inf if len(excess) else 0.0
    return pareto_shape(excess)


def pareto_shape(excess: NDArray[np.float64]) -> float:
    r"""Estimate k of a generalised Pareto distribution from draws of it.

    The posterior mean of b = -k / sigma, on a grid, under Zhang and Stephens's prior; then the k of
    largest likelihood for that b, drawn to 1/2 as by ten more draws.

    Parameters
    ----------
    excess : ndarray of shape (n,)
        Positive and ascending.

    References
    ----------
    Zhang and Stephens (2009), equations 4 and 5, whose k has the other sign. Vehtari et al. (2024),
    appendix C.
    """
    x = excess / excess[-1]  # k is free of scale
    n = len(x)
    n_grid = 30 + int(math.sqrt(n))
    quartile = max(x[int(n / 4 + 0.5) - 1], _LEAST_QUARTILE)
    rank = np.arange(1, n_grid + 1) - 0.5
    b = 1.0 + (1.0 - np.sqrt(n_grid / rank)) / (_PRIOR_WIDTH * quartile)
    # A grid point at b = 0 has no likelihood in this form: it is left out.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        k = np.log1p(-b[:, None] * x).mean(1)
        log_likelihood = n * (np.log(-b / k) - k - 1.0)
    usable = np.isfinite(log_likelihood)
    b, log_likelihood = b[usable], log_likelihood[usable]
    weight = np.exp(log_likelihood - log_likelihood.max())
    b_mean = (weight * b).sum() / weight.sum()
    k_likely = np.log1p(-b_mean * x).mean()
    return float((n * k_likely + _PRIOR_DRAWS * _PRIOR_K) / (n + _PRIOR_DRAWS))
