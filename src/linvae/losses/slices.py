"""Parts of a batch that a loss may weigh differently: rows, columns, channels, data."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["parts", "weights_along"]

_GROUPS = 8
# Of features that lie flat, channels are every third.
_STRIDES = (2, 3, 4)


def parts(shape: tuple[int, ...]) -> Iterator[tuple[int | None, NDArray[np.bool_]]]:
    """Yield masks of up to eight slices along each axis, and of every second, third, fourth entry.

    Parameters
    ----------
    shape
        Of the batch, data along the first axis.

    Yields
    ------
    tuple
        The axis, or None, and the mask of that shape.
    """
    for axis, length in enumerate(shape):
        for group in np.array_split(np.arange(length), min(length, _GROUPS)):
            mask = np.zeros(shape, bool)
            np.moveaxis(mask, axis, 0)[group] = True
            yield axis, mask
    number = np.arange(int(np.prod(shape[1:]))).reshape(shape[1:])
    for stride in _STRIDES:
        if number.size >= stride:
            yield None, np.broadcast_to(number % stride == 0, shape)


def weights_along(found: list[tuple[int | None, float]]) -> str:
    """Say what the least weight of a slice is of the largest, along the axis with most between.

    Parameters
    ----------
    found
        The axis and the weight of each part.
    """
    by_axis: dict[int, list[float]] = {}
    for axis, weight in found:
        if axis is not None:
            by_axis.setdefault(axis, []).append(weight)
    if not by_axis:
        return ""
    axis = max(by_axis, key=lambda one: max(by_axis[one]) - min(by_axis[one]))
    low, high = sorted((min(by_axis[axis]), max(by_axis[axis])), key=abs)
    if not high or f"{low / high:.3g}" == "1":
        return ""
    where = "the batch" if axis == 0 else f"axis {axis}"
    return f"; a slice along {where} counts {low / high:.3g} of another"
