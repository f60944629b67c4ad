r"""Estimate log p(x) of each datum, with what tells whether the estimate can be trusted.

Importance weighting with a proposal of its own for each datum, as
`linvae.measure.inference.optimised` gives:

.. math:: \log \frac{1}{K} \sum_j w_j, \quad w_j = \frac{p(x|z_j) p(z_j)}{q(z_j|x)},
          \quad z_j \sim q(z|x)

Its expectation is a lower bound of log p(x), no smaller than the ELBO of q. That more draws change
it little proves nothing: what is missing may lie where q has no draws. The effective sample size
and the Pareto k of the weights tell of that.

References
----------
Burda, Grosse and Salakhutdinov (2016), *Importance weighted autoencoders*, equation 8.
Vehtari, Simpson, Gelman, Yao and Gabry (2024), *Pareto smoothed importance sampling*.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.arrays import positive
from linvae.measure.gaussian import Decode
from linvae.measure.numbers import standard_error
from linvae.measure.pareto import MAX_RELIABLE_K, pareto_k
from linvae.measure.posterior import (
    Posterior,
    batches,
    count,
    log_weight,
    normal,
    place_of,
    stream,
)
from linvae.shown import short_repr

__all__ = ["LogLikelihood", "Proposal", "log_likelihood"]

Proposal = Literal["correlated", "diagonal"]

# Factor of a proposal's standard deviations where none is given. The best diagonal Gaussian is
# narrower than the posterior, the correlated one is not.
_WIDENING = {"correlated": 1.0, "diagonal": 1.2}
# Mean KL over data, in nats, above which a latent counts as used.
_USED_ABOVE = 0.01
# In steps that are much smaller, slopes in single precision would be round-off.
_LEAST_STEP = 1e-2
# Rows that are decoded at once, draws of some data, and values that they have together.
_ROWS, _VALUES = 1024, 2**23


@dataclass(frozen=True, eq=False)
class LogLikelihood:
    """Estimates of log p(x), and how far to trust them.

    Attributes
    ----------
    log_likelihood : ndarray of shape (n,)
        Estimate of log p(x), in nats.
    effective_draws : ndarray of shape (n,)
        (sum w)^2 / sum w^2, from 1 to the number of draws.
    pareto_k : ndarray of shape (n,)
        As `linvae.measure.pareto.pareto_k`.
    draws : int
    """

    log_likelihood: NDArray[np.float64]
    effective_draws: NDArray[np.float64]
    pareto_k: NDArray[np.float64]
    draws: int

    __repr__ = short_repr

    def numbers(self) -> dict[str, float]:
        """Return mean and trust in plain numbers.

        Returns
        -------
        dict
            ``log_likelihood`` and ``log_likelihood_error``, its standard error over data, in nats
            per datum; the smallest ``effective_samples``; ``unreliable``, the number of data whose
            Pareto k is above 0.7; ``largest_pareto_k``.
        """
        return {
            "log_likelihood": float(self.log_likelihood.mean()),
            "log_likelihood_error": standard_error(self.log_likelihood),
            "effective_samples": float(self.effective_draws.min()),
            # NaN is not reliable either.
            "unreliable": float((~(self.pareto_k <= MAX_RELIABLE_K)).sum()),
            "largest_pareto_k": float(self.pareto_k.max()),
        }


@torch.no_grad()
def log_likelihood(
    posterior: Posterior,
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    seed: int,
    draws: int = 1000,
    proposal: Proposal = "correlated",
    widening: float | None = None,
    dtype: torch.dtype = torch.float32,
) -> LogLikelihood:
    r"""Estimate log p(x) of each datum by importance weighting.

    Parameters
    ----------
    posterior
        The optimised q of the n data.
    decode
        Of tensors of shape (m, k).
    data : ndarray of shape (n, d)
    noise_variance
        sigma^2 of p(x|z).
    seed
        Of the run. These draws are used for nothing else.
    draws
        K, independent of each other.
    proposal
        ``"diagonal"`` is q. ``"correlated"`` has the mean of q and the covariance
        :math:`(I + J^T J / \sigma^2)^{-1}`, where J holds the decoder's slopes across one standard
        deviation of q to both sides. It costs 2 k decodings a datum. For a linear decoder it is
        the posterior.
    widening
        Factor of the standard deviations of latents in use; the proposal's own if left out. Latents
        that are not in use have the prior for a posterior, and are left alone.
    dtype
        That the model computes in.

    Raises
    ------
    ValueError
        If `noise_variance` or `widening` is not positive, `draws` not a positive whole number,
        `proposal` of another name, or `posterior` of another number of data.
    """
    noise_variance, draws = positive("noise_variance", noise_variance), count("draws", draws)
    if proposal not in _WIDENING:
        message = f"proposal={proposal!r} must be one of {', '.join(_WIDENING)}."
        raise ValueError(message)
    factor = positive("widening", _WIDENING[proposal] if widening is None else widening)
    place, generator = place_of(posterior, len(data)), stream(seed, "importance")
    wider = torch.where(torch.as_tensor(posterior.kl.mean(0) > _USED_ABOVE), factor, 1.0)
    parts = []
    for rows, x in batches(data, dtype, copies=place.shape[2]):
        mean, log_variance = place[:, rows]
        deviation = torch.exp(0.5 * log_variance)
        if proposal == "correlated":
            scale = _correlated(decode, mean, deviation, noise_variance, dtype)
        else:
            scale = torch.diag_embed(deviation)
        scale *= wider[:, None]
        log_weights = _log_weights(decode, x, mean, scale, noise_variance, draws, generator)
        total = torch.logsumexp(log_weights, 0)
        effective = torch.exp(2 * total - torch.logsumexp(2 * log_weights, 0))
        parts.append((total - math.log(draws), effective, pareto_k(log_weights)))
    estimate, effective, shape = (np.concatenate(part) for part in zip(*parts, strict=True))
    return LogLikelihood(estimate, effective, shape, draws)


def _correlated(
    decode: Decode, mean: Tensor, deviation: Tensor, noise_variance: float, dtype: torch.dtype
) -> Tensor:
    """Return a factor of the covariance (I + J^T J / sigma^2)^-1, upper triangular, (m, k, k).

    Parameters
    ----------
    mean, deviation : Tensor of shape (m, k)
        Of q: where slopes are taken, and across how much of each latent.
    """
    deviation = deviation.clamp_min(_LEAST_STEP)
    slopes = []
    for i in range(mean.shape[1]):
        above, below = mean.clone(), mean.clone()
        above[:, i] += deviation[:, i]
        below[:, i] -= deviation[:, i]
        rise = decode(above.to(dtype)).double() - decode(below.to(dtype)).double()
        slopes.append(rise / (2 * deviation[:, i : i + 1]))
    jacobian = torch.stack(slopes, 2)  # (m, d, k)
    identity = torch.eye(mean.shape[1], dtype=torch.float64)
    # With the precision L L^T the covariance is L^-T L^-1.
    lower, failure = torch.linalg.cholesky_ex(identity + jacobian.mT @ jacobian / noise_variance)
    # Where the decoder leaves the range of numbers there is no estimate.
    lower[failure > 0] = math.nan
    inverse = torch.linalg.solve_triangular(lower, identity.expand_as(lower), upper=False)
    return inverse.mT


def _log_weights(
    decode: Decode,
    x: Tensor,
    mean: Tensor,
    scale: Tensor,
    noise_variance: float,
    draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Log weights of draws mean + scale noise, shape (draws, m)."""
    log_volume = scale.diagonal(dim1=1, dim2=2).log().sum(1)
    at_once, found = max(1, min(_ROWS, _VALUES // x.shape[1]) // len(x)), []
    for first in range(0, draws, at_once):
        size = min(at_once, draws - first)
        noise = normal((len(x), size, mean.shape[1]), generator)
        z = mean[:, None] + noise @ scale.mT
        found.append(
            log_weight(
                decode,
                x.repeat_interleave(size, 0),
                z.flatten(0, 1),
                noise.flatten(0, 1),
                log_volume.repeat_interleave(size),
                noise_variance,
            ).view(len(x), size)
        )
    return torch.cat(found, 1).T
