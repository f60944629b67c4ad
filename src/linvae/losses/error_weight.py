"""The weight of the squared error in a loss.

The loss must change by one weight times the sum of squared errors, wherever the errors lie,
whatever x and their signs are, and from errors of a hundredth to errors of hundreds.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.losses.asked_loss import AskedLoss
from linvae.losses.misreadings import ROOT, is_whole, which_error
from linvae.losses.readings import TOLERANCE, Reading, best, doubtful, odd, read, resolved
from linvae.losses.roundoff import Roundoff, roundoff_of_error
from linvae.losses.slices import parts, weights_along
from linvae.seeds import numpy_generator

__all__ = ["error_weight"]

Array = NDArray[np.float64]
_WHAT = "squared error"
# At x = 1/2 the first keep x_hat in [0, 1], which a cross-entropy needs. As sums of few powers of
# two they, x and x_hat are numbers in any precision.
_SIZES = (2**-7, 2**-5, 2**-3, 0.4375, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
# From there on x is 0, or x_hat would have more digits than short precision.
_LARGE = 64.0
# Size of errors, and x from where to where. Some mask data that are 0, or negative; and of large
# errors more is left beside a large constant.
_SCENES = (
    (0.125, (0.25, 0.75)),
    (1.0, (0.25, 0.75)),
    (1.0, (0.0, 1.0)),
    (1.0, (-1.0, 1.0)),
    (64.0, (0.0, 0.0)),
)
_SIGNS = "errors above x and below it have different weights: not one sigma^2"
_DATA = "the weight of the squared error depends on x: not one sigma^2"
_TOGETHER = (
    "errors of features count together, smoothed or as differences or correlated: not one sigma^2"
    " for all"
)
_FEATURES = "features, or data, have squared errors of different weights: not one sigma^2"
_REPEATS = 4


def error_weight(loss: AskedLoss) -> float:
    """Weight of the squared error that is summed over a datum and over the batch.

    Raises
    ------
    ValueError
        If there is no such weight: what the error is instead, as far as it shows. If round-off
        hides it.
    """
    roundoff = roundoff_of_error(loss)
    seen = False
    for scene in _SCENES:
        seen |= _evenness(loss, roundoff, *scene, sliced=not seen)
    sizes = list(_by_size(loss, roundoff))
    if roundoff.tells_zero and not any(reading.answered for reading in sizes):
        return 0.0
    if not resolved(sizes):
        raise ValueError(roundoff.too_short(_WHAT))
    usual = best(sizes)
    reading = odd(sizes, usual, TOLERANCE)
    if reading is not None:
        raise ValueError(_told_of_sizes(loss, sizes))
    if doubtful(sizes, usual, TOLERANCE):
        raise ValueError(roundoff.too_short(_WHAT))
    if not seen:
        raise ValueError(roundoff.too_short(_WHAT))
    return usual.weight


def _told_of_sizes(loss: AskedLoss, sizes: list[Reading]) -> str:
    if is_whole(loss):
        return ROOT
    named = which_error(loss)
    if named:
        return named
    first = next(one for one in sizes if resolved([one]))
    other = odd(sizes, first, TOLERANCE) or best(sizes)
    below = max((one.size for one in sizes if one.size < other.size), default=first.size)
    return (
        "the loss does not change with x_hat as a squared error does: an error"
        f" of {other.size:.3g} counts {other.weight / first.weight:.3g} of what it should, by those"
        f" up to {below:.3g}. Huber, smooth L1, cut and perceptual errors have no sigma^2: give the"
        " loss without the cut, if none of your errors is as large"
    )


def _evenness(
    loss: AskedLoss, roundoff: Roundoff, size: float, x_range: tuple[float, float], *, sliced: bool
) -> bool:
    """Refuse uneven weights; return whether the loss can be asked, and round-off hides none."""
    moved = list(_moved(loss, roundoff, size, x_range))
    if not resolved(moved):
        return False
    along = _sliced(loss, roundoff, size) if sliced else []
    slices = [reading for _, reading in along]
    tolerance, doubt = roundoff.exact, False
    for readings in (moved, slices):
        reading = odd(readings, readings[0], tolerance) if resolved(readings) else None
        if reading is not None:
            if readings is slices and is_whole(loss):
                raise ValueError(ROOT)
            told = which_error(loss) or reading.told
            if told == _FEATURES:
                told += weights_along([(axis, one.weight) for axis, one in along])
            raise ValueError(told)
        doubt |= bool(readings) and doubtful(readings, readings[0], tolerance)
    if doubt:
        raise ValueError(roundoff.too_short(_WHAT))
    return True


def _sliced(loss: AskedLoss, roundoff: Roundoff, size: float) -> list[tuple[int | None, Reading]]:
    """Return axes and readings of errors in one slice alone."""
    asked = [
        (axis, _reading(loss, roundoff, _FEATURES, size, error=size * mask))
        for axis, mask in parts(loss.data_shape)
    ]
    return [(axis, reading) for axis, reading in asked if reading is not None]


def _moved(
    loss: AskedLoss, roundoff: Roundoff, size: float, x_range: tuple[float, float]
) -> Iterator[Reading]:
    """Yield readings of the same errors with other signs, at other x and in other places."""
    draw, shape = numpy_generator(0, "diagnose/error"), loss.data_shape
    steps = draw.integers(0, 9, shape) / 8
    x = x_range[0] + (x_range[1] - x_range[0]) * steps
    error = size * draw.choice([0.0, 0.5, 1.0], shape)
    error.flat[0] = size
    places = [("", x, error), (_SIGNS, x, -error)]
    places += [(_DATA, draw.permuted(x), error) for _ in range(_REPEATS)]
    signs = [draw.choice([-1.0, 1.0], shape) for _ in range(_REPEATS)]
    places += [(_TOGETHER, x, sign * error) for sign in signs]
    places += [(_FEATURES, x, draw.permuted(error)) for _ in range(_REPEATS)]
    for told, at, moved in places:
        reading = _reading(loss, roundoff, told, size, x=at, error=moved)
        if reading is not None:
            yield reading


def _by_size(loss: AskedLoss, roundoff: Roundoff) -> Iterator[Reading]:
    """Yield readings of errors of many sizes, everywhere and of one feature of one datum."""
    draw, shape = numpy_generator(0, "diagnose/size"), loss.data_shape
    sign = draw.choice([-1.0, 1.0], shape)
    one = np.zeros(shape)
    one.flat[draw.integers(one.size)] = 1
    for size in _SIZES:
        for where in (sign, one):
            # Large errors of many features may leave the range of half precision.
            x = 0.5 if size < _LARGE else 0.0
            reading = _reading(loss, roundoff, "", size, error=size * where, x=x)
            if reading is not None:
                yield reading


def _reading(
    loss: AskedLoss, roundoff: Roundoff, told: str, size: float, *, error: Array, x: ArrayLike = 0.5
) -> Reading | None:
    # Where a loss subtracts squares of x and x_hat, it is they that are rounded.
    rounded = np.sum(np.square(x)) + np.sum(np.square(x + error))
    expected, change = float(np.sum(np.square(error))), loss.change(x=x, error=error)
    return read(told, size, change, roundoff, expected=expected, rounded=float(rounded))
