"""What a loss is that is not a squared error, or does not read its fourth argument as it is given.

All entries are moved together, so that the loss is a function of one number, known but for scale
and offset.
"""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from linvae.losses.asked_loss import AskedLoss
from linvae.losses.readings import TOLERANCE
from linvae.seeds import numpy_generator

__all__ = ["ROOT", "is_whole", "which_error", "which_fourth"]

Array = NDArray[np.float64]
ROOT = (
    "the weight of the squared error depends on its size: a root or a logarithm of an error, or a"
    " cut of their sum, is no Gaussian likelihood of a known sigma^2"
)
# Where smooth absolute errors are squares, and where they are not.
_ERRORS_AT = (-0.25, -(2**-3), -(2**-6), 2**-5, 2**-2, 0.3125)
_SQUARED, _LOG_VARIANCE = "squared", "log variance"
_ERRORS: dict[str, Callable[[Array, Array], Array]] = {
    _SQUARED: lambda x, at: (x - at) ** 2,
    "a cross-entropy, a discrete likelihood": lambda x, at: (
        -x * np.log(at) - (1 - x) * np.log(1 - at)
    ),
    "a cross-entropy of logits, a discrete likelihood": lambda x, at: np.log1p(np.exp(at)) - x * at,
    "an absolute error, a Laplace likelihood": lambda x, at: abs(x - at),
}


def _kl(variance: Array) -> Array:
    return 0.5 * (variance - np.log(variance))


def _softplus(value: Array) -> Array:
    return np.log1p(np.exp(value))


# The KL of mean 0 as a function of the fourth argument, and what to give in its place.
_FOURTH: dict[str, tuple[Callable[[Array], Array], str]] = {
    _LOG_VARIANCE: (lambda s: _kl(np.exp(s)), ""),
    "a standard deviation (scale)": (lambda s: _kl(s**2), "exp(log_variance / 2)"),
    "a variance": (_kl, "exp(log_variance)"),
    "a log standard deviation": (lambda s: _kl(np.exp(2 * s)), "log_variance / 2"),
    "a precision, 1 / variance": (lambda s: _kl(1 / s), "exp(-log_variance)"),
    "a log precision": (lambda s: _kl(np.exp(-s)), "-log_variance"),
    "a standard deviation before its softplus": (
        lambda s: _kl(_softplus(s) ** 2),
        "log(expm1(exp(log_variance / 2)))",
    ),
    "a variance before its softplus": (
        lambda s: _kl(_softplus(s)),
        "log(expm1(exp(log_variance)))",
    ),
}
_AT = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)


def which_fourth(loss: AskedLoss) -> str | None:
    """Say what the loss takes its fourth argument for, if it is no log variance but known.

    It is asked at positive values, which all of these can be.
    """
    answers = [loss.tried(log_variance=value) for value in _AT]
    names = [name for name, _ in _FOURTH.items()]
    found = _nearest(answers, [_FOURTH[name][0](np.array(_AT)) for name in names])
    if found is None or names[found] == _LOG_VARIANCE:
        return None
    name = names[found]
    return (
        f"the loss reads its fourth argument as {name}, and is given log variances: wrap it, so"
        f" that it is called with {_FOURTH[name][1]} in their place"
    )


def which_error(loss: AskedLoss) -> str | None:
    """Say what the error is, if it is no squared one but known."""
    base = loss.tried()
    for near, far in ((4.0, 8.0), (-4.0, -8.0)):
        value = loss.tried(error=near)
        if value is not None and value == loss.tried(error=far) != base:
            return (
                f"errors of {near:g} and {far:g} cost the same: x_hat, or its squared error, is cut"
                " (clamped). Give the loss without the cut, if x_hat and errors never reach it"
            )
    x, error = np.array([(x, e) for x in (0.375, 0.625) for e in _ERRORS_AT]).T
    at = x + error
    answers = [loss.tried(x=one, error=moved) for one, moved in zip(x, error, strict=True)]
    found = _nearest(answers, [function(x, at) for function in _ERRORS.values()])
    if found is None or list(_ERRORS)[found] == _SQUARED:
        return None
    return f"the error is {list(_ERRORS)[found]}, and no Gaussian one of some sigma^2"


def _nearest(answers: list[float | None], candidates: Iterable[Array]) -> int | None:
    """Return which candidate's values are the answers but for scale and offset."""
    if None in answers:
        return None
    answered = np.array(answers) - answers[0]
    left = []
    for values in candidates:
        expected = values - values[0]
        rest = answered - answered @ expected / (expected @ expected) * expected
        left.append(np.abs(rest).max())
    least = int(np.argmin(left))
    return least if left[least] <= TOLERANCE * np.abs(answered).max() else None


def is_whole(loss: AskedLoss) -> bool:
    """Whether errors of some entries and of the others do not change the loss by their sum."""
    half = numpy_generator(0, "diagnose/halves").random(loss.data_shape) < 0.5
    base = loss.tried()
    if base is None:
        # Of no error, which a logarithm cannot take.
        return loss.tried(error=0.125) is not None
    for size in (0.125, 16.0):
        changes = [loss.tried(error=size * part) for part in (half, ~half, np.ones_like(half))]
        if None in changes:
            break
        one, other, both = (change - base for change in changes)
        noise = 8 * TOLERANCE * max(abs(one), abs(other), abs(both))
        if abs(one + other - both) > noise:
            return True
    return False
