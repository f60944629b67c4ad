"""Climbing the ELBO from a start, past the saddle points on the way, to where it ends.

Where L-BFGS stops short of the maximum the gradient tells a stationary point from a climb that is
not over, and the Hessian a saddle point from a maximum. A saddle point is left along its direction
of steepest ascent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linvae.linear import ppca
from linvae.linear.curvature import RESIDUAL, Bend, Surface
from linvae.linear.solve import Record, lbfgs
from linvae.linear.spectrum import Spectrum

__all__ = ["AT_MAXIMUM", "STATIONARY", "STEP", "Stop", "climb", "climb_on", "first_stop", "surface"]

# Nats: an end that is nearer to the maximum is at the maximum, and needs no Hessian.
AT_MAXIMUM = 1e-4
# Length of the dimensionless gradient: a start has 10 to 100; a Newton step from here moves a point
# with the curvatures that were met (1e-4 and more) by a tenth of the noise's deviation at most.
STATIONARY = 1e-5
# How far a saddle point is left: one standard deviation of the noise.
STEP = 1.0
MOST_SADDLES = 4
# Iterations to a stop, by whether the solver rotates: without, the last thousandth of a nat
# takes longer than all before it, and is not waited for.
MOST_ITERATIONS = {True: 6000, False: 5000}


@dataclass(frozen=True, eq=False)
class Stop:
    """Where L-BFGS stopped.

    Attributes
    ----------
    weights : ndarray of shape (d, k)
    noise_variance : float
    elbo, gap, marginal_gap : float
        ELBO, and its and the likelihood's distance below the pPCA maximum; nats per datum.
    gradient : float
        Length of the ELBO's dimensionless gradient.
    bend : Bend or None
        Largest curvature of the ELBO, in dimensionless parameters: None unless the point is
        stationary and below the maximum.
    history : list of Record
        On the way here.
    converged : bool
    """

    weights: NDArray[np.float64]
    noise_variance: float
    elbo: float
    gap: float
    marginal_gap: float
    gradient: float
    bend: Bend | None
    history: list[Record]
    converged: bool

    @property
    def curvature(self) -> float:
        """The largest curvature; not a number where it was not needed."""
        return math.nan if self.bend is None else self.bend.curvature

    @property
    def is_saddle(self) -> bool:
        """Whether the point is stationary and has a direction of ascent."""
        return self.bend is not None and self.bend.curvature > RESIDUAL


def climb(
    spectrum: Spectrum, weights: NDArray[np.float64], noise_variance: float, *, rotate: bool
) -> list[Stop]:
    """Maximise the ELBO from a start, leaving saddle points upward.

    Parameters
    ----------
    spectrum : Spectrum
    weights : ndarray of shape (d, k)
        The start.
    noise_variance : float
        The start's.
    rotate : bool
        As in `linvae.linear.solve.lbfgs`.

    Returns
    -------
    list of Stop
        The saddle points that were passed, and the end.
    """
    first = first_stop(spectrum, weights, noise_variance, rotate)
    return [first, *climb_on(spectrum, first, rotate=rotate)]


def climb_on(
    spectrum: Spectrum, saddle: Stop, *, rotate: bool, sign: float = 1.0
) -> Iterator[Stop]:
    """Leave a saddle point along its direction of steepest ascent, and those that follow.

    Parameters
    ----------
    spectrum, rotate
        As in `climb`.
    saddle : Stop
        Nothing follows one that is no saddle point.
    sign : float
        1 or -1: which of the two ways the first saddle point is left.

    Yields
    ------
    Stop
        The next, until one is no saddle point or four were left.
    """
    for _ in range(MOST_SADDLES):
        if not saddle.is_saddle:
            return
        here = surface(spectrum, saddle.weights, saddle.noise_variance)
        moved, noise_variance = here.moved(sign * STEP * saddle.bend.direction)
        saddle = first_stop(spectrum, spectrum.eigenvectors @ moved, noise_variance, rotate)
        yield saddle
        sign = 1.0


def surface(spectrum: Spectrum, weights: NDArray[np.float64], noise_variance: float) -> Surface:
    """Return the ELBO's surface around weights in the data's coordinates."""
    return Surface(spectrum.eigenvectors.T @ weights, noise_variance, spectrum.eigenvalues)


def first_stop(
    spectrum: Spectrum, weights: NDArray[np.float64], noise_variance: float, rotate: bool
) -> Stop:
    """Maximise the ELBO from a start until L-BFGS stops; as `climb`, but without going on."""
    n_latent = weights.shape[1]
    end = lbfgs(
        spectrum,
        n_latent,
        initial_weights=weights,
        initial_noise_variance=noise_variance,
        max_iterations=MOST_ITERATIONS[rotate],
        rotate=rotate,
    )
    best = ppca.max_log_likelihood(spectrum, n_latent)
    here = surface(spectrum, end.weights, end.noise_variance)
    gap, gradient = best - end.elbo, float(np.linalg.norm(here.gradient()))
    return Stop(
        end.weights,
        end.noise_variance,
        end.elbo,
        gap,
        best - ppca.log_likelihood(end.weights, end.noise_variance, spectrum),
        gradient,
        here.steepest() if gap > AT_MAXIMUM and gradient <= STATIONARY else None,
        end.history,
        end.converged,
    )
