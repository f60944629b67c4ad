"""How many latents a VAE uses, told without a threshold: the KL of latents by rank.

They stand apart from `linvae.measure.collapse`, which counts latents below thresholds.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import real

__all__ = ["kl_by_rank", "tail_sums"]


def kl_by_rank(kl: ArrayLike) -> NDArray[np.float64]:
    """Return the mean KL of each latent over data, the largest first.

    Parameters
    ----------
    kl : array_like of shape (n, k)
        KL(q(z_i|x) || p(z_i)) of each datum and latent, in nats.

    Returns
    -------
    ndarray of shape (k,)
        In nats per datum, descending.

    Raises
    ------
    ValueError
        If `kl` is no such matrix, or not finite.
    """
    values = real("kl", kl)
    if values.ndim != 2 or 0 in values.shape:
        message = f"kl of shape {values.shape} must be a non-empty (n, k) matrix."
        raise ValueError(message)
    return np.sort(values.mean(0))[::-1]


def tail_sums(kl: ArrayLike) -> NDArray[np.float64]:
    """Return the KL that is left beyond the r latents of largest mean KL, for r = 1 to k.

    Parameters
    ----------
    kl : array_like of shape (n, k)
        As `kl_by_rank` takes.

    Returns
    -------
    ndarray of shape (k,)
        In nats per datum, descending to zero.
    """
    # From the small end, so that round-off of the large ones does not hide the small ones.
    from_the_last = np.cumsum(kl_by_rank(kl)[::-1])[::-1]
    return np.append(from_the_last[1:], 0.0)
