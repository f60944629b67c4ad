r"""Chains along the distributions between a Gaussian q(z) and a VAE decoder's posterior p(z|x).

.. math:: f_\beta(z) = q(z)^{1 - \beta} \, [p(z) \, p(x|z)]^\beta, \quad 0 \le \beta \le 1

Transitions are Hamiltonian, in coordinates u in which q is standard normal: where q resembles the
posterior, one step size then suits all directions. Arrays are of n data with c chains each, all of
which move at once.

References
----------
Neal (2011), *MCMC using Hamiltonian dynamics*.
Grosse, Ghahramani and Adams (2015), *Sandwiching the marginal likelihood using bidirectional Monte
Carlo*.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.measure.gaussian import Decode

__all__ = ["ChainState", "Start", "TemperedPath", "anneal", "pilot_step_sizes", "schedule"]

# Mean and log variance of q for each datum, each of shape (n, k).
Start = tuple[NDArray[np.floating] | Tensor, NDArray[np.floating] | Tensor]

# Hamiltonian transitions in many dimensions cost least near this (Neal 2011).
_TARGET_ACCEPTANCE = 0.65
_PILOT_CHAINS = 4
# By how much the log of a step size follows the acceptance: little enough to average over levels,
# enough to shrink steps tenfold within ten of them.
_GAIN = 0.5


def schedule(temperatures: int, slope: float = 4.0) -> Tensor:
    """Return beta_0 = 0 to beta_T = 1, shape (T + 1,): a sigmoid from -slope to slope, rescaled.

    Its steps are shortest at both ends, where the distributions along the path change fastest.

    References
    ----------
    Grosse, Ghahramani and Adams (2015).
    """
    curve = torch.sigmoid(torch.linspace(-slope, slope, temperatures + 1, dtype=torch.float64))
    return (curve - curve[0]) / (curve[-1] - curve[0])


class ChainState(NamedTuple):
    """Where chains are: u (n, c, k), log p(x, z) - log q(z) (n, c), its gradient by u (n, c, k)."""

    u: Tensor
    log_ratio: Tensor
    gradient: Tensor


class TemperedPath:
    """The distributions f_beta of each datum, in coordinates u = (z - m) / s with q = N(m, s^2).

    Parameters
    ----------
    decode, noise_variance, n_latent, dtype
        As `linvae.measure.annealed.annealed_log_likelihood` takes them.
    data
        Of shape (n, d).
    start
        q, the prior if None.

    Raises
    ------
    ValueError
        If the shape of ``start`` is another.
    """

    def __init__(
        self,
        decode: Decode,
        data: NDArray[np.floating],
        noise_variance: float,
        n_latent: int,
        start: Start | None,
        dtype: torch.dtype,
    ) -> None:
        self.shape = (len(data), n_latent)
        self.decode, self.dtype, self.noise_variance = decode, dtype, noise_variance
        self.x = torch.as_tensor(data).to(dtype)[:, None]
        prior = (torch.zeros(self.shape), torch.zeros(self.shape))
        self.mean, self.log_variance = (
            self._each("start", part) for part in (prior if start is None else start)
        )
        self.constant = -0.5 * data.shape[1] * math.log(2 * math.pi * noise_variance)

    def draw(self, chains: int, generator: torch.Generator) -> ChainState:
        """Start chains from q."""
        n, k = self.shape
        return self.state(torch.randn(n, chains, k, generator=generator, dtype=torch.float64))

    def at(self, z: NDArray[np.floating], chains: int) -> ChainState:
        """Start all chains of a datum from its z, of (n, k).

        Raises
        ------
        ValueError
            If the shape is another.
        """
        u = (self._each("z_exact", z) - self.mean) * torch.exp(-0.5 * self.log_variance)
        return self.state(u.repeat(1, chains, 1))

    def state(self, u: Tensor) -> ChainState:
        """Decode u, and return it with all that transitions and weights need there."""
        with torch.enable_grad():
            leaf = u.detach().requires_grad_()
            log_ratio = self._log_ratio(leaf)
            # Not by `backward`, which would leave gradients on the decoder's weights.
            (gradient,) = torch.autograd.grad(log_ratio.sum(), leaf)
        return ChainState(u, log_ratio.detach(), gradient)

    def _log_ratio(self, u: Tensor) -> Tensor:
        z = self.mean + torch.exp(0.5 * self.log_variance) * u
        decoded = self.decode(z.flatten(0, 1).to(self.dtype)).unflatten(0, z.shape[:2])
        error = (self.x - decoded).double().square().sum(-1)
        # log p(z) - log q(z): the factors of 2 pi cancel.
        prior = 0.5 * (u.square() - z.square() + self.log_variance).sum(-1)
        return self.constant - 0.5 * error / self.noise_variance + prior

    def _each(self, name: str, given: NDArray[np.floating] | Tensor) -> Tensor:
        """Return an array (n, k) as (n, 1, k), for all chains."""
        if tuple(given.shape) != self.shape:
            msg = f"{name} has shape {tuple(given.shape)}; it must be (n, k) = {self.shape}"
            raise ValueError(msg)
        return torch.as_tensor(given).double()[:, None]


def anneal(
    path: TemperedPath,
    state: ChainState,
    betas: Tensor,
    step_sizes: Tensor,
    leapfrog_steps: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    r"""Move chains along the path, and add up what it does to their weights.

    Parameters
    ----------
    state
        From the distribution at the first beta.
    betas
        Of shape (T + 1,), from 0 to 1 or from 1 to 0.
    step_sizes
        At the inner betas, for each datum, shape (T - 1, n). They must not depend on these chains:
        transitions that adapt to their own chain leave f_beta not invariant, and bound nothing.

    Returns
    -------
    log_weights : Tensor of shape (n, c)
        Sum over t of (beta_t - beta_{t-1}) (log p(x, z_{t-1}) - log q(z_{t-1})).
    acceptance : Tensor of shape (n, c)
        Mean acceptance probability over transitions; nan if there was none.
    """
    steps = betas.diff()
    log_weights, accepted = steps[0] * state.log_ratio, torch.zeros_like(state.log_ratio)
    for step, beta, step_size in zip(steps[1:], betas[1:-1], step_sizes, strict=True):
        state, acceptance = _transition(path, state, beta, step_size, leapfrog_steps, generator)
        log_weights += step * state.log_ratio
        accepted += acceptance
    return log_weights, accepted / len(step_sizes)


def pilot_step_sizes(
    path: TemperedPath, betas: Tensor, leapfrog_steps: int, generator: torch.Generator
) -> Tensor:
    """Return step sizes (T - 1, n) near the target acceptance, from a few chains that start in q.

    A chain's next step size follows the acceptance of the last transition. The run that counts
    must draw from another generator.
    """
    n, k = path.shape
    state = path.draw(_PILOT_CHAINS, generator)
    # Of a standard normal, the acceptance depends on the step size times k^(1/4).
    log_size = torch.full((n,), -0.25 * math.log(k), dtype=torch.float64)
    step_sizes = torch.empty(len(betas) - 2, n, dtype=torch.float64)
    for level, beta in enumerate(betas[1:-1]):
        state, acceptance = _transition(
            path, state, beta, log_size.exp(), leapfrog_steps, generator
        )
        log_size = log_size + _GAIN * (acceptance.mean(1) - _TARGET_ACCEPTANCE)
        step_sizes[level] = log_size.exp()
    return step_sizes


def _transition(
    path: TemperedPath,
    state: ChainState,
    beta: Tensor,
    step_size: Tensor,
    leapfrog_steps: int,
    generator: torch.Generator,
) -> tuple[ChainState, Tensor]:
    """Move by one transition, reversible under f_beta; return its acceptance (n, c), too."""
    size = step_size[:, None, None]
    momentum = torch.randn(state.u.shape, generator=generator, dtype=torch.float64)
    before, moved = _log_density(state, momentum, beta), state
    for _ in range(leapfrog_steps):
        momentum = momentum + 0.5 * size * (beta * moved.gradient - moved.u)
        moved = path.state(moved.u + size * momentum)
        momentum = momentum + 0.5 * size * (beta * moved.gradient - moved.u)
    change = _log_density(moved, momentum, beta) - before
    # Reject trajectories that left the floating-point numbers.
    acceptance = change.clamp_max(0.0).exp().nan_to_num(0.0)
    accept = torch.rand(acceptance.shape, generator=generator, dtype=torch.float64) < acceptance
    one = accept[..., None]
    kept = ChainState(
        torch.where(one, moved.u, state.u),
        torch.where(accept, moved.log_ratio, state.log_ratio),
        torch.where(one, moved.gradient, state.gradient),
    )
    return kept, acceptance


def _log_density(state: ChainState, momentum: Tensor, beta: Tensor) -> Tensor:
    """Log density (n, c) of f_beta and the momentum, up to a constant."""
    return beta * state.log_ratio - 0.5 * (state.u.square() + momentum.square()).sum(-1)
