"""What a linear bypass of some latents adds to any Gaussian VAE, on data of any number.

Residuals are kept in memory, so that a bypass of a great data set is chosen on a part of it and
measured on the rest in blocks: neither has a part in the other.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.bypass.cut import Draws, residuals
from linvae.bypass.linear_bypass import Bypass, across_draws, across_images, bypass
from linvae.bypass.residual import DENSE, held_out_spectrum, spectrum
from linvae.measure.gaussian import Decode, Encode
from linvae.measure.numbers import standard_error
from linvae.seeds import derive_seed
from linvae.shown import short_repr

__all__ = ["Certified", "KEPT", "certified", "part"]

# Number of values, rows times features, of the residuals that are kept in memory.
KEPT = 10_000_000
_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class Certified:
    """What cutting latents and adding a bypass of them gains.

    Attributes
    ----------
    eigenvalues : ndarray of shape (m,)
        Of the residual covariance of the model as it is, by rank, in squared data units; of
        held-out data the variance of one half along the directions of the other.
    change : ndarray of shape (n,)
        ELBO of each datum with the cut minus that without, in nats.
    gains : ndarray of shape (n,)
        What a bypass that was chosen without the datum, or without its draws, adds to that.
    bypass : Bypass
        The one for the data, or the part of them that is kept.
    """

    eigenvalues: NDArray[np.float64]
    change: NDArray[np.float64]
    gains: NDArray[np.float64]
    bypass: Bypass

    __repr__ = short_repr

    @property
    def net(self) -> NDArray[np.float64]:
        """Cut and bypass together, nats of each datum, shape (n,)."""
        return self.change + self.gains

    def numbers(self) -> dict[str, float]:
        """Return ``gain``, ``gain_error`` over data, and ``change`` by the cut: nats per datum."""
        return {
            "gain": float(self.net.mean()),
            "gain_error": standard_error(self.net),
            "change": float(self.change.mean()),
        }


def part(data: NDArray, kept: int = KEPT) -> tuple[NDArray, NDArray[np.bool_]]:
    """Return rows in equal steps that hold no more than some number of values, and which they are.

    Parameters
    ----------
    data
        Shape (n, d).
    kept
        Number of values.
    """
    step = max(1, -(-data.size // kept))
    chosen = np.zeros(len(data), bool)
    chosen[::step] = True
    return data[::step], chosen


def certified(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    cut: NDArray[np.bool_],
    noise_variance: float,
    *,
    held_out: bool,
    seed: int,
    kept: int = KEPT,
    dtype: torch.dtype = torch.float32,
) -> Certified:
    """Measure one data set.

    Parameters
    ----------
    encode, decode, data, cut, noise_variance, seed, dtype
        As in `linvae.bypass.cut.residuals`; the cut chosen on other draws.
    held_out
        Ask for what the data's distribution has to give (one half of the images chooses, the other
        measures) and not for what is left of the objective on these very data (draws do).
    kept
        Values of residuals to keep. More data than that are measured in blocks.
    """
    model, options = (encode, decode), {"seed": seed, "dtype": dtype}
    rows, chosen = part(data, kept)
    n_cut, nothing = int(cut.sum()), np.zeros_like(cut)
    draws = Draws(*model, rows, **options)
    found = draws.residuals(nothing, noise_variance)
    n_leading = data.shape[1] if data.shape[1] <= DENSE else len(cut)
    by_rank = held_out_spectrum if held_out else spectrum
    values = by_rank(*found.halves, n_leading, noise_variance)
    if n_cut:
        # Two sets of residuals need not be in memory at once.
        del found
        found = draws.residuals(cut, noise_variance)
    halves = found.halves
    made = bypass(*halves, noise_variance, n_cut)
    if held_out:
        gained = across_images(*halves, noise_variance, n_cut)
    else:
        gained = across_draws(found.groups, noise_variance, n_cut)
    change, gains = np.empty(len(data)), np.empty(len(data))
    change[chosen], gains[chosen] = found.change, gained
    block = max(1, min(_BLOCK, kept // (4 * data.shape[1])))
    for start in range(0, len(data), block):
        others = start + np.flatnonzero(~chosen[start : start + block])
        if len(others):
            own = {"seed": derive_seed(seed, f"block/{start}"), "dtype": dtype, "n_groups": 2}
            left = residuals(*model, data[others], cut, noise_variance, **own)
            change[others], gains[others] = left.change, made.gains(*left.halves)
    return Certified(values, change, gains, made)
