"""With how many digits a loss is computed, whatever the precision of what it is given.

A loss that casts its arguments cannot tell them from their rounded values, and what it gives in
short precision is itself a rounded number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linvae.losses.asked_loss import AskedLoss
from linvae.seeds import numpy_generator

__all__ = ["Roundoff", "roundoff_of_error", "roundoff_of_kl"]

Array = NDArray[np.float64]
_DIGITS = {8: "bfloat16", 11: "float16", 24: "float32"}
_FULL = 53
# Powers of two from where to the next: some are in reach of every loss, and beside the others a
# large constant leaves digits.
_ERRORS, _MEANS, _LOG_VARIANCES = (-1, 6), (1, 6), (0,)
_SCALES = (1, 0.7, 0.4, 17.3, 61.7)


@dataclass(frozen=True)
class Roundoff:
    """Unit round-off of a loss.

    Attributes
    ----------
    given : float
        Of its value: 2^-8 to 2^-53.
    within : float
        Of what it is computed from, its arguments; at least that of its value.
    """

    given: float
    within: float

    @property
    def exact(self) -> float:
        """Relative deviation at which sums of the same terms in another order are the same."""
        return min(max(1e-6, 512 * self.within), 5e-3)

    @property
    def tells_zero(self) -> bool:
        """Whether a loss that does not change may be said not to depend on what is changed."""
        return self.within < 2.0**-20

    def too_short(self, what: str) -> str:
        """Say that a weight is lost in round-off, and what to do."""
        given, within = (
            _DIGITS.get(round(-np.log2(unit)), "float64") for unit in (self.given, self.within)
        )
        name = given if given == within else f"{given}, its arguments counting as {within}"
        return (
            f"the loss's precision ({name}) is too low to read the weight of the {what} off its"
            " values: compute it in float64, which its arguments are, without casts"
        )


def roundoff_of_error(loss: AskedLoss) -> Roundoff:
    """Return the unit round-off of the loss where x_hat changes."""
    return _roundoff(loss, "error", {"error": _ERRORS})


def roundoff_of_kl(loss: AskedLoss) -> Roundoff:
    """Return the unit round-off of the loss where means and log variances change."""
    return _roundoff(loss, "mean", {"mean": _MEANS, "log_variance": _LOG_VARIANCES})


def _roundoff(loss: AskedLoss, name: str, arguments: dict[str, tuple[int, ...]]) -> Roundoff:
    digits = _digits_given(loss, name)
    within = [_digits_taken(loss, one, powers) for one, powers in arguments.items()]
    return Roundoff(0.5**digits, 0.5 ** min(digits, *within))


def _rounded(values: ArrayLike, digits: int) -> Array:
    fraction, exponent = np.frexp(values)
    return np.ldexp(np.round(np.ldexp(fraction, digits)), exponent - digits)


def _digits_taken(loss: AskedLoss, name: str, powers: tuple[int, ...]) -> int:
    """Return to how many binary digits the loss takes an argument."""
    shape = loss.data_shape if name == "error" else loss.latent_shape
    draw = numpy_generator(0, "diagnose/digits")
    for digits in _DIGITS:
        seen = [
            _same(loss, name, digits, 2.0**power * draw.uniform(1, 1.9, shape)) for power in powers
        ]
        told = [same for same in seen if same is not None]
        if told and all(told):
            return digits
    return _FULL


def _same(loss: AskedLoss, name: str, digits: int, values: Array) -> bool | None:
    """Whether the loss takes numbers for those that they are rounded to; None if it takes none."""
    rounded = _rounded(values, digits)
    # All are rounded down, so that the loss falls by more than its own last digit.
    values = rounded + 0.3 * np.ldexp(1.0, np.frexp(rounded)[1] - digits)
    # It is x_hat that is rounded, and not the error; at x = 1/2 the difference is exact.
    offset = 0.5 if name == "error" else 0.0
    full, short = (loss.tried(**{name: one - offset}) for one in (values, rounded))
    if full is None or full == loss.tried():
        return None
    return full == short


def _digits_given(loss: AskedLoss, name: str) -> int:
    """Return to how many binary digits the loss gives its value."""
    shape = loss.data_shape if name == "error" else loss.latent_shape
    values = numpy_generator(0, "diagnose/values").uniform(-0.4, 0.4, shape)
    given = {loss.tried(**{name: scale * values}) for scale in _SCALES} - {None}
    if len(given) <= 1:
        return _FULL
    for digits in _DIGITS:
        if all(_rounded(value, digits) == value for value in given):
            return digits
    return _FULL
