"""Read the noise variance off a loss function, by probing it.

One entry of x_hat, of the means or of the log variances is moved, and the loss must answer as
a |x - x_hat|^2 + b KL does: by how much tells a and b, and whether it is of this form at all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linvae.diagnose.finite_differences import (
    KL,
    MEANS,
    STEPS,
    close,
    differences,
    matches,
    scale,
    squared,
    uneven,
    which_error,
    which_kl,
)
from linvae.diagnose.reductions import implied_noise_variance
from linvae.seeds import numpy_generator

__all__ = ["noise_variance_of"]

Array = NDArray[np.float64]
_BATCHES = (2, 4)
# Of another size the logarithm or the root of an error has another weight.
_ERRORS = (1.0, 0.5)


def noise_variance_of(
    loss: Callable,
    n_features: int | Sequence[int],
    n_latent: int,
    *,
    batch_size: int | None = None,
) -> float:
    """Noise variance sigma^2 of the Gaussian VAE that a loss trains.

    Parameters
    ----------
    loss
        Gives one number to be minimised, of ``(x, x_hat, mean, log_variance)``: tensors (or, where
        it cannot take those, arrays) of shapes (n, d), (n, d), (n, k), (n, k), values of x and
        x_hat between 0.1 and 0.9. With the weight of the KL that the end of training has.
    n_features
        d, or the shape of one datum where the loss needs images.
    n_latent
        k.
    batch_size
        That of training; needed only where the weights depend on it.

    Raises
    ------
    ValueError
        If the loss is not a |x - x_hat|^2 + b KL(N(mean, variance) || N(0, I)): what it is instead
        as far as it shows. If sigma^2 depends on the batch size, and none is given.
    """
    shape = (n_features,) if isinstance(n_features, int | np.integer) else tuple(n_features)
    sizes = _BATCHES if batch_size is None else (batch_size,)
    found = [_weights(_Probe(loss, n, shape, n_latent)) for n in sizes]
    variances = [implied_noise_variance(error, kl) for error, kl in found]
    if not close(variances[0], variances[-1]):
        told = ", ".join(f"{v:.6g} at {n}" for v, n in zip(variances, sizes, strict=True))
        msg = (
            f"sigma^2 depends on the batch size ({told}): the loss takes the mean over the batch of"
            " one term and the sum of the other. Mend it, or give the batch_size of training"
        )
        raise ValueError(msg)
    # What is not known of it is in the digits behind.
    return float(f"{variances[0]:.6g}")


@dataclass(eq=False)
class _Probe:
    """A loss, and the batches at which it is asked."""

    loss: Callable
    n: int
    shape: tuple[int, ...]
    n_latent: int
    as_arrays: bool = False

    def batch(self, error: float, mean: float) -> dict[str, Array]:
        """Return some x, x_hat, mean and log_variance, of a size of errors and of means."""
        draw = numpy_generator(0, "diagnose/probe")
        x = draw.uniform(0.3, 0.7, size=(self.n, *self.shape))
        other = draw.uniform(0.3, 0.7, size=x.shape)
        latents = (self.n, self.n_latent)
        return {
            "x": x,
            "x_hat": x + error * (other - x),
            "mean": mean * draw.uniform(0.5, 1.5, size=latents),
            "log_variance": draw.uniform(-0.4, 0.2, size=latents) * min(1.0, 10 * mean),
        }

    def __call__(self, batch: dict[str, Array]) -> float:
        """Return the loss of a batch."""
        value = self._called(batch)
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):
            msg = (
                "loss must give one number of a batch, the mean or sum over its data; it gives"
                f" {type(value).__name__} {getattr(value, 'shape', '')}".rstrip()
            )
            raise ValueError(msg) from None
        if not math.isfinite(number):
            msg = (
                "loss is not finite at x and x_hat between 0.1 and 0.9 and log variances between"
                " -0.5 and 0.5: does it take the fourth argument for a variance?"
            )
            raise ValueError(msg)
        return number

    def _called(self, batch: dict[str, Array]) -> object:
        try:
            return self._given(batch)
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            msg = (
                f"loss fails on x and x_hat {batch['x'].shape}, mean and log variance"
                f" {batch['mean'].shape}: {type(error).__name__}: {first}"
            )
            raise ValueError(msg) from error

    def _given(self, batch: dict[str, Array]) -> object:
        if not self.as_arrays:
            import torch

            try:
                return self.loss(*(torch.as_tensor(value) for value in batch.values()))
            except (TypeError, AttributeError):
                self.as_arrays = True
        return self.loss(*(value.copy() for value in batch.values()))

    def answers(self, batch: dict[str, Array], name: str, place: tuple, h: float) -> Array:
        """By how much the loss changes where one entry moves by h, 2 h and -h, shape (3,)."""
        before, changes = self(batch), []
        for step in (h, 2 * h, -h):
            moved = batch[name].copy()
            moved[place] += step
            changes.append(self({**batch, name: moved}) - before)
        return np.array(changes)


def _weights(probe: _Probe) -> tuple[float, float]:
    """Return the weights a and b of a datum's summed squared error and KL."""
    batch = probe.batch(1.0, 1.0)
    if probe(batch) != probe(batch):
        msg = "loss gives two values of the same batch: does it draw samples?"
        raise ValueError(msg)
    return _error_weight(probe), _kl_weight(probe)


def _error_weight(probe: _Probe) -> float:
    found = []
    for size in _ERRORS:
        # Next to no KL, so that single precision is left to the error.
        batch = probe.batch(size, 1e-3)
        for place in _places(batch["x"].shape):
            answered = probe.answers(batch, "x_hat", place, STEPS["x_hat"])
            x, x_hat = batch["x"][place], batch["x_hat"][place]
            expected = differences(squared(x), x_hat, STEPS["x_hat"])
            if not matches(answered, expected):
                raise ValueError(which_error(answered, x, x_hat))
            found.append(scale(answered, expected))
    if not close(*found):
        if all(close(*row) for row in np.reshape(found, (len(_ERRORS), -1))):
            msg = (
                "the weight of the squared error depends on its size: a root or a logarithm of an"
                " error is no Gaussian likelihood of a known sigma^2"
            )
        else:
            msg = "features, or data, have squared errors of different weights: not one sigma^2"
        raise ValueError(msg)
    return _positive(float(np.mean(found)), "squared error")


def _kl_weight(probe: _Probe) -> float:
    found = []
    for size in MEANS:
        # Small errors, so that single precision is left to the KL.
        batch = probe.batch(0.1, size)
        for place in _places(batch["mean"].shape):
            for name, function in KL.items():
                # Beside means of 10 single precision loses what a variance changes.
                if name == "log_variance" and size > 1:
                    continue
                h, at = STEPS[name] * max(1.0, size), batch[name][place]
                answered = probe.answers(batch, name, place, h)
                expected = differences(function, at, h)
                if not matches(answered, expected):
                    raise ValueError(which_kl(answered, name, at, h))
                found.append((size, name, scale(answered, expected)))
    if not close(*(weight for _, _, weight in found)):
        raise ValueError(uneven(found))
    return _positive(float(np.mean([weight for _, _, weight in found])), "KL")


def _places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the first and the last entry and one between, of different data."""
    last = math.prod(shape) - 1
    return [tuple(map(int, np.unravel_index(i, shape))) for i in sorted({0, last // 2, last})]


def _positive(weight: float, name: str) -> float:
    if weight < 0:
        msg = f"the loss falls with the {name}: is it the ELBO itself? Give what is minimised"
        raise ValueError(msg)
    if weight == 0:
        msg = f"the loss does not depend on the {name} (weight 0 is no VAE)"
        raise ValueError(msg)
    return weight
