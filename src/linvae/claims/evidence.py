"""Rows of evidence: one quantity with its interval, and on which side of a margin it lies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from linvae.claims.verdicts import Interval

__all__ = ["Evidence", "Side", "all_within", "at_most", "equivalence"]

Side = Literal["within", "beyond", "open"]


@dataclass(frozen=True)
class Evidence:
    """One quantity, and whether its interval lies within a margin of zero.

    Attributes
    ----------
    quantity, split, unit
        What was measured, on which images, in what: ``ELBO``, ``test``, ``nats``.
    interval
        Over seeds; of a difference as a rule.
    margin
        In the same unit.
    side
        ``within``: all of the interval is at most the margin from zero. ``beyond``: all of it is
        farther. Else ``open``.
    with_what
        What it is compared with, where that needs saying.
    """

    quantity: str
    split: str
    unit: str
    interval: Interval
    margin: float
    side: Side
    with_what: str = ""


def equivalence(at_level: Interval, corrected: Interval, margin: float) -> Side:
    """Test whether a difference lies within a margin.

    Parameters
    ----------
    at_level
        Its interval. That all of several differences lie within their margins needs no correction
        for their number: each alone can refute it.
    corrected
        The same at the level that their number asks for: that one of them lies beyond does.
    margin
        Positive.

    References
    ----------
    Berger and Hsu (1996), *Bioequivalence trials, intersection-union tests and equivalence
    confidence sets*.
    """
    if corrected.low is not None and (corrected.low > margin or corrected.high < -margin):
        return "beyond"
    if at_level.low is not None and at_level.low >= -margin and at_level.high <= margin:
        return "within"
    return "open"


def at_most(found: Interval, margin: float) -> Side:
    """Test whether a quantity is at most a margin."""
    if found.above(margin):
        return "beyond"
    return "within" if found.below(margin) else "open"


def all_within(rows: Iterable[Evidence]) -> Side:
    """Judge several rows together: one beyond its margin is enough, and so is one that is open."""
    sides = {row.side for row in rows}
    if "beyond" in sides:
        return "beyond"
    return "within" if sides == {"within"} else "open"
