"""Restarts of the linear VAE from many places, to look for maxima that are not global."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.landscape.climb import Stop, climb
from linvae.linear import alignment, elbo, saddles, stationary
from linvae.linear.spectrum import Spectrum
from linvae.seeds import numpy_generator

__all__ = ["RestartPoint", "restart_points", "restarts"]

COLLAPSED_SCALES = (1e-6, 1e-10)
SADDLE_SCALE = 1e-3


@dataclass(frozen=True, eq=False)
class RestartPoint:
    """Where a restart begins.

    Attributes
    ----------
    kind : str
        ``hadamard``, ``random``, ``collapsed``, ``partly-collapsed``, ``saddle-few``,
        ``saddle-wrong`` or ``saddle-elbo``.
    scale : float
        Of the random part of the weights; at 1 a column is about as long as the root of the mean
        eigenvalue.
    seed : int
    weights : ndarray of shape (d, k)
    noise_variance : float
    """

    kind: str
    scale: float
    seed: int
    weights: NDArray[np.float64]
    noise_variance: float


def restarts(
    spectrum: Spectrum, n_latent: int, scales: Sequence[float], seeds: Sequence[int]
) -> pd.DataFrame:
    """Maximise the ELBO from every start, noise variance included, with and without rotations.

    Without rotations it takes ten times as long, and starts from the first seed alone.

    Parameters
    ----------
    spectrum, n_latent, scales, seeds
        As in `restart_points`.

    Returns
    -------
    DataFrame
        One row a start and way of solving: ``kind``, ``scale``, ``seed``, ``rotate``; of the end
        ``end_elbo``, ``gap`` (to the pPCA maximum), ``gradient``, ``curvature`` (the largest; empty
        unless the end is stationary and below the maximum), ``mean_abs_cos``, ``converged``;
        ``start_elbo``; ``saddles`` passed on the way, the ``saddle_gap`` of the lowest and the
        least ``saddle_curvature`` of them; ``iterations`` of all. In nats per datum.
    """
    rows = []
    for start in restart_points(spectrum, n_latent, scales, seeds):
        for rotate in (True, False) if start.seed == seeds[0] else (True,):
            stops = climb(spectrum, start.weights, start.noise_variance, rotate=rotate)
            rows.append(
                {**_start_columns(start, spectrum), "rotate": rotate, **_ended(stops, spectrum)}
            )
    return pd.DataFrame(rows)


def _start_columns(start: RestartPoint, spectrum: Spectrum) -> dict[str, object]:
    return {
        "kind": start.kind,
        "scale": start.scale,
        "seed": start.seed,
        "start_elbo": elbo.profiled(start.weights, start.noise_variance, spectrum),
    }


def _ended(stops: list[Stop], spectrum: Spectrum) -> dict[str, object]:
    *passed, end = stops
    return {
        "end_elbo": end.elbo,
        "gap": end.gap,
        "gradient": end.gradient,
        "curvature": end.curvature,
        "mean_abs_cos": alignment.mean_abs_cos(end.weights, spectrum.eigenvectors),
        "converged": end.converged,
        "saddles": len(passed),
        "saddle_gap": max((stop.gap for stop in passed), default=math.nan),
        "saddle_curvature": min((stop.curvature for stop in passed), default=math.nan),
        "iterations": sum(len(stop.history) - 1 for stop in stops),
    }


def restart_points(
    spectrum: Spectrum, n_latent: int, scales: Sequence[float], seeds: Sequence[int]
) -> Iterator[RestartPoint]:
    """Give random, collapsed and partly collapsed starts, and starts beside saddle points.

    Half of the columns collapse in a partly collapsed start. A saddle point of the likelihood keeps
    either half as many eigenvectors as it may, or as many as it may but not the leading ones; each
    at its own maximum-likelihood noise variance. That of the ELBO is `saddles.elbo_saddle`.
    The first start, and the only one without random numbers, is the maximum rotated by Hadamard
    matrices, from where the ELBO's gradient leads to that saddle point.

    Parameters
    ----------
    spectrum : Spectrum
    n_latent : int
        k.
    scales : sequence of float
        Of the random starts.
    seeds : sequence of int
        Each gives every start with random numbers once.
    """
    mean_eigenvalue = spectrum.total_variance / spectrum.n_features
    half = n_latent // 2
    few = np.arange(max(1, half))
    wrong = np.arange(max(1, half), n_latent + max(1, half))
    wrong = wrong[wrong < spectrum.n_features - 1]
    yield RestartPoint("hadamard", 0.0, seeds[0], *saddles.rotated_maximum(spectrum, n_latent))
    of_likelihood = [
        (kind, *_stationary(spectrum, n_latent, kept))
        for kind, kept in (("saddle-few", few), ("saddle-wrong", wrong))
    ]
    stationary_points = [*of_likelihood, ("saddle-elbo", *saddles.elbo_saddle(spectrum, n_latent))]
    for seed in seeds:
        noise = _noise(spectrum, n_latent, seed)
        for scale in scales:
            yield RestartPoint("random", scale, seed, scale * noise, mean_eigenvalue)
        for scale in COLLAPSED_SCALES:
            yield RestartPoint("collapsed", scale, seed, scale * noise, mean_eigenvalue)
        scale = COLLAPSED_SCALES[0]
        partly = noise * np.where(np.arange(n_latent) < half, 1.0, scale)
        yield RestartPoint("partly-collapsed", scale, seed, partly, mean_eigenvalue)
        for kind, weights, noise_variance in stationary_points:
            beside = weights + SADDLE_SCALE * noise
            yield RestartPoint(kind, SADDLE_SCALE, seed, beside, noise_variance)


def _noise(spectrum: Spectrum, n_latent: int, seed: int) -> NDArray[np.float64]:
    """Return normal draws with columns about as long as the root of the mean eigenvalue."""
    d = spectrum.n_features
    draws = numpy_generator(seed, "restarts").standard_normal((d, n_latent))
    return draws * math.sqrt(spectrum.total_variance) / d


def _stationary(
    spectrum: Spectrum, n_latent: int, kept: NDArray[np.intp]
) -> tuple[NDArray[np.float64], float]:
    """Stationary point of the likelihood that keeps some eigenvectors; other columns are zero.

    A noise variance above a kept eigenvalue would need an imaginary column: such eigenvectors are
    given up, the smallest first, until none is left.

    References
    ----------
    Tipping and Bishop (1999), appendix A.
    """
    values = spectrum.eigenvalues
    while True:
        noise_variance = float(np.delete(values, kept).mean())
        if kept.size == 0 or values[kept[-1]] > noise_variance:
            break
        kept = kept[:-1]
    return stationary.stationary_weights(spectrum, n_latent, noise_variance, kept), noise_variance
