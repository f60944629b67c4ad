"""A linear way past a Gaussian VAE, carried by latents that it leaves free, and what it is worth.

`linvae.bypass.residual` says what such a bypass gains where its values are the best ones for the
data. Here it is made, and measured on what had no part in making it: other draws of z where the
question is what the training objective has left, other data where it is what their distribution
has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linvae.bypass.residual import halves, leading
from linvae.shown import short_repr

__all__ = ["Bypass", "across_draws", "across_images", "bypass"]

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Bypass:
    """A linear way past a VAE: W z + b beside its decoder, V (r(x) - b) beside its encoder.

    Attributes
    ----------
    directions : ndarray of shape (d, m)
        Orthonormal u_j.
    variances : ndarray of shape (m,)
        Variance rho_j of the residual along each, larger than sigma^2.
    shift : ndarray of shape (d,)
        b.
    noise_variance : float
        sigma^2.
    """

    directions: NDArray[np.float64]
    variances: NDArray[np.float64]
    shift: NDArray[np.float64]
    noise_variance: float

    __repr__ = short_repr

    @property
    def weights(self) -> NDArray[np.float64]:
        """W (d, m): u_j (rho_j - sigma^2)^{1/2}."""
        return self.directions * np.sqrt(self.variances - self.noise_variance)

    @property
    def encoder(self) -> NDArray[np.float64]:
        """V (m, d): w_j^T / rho_j."""
        return (self.weights / self.variances).T

    @property
    def posterior_variance(self) -> NDArray[np.float64]:
        """D (m,): sigma^2 / rho_j."""
        return self.noise_variance / self.variances

    def parts(self, half_a: Array, half_b: Array) -> NDArray[np.float64]:
        """Gain of each datum by the shift and by each direction, shape (n, 1 + m).

        2 b^T r - |b|^2 over 2 sigma^2, and 1/2 [ s_j (1 / sigma^2 - 1 / rho_j) - log(rho_j /
        sigma^2) ] with s_j = (u_j^T (r - b))^2. Averaged over data that had no part in making the
        bypass, no part is too large; any may be negative.

        Parameters
        ----------
        half_a, half_b
            As `linvae.bypass.residual.spectrum` takes them, of any data.
        """
        shift = (half_a + half_b) @ self.shift - self.shift @ self.shift
        offset = self.shift @ self.directions
        squares = (half_a @ self.directions - offset) * (half_b @ self.directions - offset)
        ratio = self.variances / self.noise_variance
        along = 0.5 * (squares * (1 - 1 / ratio) / self.noise_variance - np.log(ratio))
        return np.column_stack([shift / (2 * self.noise_variance), along])

    def gains(self, half_a: Array, half_b: Array) -> NDArray[np.float64]:
        """Gain of each datum, shape (n,), by shift and directions together."""
        return self.parts(half_a, half_b).sum(1)


def bypass(half_a: Array, half_b: Array, noise_variance: float, n_collapsed: int) -> Bypass:
    """Return the best bypass of c latents for the residuals at hand.

    Parameters
    ----------
    half_a, half_b
        As `linvae.bypass.residual.spectrum` takes them.
    noise_variance, n_collapsed
        As in `linvae.bypass.residual.gain`. Of the c latents those are used whose rho_j exceeds
        sigma^2.
    """
    shift = 0.5 * (half_a.mean(0, dtype=np.float64) + half_b.mean(0, dtype=np.float64))
    if n_collapsed:
        values, vectors = leading(half_a, half_b, n_collapsed, above=noise_variance)
    else:
        values, vectors = np.empty(0), np.empty((half_a.shape[1], 0))
    used = values > noise_variance
    return Bypass(vectors[:, used], values[used], shift, noise_variance)


def across_draws(
    groups: Sequence[Array], noise_variance: float, n_collapsed: int
) -> NDArray[np.float64]:
    """Gain of each datum, (n,), by bypasses that other draws of z have chosen: for these data.

    Parameters
    ----------
    groups
        Four independent estimates of the mean residual of the same data, each (n, d): two choose a
        bypass and the other two measure it, and the other way round.
    noise_variance, n_collapsed
        As in `linvae.bypass.residual.gain`.
    """
    pairs = (groups[:2], groups[2:])
    found = [
        bypass(*chosen, noise_variance, n_collapsed).gains(*other)
        for chosen, other in (pairs, pairs[::-1])
    ]
    return np.mean(found, axis=0)


def across_images(
    half_a: Array, half_b: Array, noise_variance: float, n_collapsed: int
) -> NDArray[np.float64]:
    """Gain of each datum, (n,), by a bypass that the other half of the data has chosen.

    Each half decides by its own two halves how many directions, and whether a shift, would have
    held on other data. The mean is what the data's distribution has to give, or less.

    Parameters
    ----------
    half_a, half_b, noise_variance, n_collapsed
        As in `bypass`.
    """
    gains = np.empty(len(half_a))
    for one, other in halves(len(half_a)):
        chosen = _cautious(half_a[one], half_b[one], noise_variance, n_collapsed)
        gains[other] = chosen.gains(half_a[other], half_b[other])
    return gains


def _cautious(half_a: Array, half_b: Array, noise_variance: float, n_collapsed: int) -> Bypass:
    """Return the bypass with as many directions, and a shift if, as halves of the data confirm."""
    confirmed = np.zeros(1 + n_collapsed)
    for one, other in halves(len(half_a)):
        inner = bypass(half_a[one], half_b[one], noise_variance, n_collapsed)
        parts = inner.parts(half_a[other], half_b[other]).mean(0)
        confirmed[: len(parts)] += parts
    n_kept = int(np.argmax(np.cumsum([0.0, *confirmed[1:]])))
    found = bypass(half_a, half_b, noise_variance, n_kept)
    return found if confirmed[0] > 0 else replace(found, shift=np.zeros_like(found.shift))
