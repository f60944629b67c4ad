"""How sentences write numbers, and tables sort their rows: in the order of numbers."""

import re

from linvae.claims.digits import ROUND_OFF
from linvae.noise import number

__all__ = ["by_number", "short", "with_interval"]


def short(value: float, digits: int = 3) -> str:
    """Write a number for a sentence: three significant digits, and none that are only round-off.

    Parameters
    ----------
    value
        Finite.
    digits
        Significant ones; whole numbers keep all of theirs.
    """
    if abs(value) < ROUND_OFF:
        return "0"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}".replace("-", "−")
    if abs(value) < 1e-3:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa} × 10^{int(exponent)}".replace("-", "−")
    return number(float(f"{value:.{digits}g}")).replace("-", "−")


def with_interval(mean: float, low: float | None, high: float | None) -> str:
    """Write a mean and, in brackets, the ends of its interval where it has one."""
    if low is None or high is None or low != low:
        return short(mean)
    return f"{short(mean)} [{short(low)}, {short(high)}]"


def by_number(text: str) -> list[tuple[int, float, str]]:
    """Key by which names sort as their numbers do: ``fixed-3`` before ``fixed-10``."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [
        (1, float(part), "") if i % 2 else (0, 0.0, part) for i, part in enumerate(parts) if part
    ]
