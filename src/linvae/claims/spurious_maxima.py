"""Claim 2: whether the ELBO of the linear VAE has maxima that are not global."""

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.maximum import REACHED_NATS
from linvae.claims.verdicts import Finding

__all__ = ["NO_SPURIOUS_MAXIMA", "no_spurious_maxima"]

# Fewer starts say little about all of them.
ENOUGH_STARTS = 20

NO_SPURIOUS_MAXIMA = Claim(
    number=2,
    text="The ELBO has no spurious maxima: restarts from many scales, among them collapsed starts, "
    "end at the global maximum.",
    made_by="paper",
    question=2,
    section="restarts",
    judge=lambda results: no_spurious_maxima(
        results.table(results.study.restarts.table(results.names))
    ),
)


def no_spurious_maxima(starts: pd.DataFrame) -> Finding:
    """Claim 2. Whether every restart ends at the global maximum.

    Parameters
    ----------
    starts : DataFrame
        As `linvae.evaluation.restarts.restarts` gives it.
    """
    by_kind = starts.groupby("kind")["gap"]
    worst = float(starts["gap"].max())
    numbers = {
        "n_starts": len(starts),
        "worst_gap": worst,
        "worst_gap_by_kind": {kind: float(gap) for kind, gap in by_kind.max().items()},
        "n_by_kind": {kind: int(n) for kind, n in by_kind.size().items()},
        "most_iterations": int(starts["iterations"].max()),
        "worst_mean_abs_cos": float(starts["mean_abs_cos"].min()),
    }
    kinds = ", ".join(f"{n} {kind}" for kind, n in numbers["n_by_kind"].items())
    text = (
        f"L-BFGS from {len(starts)} starts ({kinds}): the worst ends {worst:.2g} nats below the "
        f"maximum, after at most {numbers['most_iterations']} iterations."
    )
    short = starts[starts["gap"] > REACHED_NATS]
    if short["converged"].any():
        return Finding("not supported", f"{text} A converged start ended short of it.", numbers)
    if len(short) > 0:
        return Finding("inconclusive", f"{text} Starts that fell short had not converged.", numbers)
    if len(starts) < ENOUGH_STARTS:
        reason = f"Fewer than {ENOUGH_STARTS} starts are too few for a verdict."
        return Finding("inconclusive", f"{text} {reason}", numbers)
    return Finding("supported", text, numbers)
