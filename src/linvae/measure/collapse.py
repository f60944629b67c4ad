"""Posterior collapse: which latent dimensions carry no information about the data.

Dimension i is (epsilon, delta)-collapsed if KL_i(x) < epsilon for a share of at least 1 - delta of
the data x, where KL_i is the divergence of q(z_i|x) from the prior N(0, 1), in nats.

References
----------
Lucas, Tucker, Grosse and Norouzi (2019), *Don't Blame the ELBO!*, definition 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.arrays import number, real
from linvae.shown import short_repr

__all__ = ["CollapseCurve", "collapse_percent", "epsilon_grid", "kl_per_dimension"]


def kl_per_dimension(mean: ArrayLike, variance: ArrayLike) -> NDArray[np.float64]:
    """KL divergence of N(mean, variance) from N(0, 1), 1/2 (m^2 + v - 1 - log v), in nats.

    Parameters
    ----------
    mean : array_like of shape (n, k)
    variance : array_like of shape (n, k), or (k,) or () where the data share it

    Raises
    ------
    ValueError
        If shapes do not fit, `mean` is not finite, or a variance is not positive and finite.
    """
    m, v = real("mean", mean), real("variance", variance)
    if m.ndim != 2 or v.shape not in {m.shape, m.shape[1:], ()}:
        message = (
            f"mean has shape {m.shape}, variance {v.shape}; (n, k) is needed, or (k,) or () for a "
            "variance that the data share."
        )
        raise ValueError(message)
    if not (v > 0).all():
        message = f"variance holds {v.min()}; every variance must be positive."
        raise ValueError(message)
    # Near v = 1 the difference is all round-off, which may fall below zero.
    return 0.5 * (m**2 + np.maximum((v - 1.0) - np.log(v), 0.0))


def collapse_percent(
    kl: ArrayLike, epsilon: ArrayLike, delta: float = 0.01
) -> float | NDArray[np.float64]:
    """Percentage of dimensions that are (epsilon, delta)-collapsed.

    Parameters
    ----------
    kl : array_like of shape (n, k)
        In nats.
    epsilon : float or array_like of shape (m,)
        Positive, in nats.
    delta : float
        Share of the data that may exceed epsilon, from 0 to below 1.

    Returns
    -------
    float, or ndarray of shape (m,)
        From 0 to 100.
    """
    kl = _check_kl(kl)
    epsilon = real("epsilon", epsilon)
    percent = _percent(_counts_below(kl, epsilon.ravel()), kl.shape[0], delta)
    return float(percent[0]) if epsilon.ndim == 0 else percent.reshape(epsilon.shape)


def epsilon_grid(low: int = -6, high: int = 2, per_decade: int = 40) -> NDArray[np.float64]:
    """Return thresholds in nats from 10^low to 10^high; powers of ten are exact."""
    steps = np.arange((high - low) * per_decade + 1)
    grid = 10.0 ** (low + steps / per_decade)
    grid[::per_decade] = [float(f"1e{exponent}") for exponent in range(low, high + 1)]
    return grid


@dataclass(frozen=True, eq=False)
class CollapseCurve:
    """Counts from which collapse follows at any delta and any epsilon of a grid, exactly.

    It stands for the n k divergences at the size of k times the grid, whatever n.

    Attributes
    ----------
    epsilon : ndarray of shape (m,)
        Ascending thresholds, in nats.
    counts : ndarray of uint32, shape (k, m)
        Number of data with KL_i < epsilon_j.
    n_samples : int
    """

    epsilon: NDArray[np.float64]
    counts: NDArray[np.uint32]
    n_samples: int

    __repr__ = short_repr

    @classmethod
    def from_kl(cls, kl: ArrayLike, epsilon: ArrayLike | None = None) -> Self:
        """Count divergences of shape (n, k) below each threshold.

        Parameters
        ----------
        kl : array_like of shape (n, k)
        epsilon : array_like of shape (m,), optional
            Ascending; `epsilon_grid()` where left out.
        """
        kl = _check_kl(kl)
        grid = epsilon_grid() if epsilon is None else real("epsilon", epsilon)
        if grid.ndim != 1 or grid.size == 0 or not (np.diff(grid) > 0).all():
            message = f"epsilon of shape {grid.shape} must be a list of ascending thresholds."
            raise ValueError(message)
        return cls(grid, _counts_below(kl, grid), kl.shape[0])

    def percent(self, delta: float = 0.01) -> NDArray[np.float64]:
        """Collapse percentage at every epsilon of the grid, shape (m,)."""
        return _percent(self.counts, self.n_samples, delta)

    def arrays(self, prefix: str = "") -> dict[str, NDArray]:
        """Return the curve as arrays whose names have a prefix, as a `.npz` file holds them."""
        return {
            f"{prefix}epsilon": self.epsilon,
            f"{prefix}counts": self.counts,
            f"{prefix}n_samples": np.asarray(self.n_samples),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray], prefix: str = "") -> Self:
        """Read what `arrays` gave.

        Raises
        ------
        ValueError
            If an array is missing, or they do not fit together.
        """
        names = [f"{prefix}{name}" for name in ("epsilon", "counts", "n_samples")]
        shapes = [arrays[name].shape for name in names if name in arrays]
        if len(shapes) != 3 or shapes[1][1:] != shapes[0] or shapes[2] != ():
            message = f"arrays {', '.join(names)} of a collapse curve are missing or do not fit"
            raise ValueError(message)
        epsilon, counts, n_samples = (arrays[name] for name in names)
        return cls(epsilon, counts, int(n_samples))


def _check_kl(kl: ArrayLike) -> NDArray:
    """Return divergences as a non-empty matrix without NaN."""
    kl = real("kl", kl, finite=False)
    if kl.ndim != 2 or 0 in kl.shape or np.isnan(kl).any():
        message = f"kl of shape {kl.shape} must be a non-empty (n, k) matrix without NaN."
        raise ValueError(message)
    return kl


def _counts_below(kl: NDArray, epsilon: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Count, for each dimension and threshold, the data strictly below; shape (k, m)."""
    if not (epsilon > 0).all():
        message = f"epsilon={epsilon.tolist()} must be positive (measurement in config.yaml)."
        raise ValueError(message)
    ordered = (np.sort(column) for column in kl.T)
    return np.array([np.searchsorted(c, epsilon, side="left") for c in ordered], dtype=np.uint32)


def _percent(counts: NDArray[np.uint32], n_samples: int, delta: float) -> NDArray[np.float64]:
    """Percentage of rows of counts that reach (1 - delta) n."""
    if not 0.0 <= number("delta", delta) < 1.0:
        message = f"delta={delta} must be at least 0 and below 1 (measurement in config.yaml)."
        raise ValueError(message)
    # Compared as exceedances, with room for the round-off of delta n: 0.29 * 100 is not 29.
    allowed = np.floor(delta * n_samples * (1.0 + 1e-12))
    exceeding = n_samples - counts.astype(np.int64)
    below = exceeding <= allowed
    return 100.0 * below.sum(axis=0) / len(below)
