"""How sentences and tables write numbers: digits that errors allow, and none of round-off."""

import math
import re

from linvae.noise import number

__all__ = [
    "ROUND_OFF",
    "by_number",
    "rounded",
    "short",
    "significant",
    "with_interval",
]

# Below it a difference of quantities of a thousand nats is round-off of float64.
ROUND_OFF = 1e-9
# Significant digits of a mean whose error does not show in them.
DIGITS = 6


def significant(value: float, digits: int = 4) -> str:
    """Write a number to some significant digits; what is only round-off, of either sign, is 0.

    Parameters
    ----------
    value
        In nats, points or the like, where `ROUND_OFF` is nothing.
    digits
        Whole numbers keep all of theirs.
    """
    if abs(value) < ROUND_OFF:
        return "0"
    text = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in text else text


def rounded(mean: float, error: float) -> str:
    """Write a mean to two digits of its standard error, and at most six of its own.

    Parameters
    ----------
    mean, error
        In one unit; the error is not finite where a single seed gives none, and is left out where
        it does not show in the digits written.

    Returns
    -------
    str
        ``-94.0 ± 4.0``, or the mean alone.
    """
    if abs(mean) < ROUND_OFF and not error >= ROUND_OFF:
        return "0"
    if not math.isfinite(error) or error < ROUND_OFF:
        return _plain(mean)
    largest = DIGITS - 1 - math.floor(math.log10(abs(mean))) if abs(mean) >= ROUND_OFF else DIGITS
    digits = max(0, min(1 - math.floor(math.log10(error)), largest))
    shown = f"{error:.{digits}f}"
    # Adding zero takes the sign from a mean that is rounded to it.
    return f"{round(mean, digits) + 0.0:.{digits}f} ± {shown}" if float(shown) else _plain(mean)


def _plain(mean: float) -> str:
    """Six significant digits, with a power of ten only where a decimal would be unreadable."""
    text = f"{mean:.{DIGITS}g}"
    return number(float(text)) if 1e-4 <= abs(mean) < 1e15 else f"{mean:.2g}"


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


def with_interval(mean: float, low: float | None, high: float | None, n: int | None = None) -> str:
    """Write a mean and the ends of its interval, to two digits of its half-width.

    Parameters
    ----------
    mean, low, high
        Ends are None, or not a number, where the seeds give no interval.
    n
        Number of seeds, by which a missing interval is explained; 0 of an exact value.
    """
    if low is None or high is None or low != low:
        why = {None: "", 0: "", 1: " (one seed)"}.get(n, " (no interval)")
        return f"{short(mean)}{why}"
    if n == 0:
        return short(mean, 4)
    half = (high - low) / 2
    digits = 1 - math.floor(math.log10(half)) if half >= ROUND_OFF else DIGITS + 1
    if digits > DIGITS:
        return f"{short(mean)} [{short(low)}, {short(high)}]"
    told = [
        f"{round(value, max(0, digits)) + 0.0:,.{max(0, digits)}f}" for value in (mean, low, high)
    ]
    return f"{told[0]} [{told[1]}, {told[2]}]".replace("-", "−")


def by_number(text: str) -> list[tuple[int, float, str]]:
    """Key by which names sort as their numbers do: ``fixed-3`` before ``fixed-10``."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return [
        (1, float(part), "") if i % 2 else (0, 0.0, part) for i, part in enumerate(parts) if part
    ]
