r"""Annealed importance sampling of log p(x), from below and, on simulated data, from above.

For any decoder f with known noise variance: p(z) = N(0, I_k), p(x|z) = N(f(z), sigma^2 I_d). Chains
walk from a Gaussian q(z), the prior unless another is given, to the posterior by the Hamiltonian
transitions of `linvae.measure.hamiltonian`. Values are in nats per datum.

References
----------
Neal (2001), *Annealed importance sampling*.
Wu, Burda, Salakhutdinov and Grosse (2017), *On the quantitative analysis of decoder-based models*.
Grosse, Ghahramani and Adams (2015), *Sandwiching the marginal likelihood using bidirectional Monte
Carlo*.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.measure.gaussian import Decode
from linvae.measure.hamiltonian import Start, TemperedPath, anneal, pilot_step_sizes, schedule
from linvae.measure.numbers import standard_error
from linvae.seeds import derive_seed
from linvae.shown import short_repr

__all__ = ["Annealed", "annealed_log_likelihood", "reverse_annealed", "simulate"]


@dataclass(frozen=True, eq=False)
class Annealed:
    """Estimates of log p(x), and how the chains behind them moved.

    Attributes
    ----------
    log_likelihood : ndarray of shape (n,)
        Of each datum, in nats: in expectation a lower bound if the chains ran to the posterior, an
        upper bound if they ran from it.
    acceptance : ndarray of shape (n,)
        Mean acceptance probability over chains and transitions; nan if there was no transition.
    effective_sample_size : ndarray of shape (n,)
        (sum w)^2 / sum w^2 over the weights w of a datum's chains, from 1 to their number; of 1 / w
        if the chains ran from the posterior.
    """

    log_likelihood: NDArray[np.float64]
    acceptance: NDArray[np.float64]
    effective_sample_size: NDArray[np.float64]

    __repr__ = short_repr

    def numbers(self) -> dict[str, float]:
        """Summarise the estimates of two data or more.

        Returns
        -------
        dict
            ``log_likelihood``, the mean in nats per datum, and ``log_likelihood_error``, its
            standard error over data; mean ``acceptance``; the smallest ``effective_sample_size``.
        """
        return {
            "log_likelihood": float(self.log_likelihood.mean()),
            "log_likelihood_error": standard_error(self.log_likelihood),
            "acceptance": float(self.acceptance.mean()),
            "effective_sample_size": float(self.effective_sample_size.min()),
        }


@torch.no_grad()
def annealed_log_likelihood(
    decode: Decode,
    data: NDArray[np.floating],
    noise_variance: float,
    *,
    n_latent: int,
    temperatures: int,
    chains: int,
    seed: int,
    leapfrog_steps: int = 10,
    start: Start | None = None,
    dtype: torch.dtype = torch.float32,
) -> Annealed:
    r"""Estimate log p(x) of each datum by chains from q(z) to the posterior.

    .. math:: \log \frac{1}{C} \sum_c w_c, \quad
        \log w = \sum_{t=1}^T (\beta_t - \beta_{t-1}) \log \frac{p(x, z_{t-1})}{q(z_{t-1})}

    with z_0 from q, and z_t from z_{t-1} by a transition at beta_t. Since E w = p(x), its
    expectation is a lower bound of log p(x). One step, T = 1, is importance sampling from q.

    Parameters
    ----------
    decode
        From latents (m, k) to the means of p(x|z), (m, d), each row by itself. Its weights stay as
        they are.
    data
        Of shape (n, d). All n C rows are decoded at once.
    noise_variance
        sigma^2 of p(x|z).
    n_latent
        k.
    temperatures
        T, the number of steps from beta = 0 to 1.
    chains
        C, for each datum.
    seed
        A non-negative integer, from which all draws follow.
    leapfrog_steps
        Of a transition; each takes one gradient of the decoder.
    start
        Mean and log variance of q for each datum, each of shape (n, k), such as the encoder's; the
        prior if None.
    dtype
        That the decoder computes in.

    Raises
    ------
    ValueError
        If a number is less than one, or the shape of ``start`` is another.

    References
    ----------
    Neal (2001), section 2; Wu et al. (2017).
    """
    _check(temperatures=temperatures, chains=chains, leapfrog_steps=leapfrog_steps)
    path = TemperedPath(decode, data, noise_variance, n_latent, start, dtype)
    betas = schedule(temperatures)
    step_sizes = pilot_step_sizes(path, betas, leapfrog_steps, _generator(seed, "pilot"))
    generator = _generator(seed, "forward")
    first = path.draw(chains, generator)
    return _summary(*anneal(path, first, betas, step_sizes, leapfrog_steps, generator))


@torch.no_grad()
def reverse_annealed(
    decode: Decode,
    data: NDArray[np.floating],
    z_exact: NDArray[np.floating],
    noise_variance: float,
    *,
    temperatures: int,
    chains: int,
    seed: int,
    leapfrog_steps: int = 10,
    start: Start | None = None,
    dtype: torch.dtype = torch.float32,
) -> Annealed:
    r"""Estimate log p(x) of simulated data by chains from the exact posterior back to q(z).

    .. math:: -\log \frac{1}{C} \sum_c \frac{1}{w_c}

    with the weights of `annealed_log_likelihood`, of chains that run backwards. Since E (1 / w) is
    1 / p(x), its expectation is an upper bound of log p(x).

    Parameters
    ----------
    decode, data, noise_variance, temperatures, chains, seed, leapfrog_steps, start, dtype
        As in `annealed_log_likelihood`. With the same seed both take the same step sizes.
    z_exact
        One draw of the posterior p(z|x) of each datum, shape (n, k): the latents that it was
        simulated from, as `simulate` gives them. All chains of a datum start there. From other
        latents the estimate bounds nothing.

    Raises
    ------
    ValueError
        As `annealed_log_likelihood`, or if the shape of ``z_exact`` does not fit the data.

    References
    ----------
    Grosse, Ghahramani and Adams (2015).
    """
    _check(temperatures=temperatures, chains=chains, leapfrog_steps=leapfrog_steps)
    path = TemperedPath(decode, data, noise_variance, z_exact.shape[1], start, dtype)
    betas = schedule(temperatures)
    # The pilot runs to the posterior here, too: step sizes may depend on x, but not on z_exact.
    step_sizes = pilot_step_sizes(path, betas, leapfrog_steps, _generator(seed, "pilot"))
    back = betas.flip(0), step_sizes.flip(0)
    first = path.at(z_exact, chains)
    # The differences of beta are negative on the way back, so that the sum is -log w.
    estimate = _summary(*anneal(path, first, *back, leapfrog_steps, _generator(seed, "reverse")))
    return Annealed(-estimate.log_likelihood, estimate.acceptance, estimate.effective_sample_size)


@torch.no_grad()
def simulate(
    decode: Decode,
    n: int,
    n_latent: int,
    noise_variance: float,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw latents z (n, k) from the prior, and data x (n, d) from p(x|z).

    Given x alone, z is an exact draw of the posterior.
    """
    generator = _generator(seed, "simulate")
    z = torch.randn(n, n_latent, generator=generator, dtype=torch.float64)
    mean = decode(z.to(dtype)).double()
    noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
    return z.numpy(), (mean + math.sqrt(noise_variance) * noise).numpy()


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, f"annealed/{purpose}"))


def _summary(log_weights: Tensor, acceptance: Tensor) -> Annealed:
    """Average the weights of the chains; both arguments are of shape (n, c)."""
    total = torch.logsumexp(log_weights, 1)
    size = torch.exp(2 * total - torch.logsumexp(2 * log_weights, 1))
    mean = total - math.log(log_weights.shape[1])
    return Annealed(mean.numpy(), acceptance.mean(1).numpy(), size.numpy())


def _check(**numbers: int) -> None:
    for name, value in numbers.items():
        if value < 1:
            msg = f"{name}={value} must be at least 1"
            raise ValueError(msg)
