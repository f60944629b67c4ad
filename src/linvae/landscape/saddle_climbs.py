"""Saddle points that the ELBO adds to the likelihood's: where L-BFGS meets one, and how it leaves.

The start is the maximum rotated by Hadamard matrices, where the likelihood is stationary and the
ELBO is not. L-BFGS that never rotates stops at a saddle point of the ELBO; both ways along its
direction of steepest ascent are followed.
"""

import numpy as np
import pandas as pd

from linvae.landscape.climb import STEP, Stop, climb_on, first_stop, surface
from linvae.linear import alignment, ppca, saddles
from linvae.linear.ascent import profiled_gradient
from linvae.linear.solve import Record
from linvae.linear.spectrum import Spectrum

__all__ = ["saddle_climbs"]

WAYS = {"along": 1.0, "against": -1.0}
# Points of a path, and of the straight line through the saddle point, over this many steps.
RECORDS = 150
LINE = np.linspace(-4.0, 4.0, 33) * STEP


def saddle_climbs(spectrum: Spectrum, n_latents: list[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Climb from the rotated maximum, for several numbers of latents.

    Parameters
    ----------
    spectrum : Spectrum
    n_latents : list of int

    Returns
    -------
    points : DataFrame
        One row a number of latents and way on (``along``, ``against``). Of the point where L-BFGS
        stopped first: ``gap`` to the maximum and ``predicted_gap`` in closed form, ``marginal_gap``
        of its likelihood, ``gradient`` and ``likelihood_gradient``, lengths in dimensionless
        parameters, ``curvature``, the largest, and ``turning_curvature``, what theory says it
        exceeds. Of the end: ``end_gap``, ``end_gradient``, ``end_curvature`` (empty at the
        maximum), ``mean_abs_cos``, ``saddles`` passed, the first included, ``iterations``.
    paths : DataFrame
        ``n_latent``; ``path``: ``start``, ``along``, ``against``, or ``line``, straight through the
        saddle point; ``position``: iterations, on the line displacement in deviations of the
        noise; ``gap`` and ``marginal_gap`` (not on the line).
    """
    points, paths = [], []
    for n_latent in n_latents:
        first = first_stop(spectrum, *saddles.rotated_maximum(spectrum, n_latent), rotate=False)
        best = ppca.max_log_likelihood(spectrum, n_latent)
        paths += [
            _path(first.history, best, n_latent, "start", 0),
            _line(spectrum, first, n_latent),
        ]
        for way, sign in WAYS.items():
            later = list(climb_on(spectrum, first, rotate=False, sign=sign))
            points.append({"n_latent": n_latent, "way": way, **_row(spectrum, [first, *later])})
            if later:
                history = [record for stop in later for record in stop.history]
                paths.append(_path(history, best, n_latent, way, len(first.history)))
    return pd.DataFrame(points), pd.concat(paths, ignore_index=True)


def _row(spectrum: Spectrum, stops: list[Stop]) -> dict[str, object]:
    first, end = stops[0], stops[-1]
    n_latent = first.weights.shape[1]
    there = surface(spectrum, first.weights, first.noise_variance)
    return {
        "gap": first.gap,
        "predicted_gap": saddles.saddle_gap(spectrum, n_latent),
        "marginal_gap": first.marginal_gap,
        "gradient": first.gradient,
        "likelihood_gradient": float(np.linalg.norm(there.likelihood_gradient())),
        "curvature": first.curvature,
        "turning_curvature": saddles.turning_curvature(first.weights, first.noise_variance),
        "end_gap": end.gap,
        "end_gradient": end.gradient,
        "end_curvature": end.curvature,
        "mean_abs_cos": alignment.mean_abs_cos(end.weights, spectrum.eigenvectors),
        "saddles": sum(stop.is_saddle for stop in stops),
        "iterations": sum(len(stop.history) - 1 for stop in stops),
    }


def _path(
    history: list[Record], best: float, n_latent: int, path: str, offset: int
) -> pd.DataFrame:
    """Thin a history out, more so the longer it has gone on."""
    last = len(history) - 1
    kept = np.unique(np.geomspace(1, last + 1, RECORDS).round().astype(int)) - 1
    records = [history[i] for i in kept]
    return pd.DataFrame(
        {
            "n_latent": n_latent,
            "path": path,
            "position": offset + kept,
            "gap": [best - record.elbo for record in records],
            "marginal_gap": [best - record.log_likelihood for record in records],
        }
    )


def _line(spectrum: Spectrum, saddle: Stop, n_latent: int) -> pd.DataFrame:
    """ELBO straight through a saddle point; nothing where there was none."""
    if not saddle.is_saddle:
        return pd.DataFrame()
    here = surface(spectrum, saddle.weights, saddle.noise_variance)
    best = ppca.max_log_likelihood(spectrum, n_latent)
    gaps = []
    for t in LINE:
        weights, noise_variance = here.moved(t * saddle.bend.direction)
        value = profiled_gradient(weights, noise_variance, spectrum.eigenvalues)[0]
        gaps.append(best - value)
    told = {"n_latent": n_latent, "path": "line", "position": LINE, "gap": gaps}
    return pd.DataFrame(told).assign(marginal_gap=np.nan)
