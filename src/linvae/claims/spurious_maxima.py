"""Claim 2: whether the ELBO of the linear VAE has maxima that are not global.

Theorem 1 of the paper says that it has none. The proof in short: where M_ij is not zero, turning
columns i and j of W raises the ELBO (`linvae.linear.saddles`). Where M is diagonal the columns are
scaled eigenvectors or zero; below the maximum some unused u_j has an eigenvalue above that of a
column i, or above sigma^2 where column i is zero. Along w_i -> cos t w_i + sin t |w_i| u_j, or t
u_j in place of zero, M stays diagonal, so that the ELBO is the likelihood; and that rises.

The restarts look for a mistake in this or in the code. What would turn the verdict: one that ends
below the maximum where the gradient vanishes and every direction falls. One that stops at a saddle
point goes on from there; one whose climb is not over leaves the claim open.
"""

from collections.abc import Iterator

import pandas as pd
from scipy.stats import beta

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, Finding
from linvae.claims.verdicts import Interval, Verdict

__all__ = [
    "FLAT",
    "NO_SPURIOUS_MAXIMA",
    "REACHED_NATS",
    "STATIONARY",
    "no_spurious_maxima",
    "outcomes",
]

# By each way of solving. So many that all end at the maximum exclude, with 95 % confidence, that a
# share of such starts above 1 - 0.05^(1/12) = 22 % ends elsewhere.
ENOUGH_STARTS = 12
# Below the maximum, in nats per datum: what is nearer is there, of log-likelihoods of a thousand.
REACHED_NATS = 0.01
# Length of the gradient in dimensionless parameters: what is below is a stationary point. Starts
# have 10 to 100, climbs that are not over 1e-4, and where L-BFGS finds no step any more 1e-6.
STATIONARY = 1e-5
# Curvature that Lanczos' method cannot tell from none, in dimensionless parameters; at the maximum
# itself the largest was -3e-5 at k = 16, at the saddle points that were met 6e-4 and more.
FLAT = 1e-6
_WAYS = {True: "with rotations", False: "without rotations"}
_AT_MAXIMUM = "starts that end at the maximum"

NO_SPURIOUS_MAXIMA = Claim(
    number=2,
    text="The ELBO has no spurious maxima: restarts from many scales, from collapsed starts and "
    "from saddle points of likelihood and ELBO end at the global maximum, also without rotations.",
    made_by="paper (Theorem 1)",
    question=2,
    section="restarts",
    judge=lambda results: no_spurious_maxima(
        results.table(results.study.restarts.table(results.names))
    ),
    checked="theorem",
)


def no_spurious_maxima(starts: pd.DataFrame) -> Finding:
    """Claim 2. Whether every restart ends at the global maximum.

    `starts` are as `linvae.landscape.restarts.restarts` gives them.
    """
    ends = starts.assign(outcome=outcomes(starts["gap"], starts["gradient"], starts["curvature"]))
    rows, numbers = [], {}
    for rotate, own in ends.groupby("rotate"):
        rows += _rows(own, f"L-BFGS {_WAYS[rotate]}")
        worst = float(own["gap"].max())
        numbers[f"L-BFGS {_WAYS[rotate]}"] = {"n_starts": len(own), "worst_gap": worst}
    for rotate in {True, False} - set(ends["rotate"]):
        none, told = Interval(0.0, None, None, 0), {"subject": f"L-BFGS {_WAYS[rotate]}"}
        row = Evidence(_AT_MAXIMUM, none, "%", condition="0 starts", **told)
        rows.append(row.answered("undecided", f"starts: {ENOUGH_STARTS} in place of none"))
    n = int((ends["outcome"] == "maximum below").sum())
    what, told = "ends below the maximum from which no direction rises", {"main": True}
    told |= {"condition": f"all {len(ends)} starts", "answer": "no" if n else None}
    rows.append(Evidence.exact(what, n, "starts", **told))
    return Finding.of(rows, _sentences(ends["outcome"].value_counts()), numbers)


def _rows(own: pd.DataFrame, name: str) -> Iterator[Evidence]:
    """Give what one way of solving shows."""
    n, there = len(own), int((own["outcome"] == "at the maximum").sum())
    told, enough = {"subject": name, "condition": f"{n} starts"}, 100.0 * _surely(ENOUGH_STARTS)
    row = Evidence(_AT_MAXIMUM, _share(there, n), "%", reference=enough, main=True, **told)
    few = f"starts: {ENOUGH_STARTS} in place of {n}"
    is_open = there < n or n < ENOUGH_STARTS
    settles = "more iterations" if there < n else few
    yield row.answered("undecided" if is_open else "yes", settles)
    what, worst = "distance of the worst end from the maximum", own["gap"].max()
    yield Evidence.exact(what, worst, "nats", margin=REACHED_NATS, **told)
    what, passed = "starts that stop at a saddle point and go on", (own["saddles"] > 0).sum()
    yield Evidence.exact(what, passed, "starts", **told)


def _share(there: int, n: int) -> Interval:
    """Return a share in percent and its interval, each end exact at 95 %."""
    low = beta.ppf(0.05, there, n - there + 1) if there else 0.0
    high = 1.0 if there == n else beta.ppf(0.95, there + 1, n - there)
    return Interval(100.0 * there / n, 100.0 * float(low), 100.0 * float(high), n)


def _surely(n: int) -> float:
    """Return the share of starts that surely end where all of n do."""
    return 0.05 ** (1.0 / n)


def _sentences(counts: pd.Series) -> dict[Verdict, str]:
    """Write what is said by the number of starts of each outcome."""
    n, all_of = counts.get("at the maximum", 0), counts.sum()
    return {
        "supported": f"All {n} restarts end at the global maximum, rotated or not, as Theorem 1 "
        "says.",
        "not supported": f"No: {counts.get('maximum below')} of {all_of} restarts end below the "
        "maximum where no direction rises.",
        "inconclusive": f"Open: all {n} restarts end at the maximum, but one way of solving has "
        "too few."
        if n == all_of
        else f"Open: {n} of {all_of} restarts end at the maximum, and no other maximum was met.",
    }


def outcomes(gap: pd.Series, gradient: pd.Series, curvature: pd.Series) -> pd.Series:
    """Name what ends are, one of five.

    ``at the maximum``, or so near to it that it does not matter; ``saddle point``; ``maximum
    below`` the global one; ``flat``, which the Hessian does not decide; ``climbing`` still.
    The gap is in nats below the maximum, the gradient its length, and the curvature the largest,
    empty where the end is not stationary, or at the maximum but for rounding.
    """
    stationary = (gradient <= STATIONARY) & curvature.notna()
    found = pd.Series("climbing", index=gap.index)
    found[gap <= REACHED_NATS] = "at the maximum"
    # However near to the maximum: what is stationary there is another point.
    found[stationary] = "flat"
    found[stationary & (curvature > FLAT)] = "saddle point"
    found[stationary & (curvature < -FLAT)] = "maximum below"
    return found
