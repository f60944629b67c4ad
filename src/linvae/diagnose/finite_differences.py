"""What a loss answers where one of its entries moves, and what it is if it is not what is asked.

An answer is by how much the loss changes where an entry moves by h, 2 h and -h, shape (3,).
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "KL",
    "MEANS",
    "STEPS",
    "close",
    "differences",
    "matches",
    "scale",
    "squared",
    "uneven",
    "which_error",
    "which_kl",
]

Array = NDArray[np.float64]
# A loss of single precision must still answer to a part in a thousand.
STEPS = {"x_hat": 0.1, "mean": 0.1, "log_variance": 0.3}
_TOLERANCE = 5e-3
# Sizes of the latents' means: free bits and capacities lie between the KL of these.
MEANS = (0.03, 1.0, 10.0)


def squared(x: float) -> Callable[[float], float]:
    """Return the squared error of one feature as a function of x_hat."""
    return lambda at: (x - at) ** 2


def differences(function: Callable[[float], float], at: float, h: float) -> Array:
    """Return what a function of one entry answers at a value of it, shape (3,)."""
    return np.array([function(at + step) - function(at) for step in (h, 2 * h, -h)])


KL = {
    "mean": lambda mean: 0.5 * mean * mean,
    "log_variance": lambda s: 0.5 * (math.exp(s) - s),
}


def scale(answered: Array, expected: Array) -> float:
    """Return the factor by which changes differ, in least squares."""
    return float(answered @ expected / (expected @ expected))


def matches(answered: Array, expected: Array) -> bool:
    """Whether answers are those expected but for a factor."""
    left = answered - scale(answered, expected) * expected
    return bool(np.abs(left).max() <= _TOLERANCE * np.abs(answered).max())


def close(*values: float) -> bool:
    """Whether weights are the same."""
    return max(values) - min(values) <= _TOLERANCE * max(map(abs, values))


def which_error(answered: Array, x: float, x_hat: float) -> str:
    """Say what the error is, which is no squared one."""
    candidates = {
        "a cross-entropy, a discrete likelihood": lambda at: (
            -x * math.log(at) - (1 - x) * math.log(1 - at)
        ),
        "a cross-entropy of logits, a discrete likelihood": lambda at: (
            math.log1p(math.exp(at)) - x * at
        ),
        "an absolute error, a Laplace likelihood": lambda at: abs(x - at),
    }
    for name, function in candidates.items():
        if matches(answered, differences(function, x_hat, STEPS["x_hat"])):
            return f"the error is {name}, and no Gaussian one of some sigma^2"
    return (
        "the loss does not change with x_hat as a squared error does: cross-entropy, absolute"
        " errors, logarithms and perceptual terms have no sigma^2"
    )


def which_kl(answered: Array, name: str, at: float, h: float) -> str:
    """Say what stands where the KL is expected."""
    if name == "log_variance":
        deviation = differences(lambda s: 0.5 * (math.exp(2 * s) - 2 * s), at, h)
        if matches(answered, deviation):
            return "log variance is read as a log standard deviation: give the loss half of it"
    return (
        f"the loss does not change with the {name.replace('_', ' ')} of a latent as the KL from"
        " N(0, I) does: free bits, a capacity or another prior are no ELBO"
    )


def uneven(found: list[tuple[float, str, float]]) -> str:
    """Tell apart what makes the weight of the KL uneven, from (size, name, weight)."""
    by_size = [[weight for size, _, weight in found if size == one] for one in MEANS]
    if all(close(*weights) for weights in by_size):
        told = ", ".join(f"{np.mean(weights):.3g}" for weights in by_size)
        return (
            f"the weight of the KL depends on its size ({told} from small to large): free bits or a"
            " capacity are no ELBO"
        )
    by_name = [[weight for _, name, weight in found if name == one] for one in KL]
    if all(close(*weights) for weights in by_name):
        return "means and log variances have different weights: not the KL from N(0, I)"
    return "latents, or data, have KL of different weights: free bits, or another prior"
