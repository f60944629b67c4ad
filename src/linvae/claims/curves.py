"""What claims take of a run's collapse curves: their means, and differences at several epsilon."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from linvae.claims.rows import THRESHOLDS
from linvae.measure.collapse import CollapseCurve
from linvae.measure.splits import SPLITS
from linvae.noise import number

__all__ = ["curve_row", "effective_number"]

# Range of epsilon, in nats. Below it latents that nothing uses still carry what sampling leaves of
# their KL, and at 10 those that are used count as collapsed.
TREND = (0.001, 1.0)


def curve_row(arrays: Mapping[str, NDArray], n_latent: int, delta: float) -> dict[str, float]:
    """Return columns of a deep run's row, of each split; those of test with the prefix ``test_``.

    ``mean_collapse`` is the mean of the collapse curve over the logarithm of epsilon in `TREND`, in
    percent; ``effective`` is `effective_number` in percent of the latents; ``extra_0.03`` and so
    on, for each of `THRESHOLDS`, is the number of used latents less that of the linear optimum at
    the same epsilon (the nearest of the curves'), in percent of the latents.

    `arrays` are ``kl.npz`` of the run, and `delta` the share of the data whose divergence may
    exceed epsilon.
    """
    row = {}
    for prefix in SPLITS.values():
        deep, linear = (
            CollapseCurve.from_arrays(arrays, f"{prefix}{before}") for before in ("", "linear_")
        )
        found, expected = deep.percent(delta), linear.percent(delta)
        inside = (deep.epsilon >= TREND[0] * (1 - 1e-9)) & (deep.epsilon <= TREND[1] * (1 + 1e-9))
        logs = np.log(deep.epsilon)
        mean = np.trapezoid(found[inside], logs[inside]) / np.ptp(logs[inside])
        row |= {
            f"{prefix}effective": 100 * effective_number(arrays[f"{prefix}mean_kl"]) / n_latent,
            f"{prefix}mean_collapse": float(mean),
        }
        for epsilon in THRESHOLDS:
            nearest = np.abs(logs - np.log(epsilon)).argmin()
            extra = float(expected[nearest] - found[nearest])
            row[f"{prefix}extra_{number(epsilon)}"] = extra
    return row


def effective_number(mean_kl: NDArray[np.floating]) -> float:
    """Return how many latents carry the KL: the exponential of the entropy of their shares in it.

    It has no threshold: k for equal shares, 1 where one latent has all, 0 where there is no KL.
    `mean_kl` is that of each latent over data, in nats.
    """
    total = float(mean_kl.sum())
    if total <= 0:
        return 0.0
    shares = np.asarray(mean_kl, dtype=np.float64)[mean_kl > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))
