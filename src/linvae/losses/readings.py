"""Weights as they are read off the changes of a loss, and whether they are one weight."""

from collections.abc import Iterable
from dataclasses import dataclass

from linvae.losses.roundoff import Roundoff

__all__ = ["TOLERANCE", "Reading", "best", "close", "doubtful", "odd", "read", "resolved"]

# What a loss may deviate from its form: a constant beside a standard deviation, half precision.
TOLERANCE = 5e-3
# Deviations that many times the expected round-off may still be round-off.
_UNSURE = 16
# Numbers near zero have fewer digits in half precision.
_SUBNORMAL = 6e-8
_HALF = 1e-4


@dataclass(frozen=True)
class Reading:
    """A change of the loss beside what it would be at weight 1.

    Attributes
    ----------
    told : str
        What is said if it is another weight than the others.
    size : float
        Of the errors, the means, or the log variances.
    answered, expected : float
        The change, and what it is at weight 1.
    noise, doubt : float
        Round-off of the change; and what it may be if the loss is computed from rounded numbers.
    """

    told: str
    size: float
    answered: float
    expected: float
    noise: float
    doubt: float

    @property
    def weight(self) -> float:
        """Weight that is read."""
        return self.answered / self.expected


def read(
    told: str,
    size: float,
    change: tuple[float, float] | None,
    roundoff: Roundoff,
    *,
    expected: float,
    rounded: float,
) -> Reading | None:
    """Return the reading of a change, None where the loss could not be asked.

    Parameters
    ----------
    told, size, expected
        As of `Reading`.
    change
        The change and the largest value, as `AskedLoss.change` gives them.
    roundoff
        Of the loss.
    rounded
        Sum of the sizes of the terms, at weight 1, whose sum is what is expected.
    """
    if change is None:
        return None
    answered, largest = change
    terms = abs(answered) / expected * rounded
    noise, doubt = (
        4 * unit * largest + unit * terms + (_SUBNORMAL if unit > _HALF else 0.0)
        for unit in (roundoff.given, roundoff.within)
    )
    return Reading(told, size, answered, expected, noise, doubt)


def close(*values: float) -> bool:
    """Whether weights are the same."""
    return max(values) - min(values) <= TOLERANCE * max(map(abs, values))


def best(readings: Iterable[Reading]) -> Reading:
    """Return the reading of the least relative round-off."""
    return min(readings, key=lambda r: r.noise / abs(r.answered) if r.answered else float("inf"))


def resolved(readings: list[Reading]) -> bool:
    """Whether at least one reading tells its weight."""
    if not readings:
        return False
    one = best(readings)
    return one.noise < TOLERANCE * abs(one.answered)


def odd(readings: list[Reading], usual: Reading, tolerance: float) -> Reading | None:
    """Return the first reading of another weight than the usual one, if there is one."""
    return _first_beyond(readings, usual, tolerance, _UNSURE)


def doubtful(readings: list[Reading], usual: Reading, tolerance: float) -> bool:
    """Whether readings differ from the usual one by what may be round-off or not."""
    return _first_beyond(readings, usual, tolerance, 0) is not None


def _first_beyond(
    readings: list[Reading], usual: Reading, tolerance: float, doubts: float
) -> Reading | None:
    for reading in readings:
        noise = sum((one.noise + doubts * one.doubt) / one.expected for one in (reading, usual))
        if abs(reading.weight - usual.weight) > tolerance * abs(usual.weight) + noise:
            return reading
    return None
