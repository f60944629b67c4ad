"""The range of a decoder, found by pushing its latents far from where the prior has them."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["output_range", "range_text"]

# Standard deviations of the prior. Those in between find the lowest value of a SiLU or GELU.
_SCALES = (1.0, 10.0, 100.0, 1e4)
_N_PUSHED = 256
_FEATURES = 2048
# Of the data's span: how near to an end of the range a value counts as being there.
_NEAR = 0.01
# A feature that moves less than this many of them tells nothing.
_MOVES = 5
# Of what a feature moves: no farther apart are values that pile up, and so little apart are those
# of a SiLU, which end at 0, above its lowest value.
_PILE, _SAME = 0.05, 0.002
# Share of a feature's values that pile up where the feature can go no further. Of a Gaussian,
# about one in a hundred is as near to its lowest of 256 values.
_PILED = 0.1
# Share of the features that move, which must end at one and the same value: those of a linear
# last layer end each at their own.
_SHARED = 0.5
_KNOWN = ((0.0, 1.0), (-1.0, 1.0))
_KNOWN_NEAR = 0.02


def output_range(
    decode: Callable[[Tensor], Tensor],
    seen: NDArray[np.float64],
    span: float,
    n_latent: int,
    dtype: torch.dtype,
    generator: torch.Generator,
) -> tuple[float, float] | None:
    """Return the range of a decoder whose last activation bounds it, or None.

    Sigmoid and tanh bound it on both sides, ReLU, softplus, ELU, SiLU and exp on one: the other end
    is then infinite.

    Parameters
    ----------
    decode
        Of latents (m, k), gives (m, d).
    seen
        What it gives of latents of the data, shape (m, d).
    span
        Of the data: their largest minus their smallest value, in units of the data.
    n_latent
        k.
    dtype
        Of the latents that it takes.
    generator
        Of the pushed latents.

    Raises
    ------
    ValueError
        If it fails on latents of the prior.
    """
    # What bounds one feature bounds all, or half of them: some tell of the rest.
    some = slice(None, None, max(1, seen.shape[1] // _FEATURES))
    pushed = _pushed(decode, n_latent, dtype, generator, some)
    every = np.concatenate([seen[:, some], *pushed])
    low, high = float(every.min()), float(every.max())
    for bounds in _KNOWN:
        inside = low >= bounds[0] and high <= bounds[1]
        # One and the same value for all, as of a decoder that gives the mean of centred data.
        moves = high - low > _KNOWN_NEAR
        if inside and moves and (low < bounds[0] + _KNOWN_NEAR or high > bounds[1] - _KNOWN_NEAR):
            return bounds
    near = _NEAR * span
    # A zero has no sign.
    lowest, highest = _lowest(every, pushed[-1], near), 0.0 - _lowest(-every, -pushed[-1], near)
    return None if np.isinf([lowest, highest]).all() else (lowest, highest)


def range_text(bounds: tuple[float, float]) -> str:
    """Write a range, as in [0, inf)."""
    low, high = bounds
    return f"{'(' if np.isinf(low) else '['}{low:.3g}, {high:.3g}{')' if np.isinf(high) else ']'}"


def _pushed(
    decode: Callable[[Tensor], Tensor],
    n_latent: int,
    dtype: torch.dtype,
    generator: torch.Generator,
    some: slice,
) -> list[NDArray[np.float64]]:
    """Return some features at each scale, up to the first at which the decoder overflows."""
    z = torch.randn((_N_PUSHED, n_latent), generator=generator, dtype=torch.float64)
    found: list[NDArray[np.float64]] = []
    for scale in _SCALES:
        try:
            with np.errstate(all="ignore"):
                found.append(decode((scale * z).to(dtype))[:, some].double().numpy())
        except ValueError:
            if not found:
                raise
            break
    return found


def _lowest(every: NDArray[np.float64], far: NDArray[np.float64], near: float) -> float:
    """Return the value below which no feature can go, or minus infinity.

    Parameters
    ----------
    every
        All outputs, shape (m, d).
    far
        Those of the latents that were pushed farthest, shape (256, d).
    near
        Distance from the end of the range, in units of the data.
    """
    moves = np.ptp(far, axis=0)
    moved = moves > _MOVES * near
    if not moved.any():
        return -np.inf
    lowest = float(every.min())
    pile = np.maximum(np.minimum(near, _PILE * moves), _SAME * moves)
    piled = (far <= far.min(0) + pile).mean(0) >= _PILED
    there = every.min(0) <= lowest + near
    if (piled & there)[moved].mean() < _SHARED:
        return -np.inf
    # What is left of a softplus.
    return 0.0 if abs(lowest) < 1e-3 * near else lowest
