"""On which side of a margin an interval lies, and which runs would settle what is open."""

import math
from typing import Literal

import pandas as pd
from scipy import stats

from linvae.claims.evidence import Evidence
from linvae.claims.verdicts import Answer, Interval
from linvae.noise import number

__all__ = [
    "Side",
    "at_most",
    "cost_of",
    "equivalent",
    "exceeds",
    "larger",
    "side",
    "spent",
    "what_settles",
    "with_seeds",
]

Side = Literal["above", "below", "none", "open"]

# More seeds than anyone would train to narrow one interval.
_MOST = 20


def side(found: Interval, margin: float, none: float) -> Side:
    """Tell on which side of a margin a difference lies.

    "above" or "below" if the mean is beyond the margin and the interval on one side of zero; "none"
    if the interval lies within ``none * margin`` of zero; otherwise, and without one, "open".

    Two things that are the same come out as a difference in no more studies than the level of the
    interval says, whatever the margin; that they are the same is said only of an interval far
    narrower than the margin, and so by no small number of scattered seeds.
    """
    if found.low is None or found.high is None:
        return "open"
    if found.mean > margin and found.low > 0:
        return "above"
    if found.mean < -margin and found.high < 0:
        return "below"
    return "none" if max(-found.low, found.high) <= none * margin else "open"


def exceeds(found: Interval, margin: float, none: float = 1.0) -> Answer:
    """Answer whether a difference exceeds a margin, by an interval at the level of its verdict.

    "No" takes an interval beyond the margin on the other side, or within a share of it on both, as
    in `side`: what scatters widely about zero decides nothing.
    """
    if equivalent(found, found, margin) == "no":
        return "yes" if found.mean > 0 else "no"
    return "no" if equivalent(found, found, none * margin) == "yes" else "undecided"


def larger(at_level: Interval, corrected: Interval, margin: float, none: float) -> Answer:
    """Answer whether a difference lies above its margin, as others must too.

    That all of several lie above needs no correction of the level for their number, as each alone
    can refute it; that one of them does not needs it. `margin` and `none` are as in `side`.
    """
    if side(at_level, margin, none) == "above":
        return "yes"
    return "no" if side(corrected, margin, none) in ("below", "none") else "undecided"


def equivalent(at_level: Interval, corrected: Interval, margin: float) -> Answer:
    """Answer whether a difference lies within a margin, as others must too; "no" if beyond.

    That all of several lie within needs no correction of the level for their number, as each alone
    can refute it; that one of them lies beyond needs it.

    References
    ----------
    Berger and Hsu (1996), *Bioequivalence trials, intersection-union tests and equivalence
    confidence sets*.
    """
    if corrected.low is not None and (corrected.low > margin or corrected.high < -margin):
        return "no"
    if at_level.low is not None and at_level.low >= -margin and at_level.high <= margin:
        return "yes"
    return "undecided"


def at_most(found: Interval, margin: float) -> Answer:
    """Answer whether a quantity is at most a margin."""
    if found.above(margin):
        return "no"
    return "yes" if found.below(margin) else "undecided"


def with_seeds(row: Evidence, runs: pd.DataFrame, *, leave_margin: bool = False) -> Evidence:
    """Add to a row that is undecided the seeds that would settle it.

    They narrow its interval until it leaves zero, or the nearer end of the margin.
    """
    if row.answer != "undecided":
        return row
    threshold = math.copysign(row.margin, row.mean) if leave_margin else 0.0
    return row.but(settles=what_settles(row.interval, row.margin, runs, threshold))


def what_settles(found: Interval, margin: float, runs: pd.DataFrame, threshold: float = 0.0) -> str:
    """Say which seeds would narrow an interval enough, and what they cost.

    ``2 more seeds of deep at 3 and 10, 12 CPU minutes``; empty where more seeds would not settle
    it, as an effect of twice the margin would have been seen already. `runs` are those of the
    compared cells, with ``model``, ``initial``, ``seed``, and the estimated ``cpu_seconds`` of
    each; the interval includes the threshold and must leave it.
    """
    extra = _more_seeds(found, margin, threshold)
    if extra == 0:
        return ""
    cells = runs.groupby(["model", "initial"], sort=False)["cpu_seconds"].mean()
    names = ", ".join(
        f"{model} at {' and '.join(number(v) for _, v in part.index)}"
        for model, part in cells.groupby(level="model", sort=False)
    )
    if extra > _MOST:
        return f"more than {_MOST} more seeds of {names}"
    seeds = "one more seed" if extra == 1 else f"{extra} more seeds"
    return f"{seeds} of {names}, {spent(extra * float(cells.sum()))}"


def _more_seeds(found: Interval, margin: float, threshold: float) -> int:
    """Count the seeds that narrow the interval below what it is from the threshold, or the margin.

    By the root of their number and Student's quantile, which falls fast beyond two seeds. It is no
    more than `_MOST` and one.
    """
    if found.low is None or found.high is None:
        # Another seed gives an interval, and identical ones may differ from it.
        return 1
    half = (found.high - found.low) / 2
    wanted = max(abs(found.mean - threshold), margin if threshold == 0.0 else 0.1 * margin)
    now = _half_width(found.n)
    enough = (
        extra for extra in range(_MOST + 1) if half * _half_width(found.n + extra) / now <= wanted
    )
    return next(enough, _MOST + 1)


def _half_width(n: int) -> float:
    """Half-width of Student's interval of the mean of n seeds, in standard deviations."""
    return float(stats.t.ppf(0.975, max(n - 1, 1))) / math.sqrt(n)


def spent(seconds: float) -> str:
    """Write processor time in words."""
    minutes = max(1, round(seconds / 60))
    if minutes >= 90:
        return f"{minutes / 60:.1f} CPU hours"
    return "1 CPU minute" if minutes == 1 else f"{minutes} CPU minutes"


def cost_of(runs: pd.DataFrame, times: int = 1) -> str:
    """Write what it takes to train runs again, so many times."""
    return spent(times * float(runs["cpu_seconds"].sum()))
