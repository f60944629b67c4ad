"""What is left of the data in a VAE's residuals, and what a linear bypass of some latents adds.

The VAE is a pair of functions as in `linvae.measure.gaussian`. A set of latents is cut: they are
zero before the decoder, and their KL is dropped. What that costs, or gains, is counted with what a
bypass of the same latents (`linvae.bypass.linear_bypass`) adds to the model that is cut, so that
nothing depends on how nearly free they are. Values are in nats per datum.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.bypass.residual import gain, spectrum
from linvae.measure.gaussian import Decode, Encode
from linvae.shown import short_repr

__all__ = ["Draws", "Residuals", "choose_cut", "nested_cuts", "residuals"]

_CHUNK = 512
# Mean KL, in nats, up to which latents are candidates to be cut; all of them are one more.
_KL_STEPS = (0.01, 0.1, 0.5, 2.0)


@dataclass(frozen=True, eq=False)
class Residuals:
    """Mean residuals of a model of which some latents are cut, and what the cut changes.

    Attributes
    ----------
    groups : tuple of ndarray of shape (n, d)
        Independent estimates of x - E_q f(z), in data units.
    change : ndarray of shape (n,)
        ELBO of each datum with the cut minus that without, from the same draws.
    """

    groups: tuple[NDArray[np.floating], ...]
    change: NDArray[np.float64]

    __repr__ = short_repr

    @property
    def halves(self) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Means of the first half of the groups and of the second, each (n, d)."""
        middle = len(self.groups) // 2
        return sum(self.groups[:middle]) / middle, sum(self.groups[middle:]) / middle


class Draws:
    """Data that are encoded once, and draws of z that are decoded once as they are.

    Every cut of a model is measured by the same draws, and what does not depend on it is kept: the
    posteriors, and the squared errors of the model as it is.

    Parameters
    ----------
    encode, decode, data, seed, dtype
        As `linvae.measure.gaussian.measure` takes them; data of shape (n, d).
    n_groups
        Of the estimates, each of one draw.
    """

    def __init__(
        self,
        encode: Encode,
        decode: Decode,
        data: NDArray[np.floating],
        *,
        n_groups: int = 4,
        seed: int,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.encode, self.decode, self.data = encode, decode, data
        self.n_groups, self.seed, self.dtype = n_groups, seed, dtype
        self._posteriors: list[tuple[Tensor, Tensor]] = []
        self._errors: list[list[Tensor]] = []

    @torch.no_grad()
    def residuals(self, cut: NDArray[np.bool_], noise_variance: float) -> Residuals:
        """Decode draws of z with a set of latents cut, and as they are where that was not done yet.

        Parameters
        ----------
        cut
            Which latents are zero before the decoder, shape (k,).
        noise_variance
            Of p(x|z).
        """
        generator = torch.Generator().manual_seed(self.seed)
        kept = torch.as_tensor(~cut)
        kind = torch.empty(0, dtype=self.dtype).numpy().dtype
        groups = [np.empty(self.data.shape, kind) for _ in range(self.n_groups)]
        changes = []
        for batch, (rows, x) in enumerate(_batches(self.data, self.dtype)):
            mean, log_variance = self._posterior(batch, x)
            kl = 0.5 * (mean.square() + torch.expm1(log_variance) - log_variance)
            change = (kl * ~kept).sum(1)
            for place, group in enumerate(groups):
                noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
                z = mean + torch.exp(0.5 * log_variance) * noise
                left = x - self.decode((z * kept).to(self.dtype))
                group[rows] = left.numpy()
                error = left.double().square().sum(1)
                if cut.any():
                    change -= (error - self._error(batch, place, x, z)) / (
                        2 * noise_variance * self.n_groups
                    )
                elif len(self._errors[batch]) == place:
                    self._errors[batch].append(error)
            changes.append(change)
        return Residuals(tuple(groups), torch.cat(changes).numpy())

    def _posterior(self, batch: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of a batch, each (m, k), encoded the first time."""
        if len(self._posteriors) == batch:
            mean, log_variance = self.encode(x)
            self._posteriors.append((mean.double(), log_variance.double()))
            self._errors.append([])
        return self._posteriors[batch]

    def _error(self, batch: int, place: int, x: Tensor, z: Tensor) -> Tensor:
        """Squared error (m,) of the model as it is for a draw, decoded the first time."""
        known = self._errors[batch]
        if len(known) == place:
            known.append((x - self.decode(z.to(self.dtype))).double().square().sum(1))
        return known[place]


def residuals(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    cut: NDArray[np.bool_],
    noise_variance: float,
    *,
    n_groups: int = 4,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> Residuals:
    """Encode data and decode draws of z, with a set of latents cut and as they are.

    Parameters
    ----------
    encode, decode, data, n_groups, seed, dtype
        As `Draws` takes them.
    cut, noise_variance
        As `Draws.residuals` takes them.
    """
    draws = Draws(encode, decode, data, n_groups=n_groups, seed=seed, dtype=dtype)
    return draws.residuals(cut, noise_variance)


def nested_cuts(mean_kl: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return sets of latents, each (k,), that hold those of least mean KL; from none to all."""
    sizes = {0, len(mean_kl), *(int((mean_kl < step).sum()) for step in _KL_STEPS)}
    order = np.argsort(mean_kl, kind="stable")
    cuts = []
    for size in sorted(sizes):
        cut = np.zeros(len(mean_kl), bool)
        cut[order[:size]] = True
        cuts.append(cut)
    return cuts


def choose_cut(
    encode: Encode,
    decode: Decode,
    data: NDArray[np.floating],
    cuts: Sequence[NDArray[np.bool_]],
    noise_variance: float,
    *,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> NDArray[np.bool_]:
    """Return the cut whose change of the ELBO and gain together are largest on some data.

    Parameters
    ----------
    encode, decode, data, noise_variance, seed, dtype
        As in `residuals`. What is claimed of the cut must come from other draws, or other data.
    cuts
        Candidates.
    """
    best, largest = cuts[0], -math.inf
    draws = Draws(encode, decode, data, n_groups=2, seed=seed, dtype=dtype)
    for cut in cuts:
        found = draws.residuals(cut, noise_variance)
        a, b = found.groups
        values = spectrum(a, b, int(cut.sum()), noise_variance) if cut.any() else np.empty(0)
        shift = float(a.mean(0, np.float64) @ b.mean(0, np.float64))
        net = found.change.mean() + gain(values, noise_variance, int(cut.sum()), shift)
        if net > largest:
            best, largest = cut, net
    return best


def _batches(data: NDArray[np.floating], dtype: torch.dtype) -> Iterator[tuple[slice, Tensor]]:
    for start in range(0, len(data), _CHUNK):
        rows = slice(start, start + _CHUNK)
        yield rows, torch.as_tensor(data[rows]).to(dtype)
