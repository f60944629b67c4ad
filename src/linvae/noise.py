"""Noise models: an observation noise variance, held fixed or learned, and its name in paths."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

__all__ = ["NoiseName", "number", "parse_noise"]

_NOISE = re.compile(r"(?P<kind>fixed|learned)-(?P<value>[0-9]+(?:\.[0-9]+)?)")


def number(value: float) -> str:
    """Write a finite number in its one canonical form: ``0.1``, ``30``, ``0.00001``."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class NoiseName:
    """A noise model: the (initial) observation noise variance, held fixed or learned."""

    kind: Literal["fixed", "learned"]
    variance: float

    def __str__(self) -> str:
        return f"{self.kind}-{number(self.variance)}"


def parse_noise(name: str) -> NoiseName:
    """Read a noise name such as ``fixed-0.1`` or ``learned-10``.

    Raises
    ------
    ValueError
        If the form is another, the variance is not positive, or it is not in canonical form.
    """
    match = _NOISE.fullmatch(name)
    if match is None or not 0 < float(match["value"]) < math.inf:
        msg = (
            f"noise {name!r} is not of the form fixed-<variance> or learned-<initial variance> "
            "with a positive finite decimal, for example learned-1 or fixed-0.1"
        )
        raise ValueError(msg)
    noise = NoiseName("fixed" if match["kind"] == "fixed" else "learned", float(match["value"]))
    if str(noise) != name:
        msg = f"noise {name!r} is not in canonical form; write {str(noise)!r}"
        raise ValueError(msg)
    return noise
