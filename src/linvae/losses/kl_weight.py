"""The weight of the KL in a loss.

Beside no error the loss must change by one weight times the KL from N(0, I), for means of any
size, for log variances, and whichever latents and data have it.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from linvae.losses.asked_loss import AskedLoss
from linvae.losses.misreadings import which_fourth
from linvae.losses.readings import TOLERANCE, Reading, best, close, doubtful, odd, read, resolved
from linvae.losses.roundoff import Roundoff, roundoff_of_error, roundoff_of_kl
from linvae.losses.slices import parts, weights_along
from linvae.seeds import numpy_generator

__all__ = ["kl_weight", "refuse_product"]

Array = NDArray[np.float64]
_WHAT = "KL"
# Free bits and capacities lie between the KL of these, 0.002 and 128 nats. The further ones are
# asked where a large constant, or a small weight, leaves no digits to the others.
_SIZES = {
    "mean": ((2**-4, 0.25, 1.0, 4.0, 16.0), (128.0, 1024.0)),
    "log_variance": ((-2.0, -1.0, -0.5, 0.5, 1.0, 2.0), (6.0, 10.0)),
}
_SCALES = {"mean": (1.0, 32.0, 1024.0), "log_variance": (1.0, 5.0, 10.0)}
_LATENTS = "latents, or data, have KL of different weights: free bits, or another prior"
_PRIOR_MEAN = "means above 0 and below it have different KL: another prior than N(0, I)"
_OTHER = (
    "the loss does not change with the log variance of a latent as the KL from N(0, I) does: free"
    " bits, a capacity or another prior are no ELBO"
)
_TOGETHER = "means of latents count together: another prior than N(0, I)"
# Latents that are moved together.
_PLACES = ("all", "one")
_REPEATS = 4


def kl_weight(loss: AskedLoss) -> float:
    """Weight of the KL that is summed over the latents of a datum and over the batch.

    Raises
    ------
    ValueError
        If there is no such weight: what stands there instead, as far as it shows. If round-off
        hides it.
    """
    roundoff = roundoff_of_kl(loss)
    of_mean = _by_size(loss, roundoff, "mean")
    of_variance = _by_size(loss, roundoff, "log_variance")
    if roundoff.tells_zero and not any(one.answered for one in of_mean + of_variance):
        return 0.0
    for readings in (of_mean, of_variance):
        if any(one.answered for one in readings) and not resolved(readings):
            raise ValueError(roundoff.too_short(_WHAT))
    everywhere, single = ([one for one in of_mean if one.told == place] for place in _PLACES)
    _refuse_form(loss, everywhere, [one for one in of_variance if one.told == _PLACES[0]])
    for name in _SCALES:
        _refuse_uneven(loss, roundoff, name)
    if resolved(single):
        _refuse_form(loss, single, [one for one in of_variance if one.told == _PLACES[1]])
    if odd(of_variance, best(of_mean), TOLERANCE):
        msg = "means and log variances have different weights: not the KL from N(0, I)"
        raise ValueError(which_fourth(loss) or msg)
    for readings in (of_mean, of_variance):
        if doubtful(readings, best(readings), TOLERANCE):
            raise ValueError(roundoff.too_short(_WHAT))
    return best(of_mean).weight


def refuse_product(loss: AskedLoss, error: float, kl: float) -> None:
    """Refuse a loss whose two terms do not add up, of known weights.

    Raises
    ------
    ValueError
        If the weight of the KL depends on the error.
    """
    draw = numpy_generator(0, "diagnose/both")
    errors = draw.choice([-0.125, 0.125], loss.data_shape)
    means = draw.choice([-1.0, 1.0], loss.latent_shape)
    # Both terms of about the same size, so that neither swallows the other.
    squared = error * float(np.sum(errors**2))
    size = 2.0 ** round(math.log2(squared / (kl * means.size)) / 2)
    means *= min(max(size, 2**-6), 1024.0)
    unit = max(roundoff_of_error(loss).within, roundoff_of_kl(loss).within)
    where = {"error": errors, "mean": means, "log_variance": means * 2.0**-10}
    together = loss.change(**where)
    alone = [loss.change(**{name: value}) for name, value in where.items()]
    if together is None or None in alone:
        return
    rest = together[0] - sum(change for change, _ in alone)
    noise = 4 * unit * (together[1] + sum(largest for _, largest in alone))
    if abs(rest) > 2 * TOLERANCE * min(abs(alone[0][0]), abs(alone[1][0])) + 2 * noise:
        msg = "the weight of the KL depends on the error, or the other way round: not one sigma^2"
        raise ValueError(msg)


def _refuse_form(loss: AskedLoss, of_mean: list[Reading], of_variance: list[Reading]) -> None:
    if odd(of_mean, best(of_mean), TOLERANCE):
        raise ValueError(which_fourth(loss) or _told_of_sizes(of_mean))
    if odd(of_variance, best(of_variance), TOLERANCE):
        raise ValueError(which_fourth(loss) or _OTHER)


def _told_of_sizes(of_mean: list[Reading]) -> str:
    above = {one.size: one.weight for one in of_mean if one.size > 0}
    below = {-one.size: one.weight for one in of_mean if one.size < 0}
    if not all(close(above[size], below[size]) for size in above.keys() & below.keys()):
        return _PRIOR_MEAN
    told = ", ".join(f"{above[size]:.3g}" for size in sorted(above))
    return (
        f"the weight of the KL depends on its size ({told} from small to large): free bits, a"
        " capacity or another prior are no ELBO"
    )


def _by_size(loss: AskedLoss, roundoff: Roundoff, name: str) -> list[Reading]:
    """Return readings of means, or log variances, of many sizes, all latents' and one's."""
    one = np.zeros(loss.latent_shape)
    one.flat[numpy_generator(0, "diagnose/size").integers(one.size)] = 1
    found: list[Reading] = []
    for sizes in _SIZES[name]:
        signed = [sign * size for size in sizes for sign in ((1, -1) if name == "mean" else (1,))]
        asked = [
            _reading(loss, roundoff, name, told, size, size * where)
            for told, where in zip(_PLACES, (np.ones_like(one), one), strict=True)
            for size in signed
        ]
        found += [reading for reading in asked if reading is not None]
        if resolved(found):
            break
    return found


def _refuse_uneven(loss: AskedLoss, roundoff: Roundoff, name: str) -> None:
    for scale in _SCALES[name]:
        moved = list(_moved(loss, roundoff, name, scale))
        if resolved(moved):
            break
    else:
        raise ValueError(roundoff.too_short(_WHAT))
    asked = [
        (axis, _reading(loss, roundoff, name, _LATENTS, scale, scale * mask))
        for axis, mask in parts(loss.latent_shape)
    ]
    sliced = [(axis, one) for axis, one in asked if one is not None]
    slices, doubt = [one for _, one in sliced], False
    for readings in (moved, slices):
        reading = odd(readings, readings[0], roundoff.exact) if resolved(readings) else None
        if reading is not None:
            along = weights_along([(axis, one.weight) for axis, one in sliced])
            raise ValueError(reading.told + (along if reading.told == _LATENTS else ""))
        doubt |= bool(readings) and doubtful(readings, readings[0], roundoff.exact)
    if doubt:
        raise ValueError(roundoff.too_short(_WHAT))


def _moved(loss: AskedLoss, roundoff: Roundoff, name: str, scale: float) -> Iterator[Reading]:
    """Yield readings of the same means, or log variances, in other places."""
    draw, shape = numpy_generator(0, "diagnose/latents"), loss.latent_shape
    values = scale * draw.choice([0.0, 0.5, 1.0], shape)
    values.flat[0] = scale
    places = [("", values)]
    if name == "mean":
        signs = [draw.choice([-1.0, 1.0], shape) for _ in range(_REPEATS)]
        places += [(_TOGETHER, sign * values) for sign in signs]
    places += [(_LATENTS, draw.permuted(values)) for _ in range(_REPEATS)]
    for told, moved in places:
        reading = _reading(loss, roundoff, name, told, scale, moved)
        if reading is not None:
            yield reading


def _reading(
    loss: AskedLoss, roundoff: Roundoff, name: str, told: str, size: float, values: Array
) -> Reading | None:
    terms = [0.5 * np.square(values)]
    rounded = 0.0
    if name == "log_variance":
        terms = [0.5 * np.expm1(values), -0.5 * values]
        # Its parts are rounded before most of them cancels.
        rounded = sum(float(np.sum(np.abs(term))) for term in terms) + values.size
    expected = float(sum(np.sum(term) for term in terms))
    change = loss.change(**{name: values})
    return read(told, size, change, roundoff, expected=expected, rounded=rounded)
