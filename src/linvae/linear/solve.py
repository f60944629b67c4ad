"""The linear VAE of maximum ELBO, by L-BFGS from a random start."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from linvae.arrays import positive, real
from linvae.linear import elbo, ppca
from linvae.linear.ascent import Ascent, Record
from linvae.linear.spectrum import Spectrum
from linvae.seeds import numpy_generator
from linvae.shown import short_repr

__all__ = ["Solution", "lbfgs"]

STEPS_PER_CYCLE = 60
# Without rotations a cycle's end only empties the memory of L-BFGS, which is better kept.
STEPS_WITHOUT_ROTATION = 1000

# Largest entry of the gradient at convergence, times sqrt(s) to free it of the data's scale.
GRADIENT_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Solution:
    """A linear VAE that L-BFGS found.

    Attributes
    ----------
    weights : ndarray of shape (d, k)
    noise_variance : float
    encoder : ndarray of shape (k, d)
    posterior_variance : ndarray of shape (k,)
    elbo : float
    history : list of Record
        The start, and every iteration: a step of L-BFGS or a rotation.
    iterations : int
    converged : bool
        False if the iterations ran out first, or the line search failed.
    """

    weights: NDArray[np.float64]
    noise_variance: float
    encoder: NDArray[np.float64]
    posterior_variance: NDArray[np.float64]
    elbo: float
    history: list[Record]
    iterations: int
    converged: bool

    __repr__ = short_repr


# Products of this size gain nothing from more threads, and lose where cores are shared.
@threadpool_limits.wrap(limits=1, user_api="blas")
def lbfgs(
    spectrum: Spectrum,
    n_latent: int,
    seed: int = 0,
    *,
    noise_variance: float | None = None,
    initial_weights: ArrayLike | None = None,
    initial_noise_variance: float | None = None,
    max_iterations: int = 6000,
    tolerance: float = 1e-6,
    rotate: bool = True,
    callback: Callable[[Record, Callable[[], NDArray[np.float64]]], None] | None = None,
) -> Solution:
    """Maximise the ELBO of a linear VAE from a random start.

    Neither the start nor the rule to stop, which looks at the progress alone, knows the solution.
    An exact stationary point, such as weights of zero, is never left.

    Parameters
    ----------
    spectrum : Spectrum
    n_latent : int
        k, from 1 to d - 1; k = d is possible where `noise_variance` is given.
    seed : int
        Of the random start; unused where `initial_weights` is given.
    noise_variance : float, optional
        Held fixed where given.
    initial_weights : array_like of shape (d, k), optional
        Otherwise normal draws with columns about as long as the root of the mean eigenvalue.
    initial_noise_variance : float, optional
        Otherwise the mean eigenvalue; unused where `noise_variance` is given.
    max_iterations : int
        Steps and rotations together.
    tolerance : float
        Stop once a cycle of 60 steps and a rotation (1,000 steps without) gains no more than this,
        in nats.
    rotate : bool
        Whether W is rotated to its principal axes after each cycle, which no gradient step does at
        once: it leaves log p(x) as it is, aligns the columns and closes the inference gap.
    callback : callable, optional
        Called at the start and after every iteration with the record and a function that returns
        the weights (d, k): a product that costs as much as the iteration.

    Raises
    ------
    ValueError
        As `ppca.fit`: k out of range, a variance that is not positive, an unbounded likelihood.
    """
    u = spectrum.eigenvectors
    # Only for its errors: a likelihood without a maximum has nothing to climb to.
    ppca.max_log_likelihood(spectrum, n_latent, noise_variance=noise_variance)
    first = initial_noise_variance if noise_variance is None else noise_variance
    start = _start(spectrum, n_latent, seed, initial_weights, first)

    def report(record: Record, rotated: NDArray[np.float64]) -> None:
        if callback is not None:
            callback(record, lambda: u @ rotated)

    ascent = Ascent(spectrum.eigenvalues, *start, noise_variance, report)
    converged, n_steps, longest = False, 1, STEPS_PER_CYCLE if rotate else STEPS_WITHOUT_ROTATION
    # A cycle needs room for a step and a rotation.
    while not converged and n_steps > 0 and (room := max_iterations - ascent.iteration) > rotate:
        before = ascent.history[-1].elbo
        n_steps = ascent.cycle(min(longest, room - rotate), rotate=rotate)
        stalled = ascent.history[-1].elbo - before <= tolerance
        converged = stalled and ascent.gradient_size() <= GRADIENT_TOLERANCE
    weights, s = u @ ascent.weights, ascent.noise_variance
    encoder, variance = elbo.best_encoder(weights, s)
    value = elbo.profiled(weights, s, spectrum)
    return Solution(
        weights, s, encoder, variance, value, ascent.history, ascent.iteration, converged
    )


def _start(
    spectrum: Spectrum,
    n_latent: int,
    seed: int,
    initial_weights: ArrayLike | None,
    initial_noise_variance: float | None,
) -> tuple[NDArray[np.float64], float]:
    """Return the first weights, in the eigenbasis of S, and the first noise variance."""
    d = spectrum.n_features
    scale = spectrum.total_variance / d
    if initial_weights is None:
        draws = numpy_generator(seed, "solve").standard_normal((d, max(n_latent, 0)))
        weights = draws * math.sqrt(scale / d)
    else:
        weights = real("initial_weights", initial_weights)
        if weights.shape != (d, n_latent):
            message = f"initial_weights has shape {weights.shape}; ({d}, {n_latent}) is needed."
            raise ValueError(message)
    if initial_noise_variance is None:
        return spectrum.eigenvectors.T @ weights, scale
    s = positive("initial noise_variance", initial_noise_variance)
    return spectrum.eigenvectors.T @ weights, s
