"""The aggregated posterior, the mixture of q(z|x) over the data, beside the prior."""

import numpy as np
from numpy.typing import NDArray

from linvae.diagnose.lookalikes import latents

__all__ = ["aggregated_notes", "correlation_nats", "shift_and_scale_nats"]

_NATS = 1.0
# Of the whole: latents with less are not named.
_SHARE = 0.05


def shift_and_scale_nats(
    mean: NDArray[np.float64], log_variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Nats per datum that each latent gains by shift and scale, undone in the decoder: shape (k,).

    .. math:: \tfrac12 (M_i^2 + V_i - 1 - \log V_i)

    with mean M and variance V of z over the data, V = Var E[z|x] + E Var[z|x]. With (z - M) /
    sqrt(V) for z, and a decoder that undoes it, the reconstructions are the same, and the KL is
    lower by just this, averaged over the data.

    Parameters
    ----------
    mean, log_variance
        Of q(z|x), each (n, k).
    """
    centre = mean.mean(0)
    variance = mean.var(0) + np.exp(log_variance).mean(0)
    return 0.5 * (centre**2 + variance - 1 - np.log(variance))


def correlation_nats(mean: NDArray[np.float64], log_variance: NDArray[np.float64]) -> float:
    r"""Nats per datum that correlations of the latents over the data cost beyond shift and scale.

    With all of them, 1/2 (tr C + |M|^2 - k - log det C) is what N(M, C) gains as the prior, of the
    covariance C of z over the data: this is minus half the log determinant of the correlations.
    """
    covariance = np.atleast_2d(np.cov(mean.T, bias=True))
    covariance = covariance + np.diag(np.exp(log_variance).mean(0))
    scale = np.sqrt(np.diag(covariance))
    return float(-0.5 * np.linalg.slogdet(covariance / np.outer(scale, scale))[1])


def aggregated_notes(mean: NDArray[np.float64], log_variance: NDArray[np.float64]) -> list[str]:
    """Say by how many nats the latents, over the data, are not as the prior has them.

    Parameters
    ----------
    mean, log_variance
        Of q(z|x), each (n, k).
    """
    notes = []
    nats = shift_and_scale_nats(mean, log_variance)
    total = float(nats.sum())
    if total > _NATS:
        notes.append(
            "The latents' mean or scale over the data is not the prior's: shifting and scaling"
            f" them, and undoing it in the decoder, gains {total:.3g} nats per datum, at the same"
            f" reconstructions ({latents(nats > _SHARE * total)})."
        )
    n, k = mean.shape
    joint = correlation_nats(mean, log_variance)
    # Of independent latents as much is found by chance.
    if joint - k * (k - 1) / (4 * n) > _NATS:
        notes.append(
            "The latents are correlated over the data, as those of the prior are not: a prior with"
            f" their correlations would gain {joint:.3g} nats per datum, at the same"
            " reconstructions."
        )
    return notes
