"""A loss, asked at chosen errors, means and log variances."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["AskedLoss"]

Array = NDArray[np.float64]


@dataclass(eq=False)
class AskedLoss:
    """A loss and the shapes of its batches.

    Attributes
    ----------
    loss : callable
        Of x, x_hat, mean and log variance.
    n : int
        Data in a batch.
    features, latents : tuple of int
        Shapes of a datum and of its latents.
    """

    loss: Callable
    n: int
    features: tuple[int, ...]
    latents: tuple[int, ...]
    _as_arrays: bool = False
    _at_no_error: list = field(default_factory=list)

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of x."""
        return (self.n, *self.features)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of the means."""
        return (self.n, *self.latents)

    def at(
        self,
        *,
        x: ArrayLike = 0.5,
        error: ArrayLike = 0.0,
        mean: ArrayLike = 0.0,
        log_variance: ArrayLike = 0.0,
    ) -> float:
        """Return the loss at x and x + error; what is no array stands for all entries.

        Raises
        ------
        ValueError
            If the loss fails, gives no single number, or one that is not finite.
        """
        x = _filled(x, self.data_shape)
        batch = (
            x,
            x + error,
            _filled(mean, self.latent_shape),
            _filled(log_variance, self.latent_shape),
        )
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
            msg = f"loss is not finite ({number}) at {_ranges(batch)}"
            raise ValueError(msg)
        return number

    def tried(self, **where: ArrayLike) -> float | None:
        """Return the loss, or None where it fails or is not finite."""
        try:
            return self.at(**where)
        except ValueError:
            return None

    def without_error(self, x: ArrayLike = 0.5) -> float | None:
        """Return the loss where x_hat is x and the KL is 0; None where it fails."""
        known = self._at_no_error
        if not known or not (
            known[0] is x or (np.ndim(x) == np.ndim(known[0]) == 0 and x == known[0])
        ):
            self._at_no_error = [x, self.tried(x=x)]
        return self._at_no_error[1]

    def change(self, **where: ArrayLike) -> tuple[float, float] | None:
        """Return by how much the loss exceeds that of no error and no KL, and its largest value.

        None where it fails or is not finite.

        Parameters
        ----------
        where
            As of `at`.
        """
        base = self.without_error(where.get("x", 0.5))
        value = None if base is None else self.tried(**where)
        if value is None:
            return None
        return value - base, max(abs(value), abs(base))

    def _called(self, batch: tuple[Array, ...]) -> object:
        try:
            return self._given(batch)
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            msg = (
                f"loss fails on x and x_hat {batch[0].shape}, mean and log variance"
                f" {batch[2].shape}: {type(error).__name__}: {first}"
            )
            raise ValueError(msg) from error

    def _given(self, batch: tuple[Array, ...]) -> object:
        if not self._as_arrays:
            import torch

            try:
                return self.loss(*(torch.as_tensor(part) for part in batch))
            except (TypeError, AttributeError):
                pass
        value = self.loss(*(part.copy() for part in batch))
        self._as_arrays = True
        return value


def _filled(values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return an array of its own: a loss may write into what it is given."""
    return np.array(np.broadcast_to(values, shape), np.float64)


def _ranges(batch: tuple[Array, ...]) -> str:
    names = ("x", "x_hat", "means", "log variances")
    told = [f"{n} of {v.min():.3g} to {v.max():.3g}" for n, v in zip(names, batch, strict=True)]
    return ", ".join(told)
