"""What a verdict is, and the interval over seeds that it rests on."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from linvae.digits import with_interval

__all__ = ["Answer", "Interval", "Verdict", "interval", "joint"]

Verdict = Literal["supported", "not supported", "inconclusive"]
Answer = Literal["yes", "no", "undecided"]


@dataclass(frozen=True)
class Interval:
    """Mean over seeds with its confidence interval; no bounds where the seeds give none."""

    mean: float
    low: float | None
    high: float | None
    n: int

    @classmethod
    def exact(cls, value: float) -> Self:
        """Return a value that no seed moves."""
        return cls(float(value), float(value), float(value), 0)

    def above(self, threshold: float) -> bool:
        """Whether the whole interval lies above the threshold."""
        return self.low is not None and self.low > threshold

    def below(self, threshold: float) -> bool:
        """Whether the whole interval lies at or below the threshold."""
        return self.high is not None and self.high <= threshold

    def __neg__(self) -> Self:
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return replace(self, mean=-self.mean, low=low, high=high)

    def to_dict(self) -> dict[str, float | int | None]:
        """Return the fields as JSON holds them."""
        return asdict(self)

    def __str__(self) -> str:
        return with_interval(self.mean, self.low, self.high, self.n)


def interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of independent values, one a seed, with Student's confidence interval.

    Raises
    ------
    ValueError
        If there are no values, or one is not finite.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        msg = f"values of shape {x.shape} must be a non-empty list of finite numbers."
        raise ValueError(msg)
    mean = float(x.mean())
    if x.size == 1:
        return Interval(mean, None, None, 1)
    half = stats.t.ppf(0.5 + level / 2, x.size - 1) * x.std(ddof=1) / math.sqrt(x.size)
    return Interval(mean, float(mean - half), float(mean + half), int(x.size))


def joint(answers: Iterable[Answer]) -> Verdict:
    """Judge a claim that must hold in every case: one "no" refutes it."""
    found = set(answers)
    if "no" in found:
        return "not supported"
    return "supported" if found == {"yes"} else "inconclusive"
