"""Claim 2: whether the ELBO of the linear VAE has maxima that are not global."""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.verdicts import Finding
from linvae.digits import short, significant

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


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for name, row in numbers.items():
        if isinstance(row, Mapping) and "outcomes" in row:
            there = row["outcomes"].get("at the maximum", 0)
            worst = short(row["worst_gap"])
            yield f"{name}: {there} of {row['n_starts']} starts, the worst {worst} below"


NO_SPURIOUS_MAXIMA = Claim(
    number=2,
    text="The ELBO has no spurious maxima: restarts from many scales, collapsed starts and saddle "
    "points of the likelihood and of the ELBO end at the global maximum, also by L-BFGS that never "
    "rotates.",
    made_by="paper",
    question=2,
    section="restarts",
    judge=lambda results: no_spurious_maxima(
        results.table(results.study.restarts.table(results.names))
    ),
    main_numbers=_main_numbers,
)


def no_spurious_maxima(starts: pd.DataFrame) -> Finding:
    """Claim 2. Whether every restart ends at the global maximum.

    What would turn it: one restart that stops below the maximum at a point where the gradient
    vanishes and every direction falls. One that stops at a saddle point does not, for it goes on
    from there; one whose climb is not over, more than `REACHED_NATS` below, leaves the claim open.

    Parameters
    ----------
    starts : DataFrame
        As `linvae.landscape.restarts.restarts` gives it.
    """
    ends = starts.assign(outcome=outcomes(starts["gap"], starts["gradient"], starts["curvature"]))
    numbers = {_name(rotate): _summary(rows) for rotate, rows in ends.groupby("rotate")}
    text = " ".join(_sentence(name, row) for name, row in numbers.items())
    spurious = ends[ends["outcome"] == "maximum below"]
    if len(spurious):
        kinds = ", ".join(sorted(spurious["kind"].unique()))
        reason = f"{len(spurious)} ended below it without a direction of ascent ({kinds})."
        return Finding("not supported", f"{text} {reason}", numbers)
    short = ends[ends["outcome"] != "at the maximum"]
    if len(short):
        saddles = int((short["outcome"] == "saddle point").sum())
        reason = f"{len(short)} fell short of it, {saddles} of them at saddle points."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    if set(ends["rotate"]) != {True, False}:
        return Finding("inconclusive", f"{text} Only one way of solving was tried.", numbers)
    if ends.groupby("rotate").size().min() < ENOUGH_STARTS:
        reason = f"Fewer than {ENOUGH_STARTS} starts by each are too few for a verdict."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    return Finding("supported", text, numbers)


def outcomes(gap: pd.Series, gradient: pd.Series, curvature: pd.Series) -> pd.Series:
    """Name what ends are, one of five.

    ``at the maximum``, or so near to it that it does not matter; ``saddle point``; ``maximum
    below`` the global one; ``flat``, which the Hessian does not decide; ``climbing`` still.

    Parameters
    ----------
    gap, gradient, curvature : Series
        Of each end: nats below the maximum, length of the gradient, and largest curvature, empty
        where the end is not stationary, or at the maximum but for rounding.
    """
    stationary = (gradient <= STATIONARY) & curvature.notna()
    found = pd.Series("climbing", index=gap.index)
    found[gap <= REACHED_NATS] = "at the maximum"
    # However near to the maximum: what is stationary there is another point.
    found[stationary] = "flat"
    found[stationary & (curvature > FLAT)] = "saddle point"
    found[stationary & (curvature < -FLAT)] = "maximum below"
    return found


def _name(rotate: bool) -> str:
    return "L-BFGS with rotations" if rotate else "L-BFGS without rotations"


def _summary(rows: pd.DataFrame) -> dict[str, object]:
    n = len(rows)
    passed = rows[rows["saddles"] > 0]
    return {
        "n_starts": n,
        "n_by_kind": {kind: int(count) for kind, count in rows.groupby("kind").size().items()},
        "worst_gap": float(rows["gap"].max()),
        "worst_gap_by_kind": {
            kind: float(gap) for kind, gap in rows.groupby("kind")["gap"].max().items()
        },
        "outcomes": {name: int(count) for name, count in rows.groupby("outcome").size().items()},
        "most_iterations": int(rows["iterations"].max()),
        "worst_mean_abs_cos": float(rows["mean_abs_cos"].min()),
        "n_passed_saddles": len(passed),
        "passed_saddle_gap": float(passed["saddle_gap"].max()) if len(passed) else None,
        # Exact upper bound of a binomial share of which none was seen in n.
        "share_elsewhere_below": 1.0 - 0.05 ** (1.0 / n),
    }


def _sentence(name: str, row: dict) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in row["n_by_kind"].items())
    passed = ""
    if row["n_passed_saddles"]:
        passed = (
            f"; {row['n_passed_saddles']} stopped at a saddle point on the way, up to "
            f"{significant(row['passed_saddle_gap'], 2)} nats below, and went on"
        )
    at = row["outcomes"].get("at the maximum", 0)
    return (
        f"{name} from {row['n_starts']} starts ({kinds}): {at} end within {REACHED_NATS:g} nats of "
        f"the maximum, the worst {significant(row['worst_gap'], 2)} below it, after at most "
        f"{row['most_iterations']} iterations{passed}."
    )
