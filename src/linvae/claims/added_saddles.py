"""Claim 14: what stationary points the ELBO of the linear VAE adds to those of the likelihood.

That it adds saddle points, where columns are not orthogonal, is this project's
(`linvae.linear.saddles`); that it adds no maxima is the paper's Theorem 1. Where columns are
orthogonal nothing can be added: the ELBO is the likelihood there, and along the path that leads
upward too (`linvae.claims.spurious_maxima`).

The points follow from the spectrum, exactly: there is no interval. What would turn the verdict: a
stationary point below the maximum, first met or at the end of a way on, from which no direction
rises. Where no point was met that is stationary for the ELBO and not for the likelihood nothing was
added as far as was seen, and where an end is still below the maximum and climbing the second half
is open: both are inconclusive.
"""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, verdicts_of
from linvae.claims.finding import Finding
from linvae.claims.spurious_maxima import FLAT, REACHED_NATS, STATIONARY, outcomes
from linvae.claims.verdicts import Answer, Interval, Verdict
from linvae.digits import short

__all__ = ["ADDED_SADDLES", "added_saddles"]

# Length of the likelihood's gradient where it is not stationary: a hundred times what is zero.
NOT_STATIONARY = 100 * STATIONARY
# The halves of the claim, and whose they are.
_ADDED, _NO_MAXIMA = "saddle points (this project)", "no maxima (paper, Theorem 1)"

ADDED_SADDLES = Claim(
    number=14,
    text="The ELBO adds saddle points to the likelihood's, but no maxima (the paper's Theorem 1): "
    "L-BFGS without rotations stops at one and, pushed off it, goes on to the maximum.",
    made_by="this project, paper (Theorem 1)",
    question=2,
    section="saddles",
    judge=lambda results: added_saddles(results.table(results.study.saddles.table(results.names))),
    shown_in=("fig16",),
    checked="theorem",
)


def added_saddles(points: pd.DataFrame) -> Finding:
    """Claim 14. Whether points that are stationary for the ELBO alone are saddle points.

    Parameters
    ----------
    points : DataFrame
        As `linvae.landscape.saddle_climbs.saddle_climbs` gives it.
    """
    first = outcomes(points["gap"], points["gradient"], points["curvature"])
    end = outcomes(points["end_gap"], points["end_gradient"], points["end_curvature"])
    added = (first == "saddle point") & (points["likelihood_gradient"] > NOT_STATIONARY)
    points = points.assign(first=first, end=end, added=added)
    numbers = {f"k={k}": _numbers(rows) for k, rows in points.groupby("n_latent")} | {
        "margin": REACHED_NATS,
        "curvature_margin": FLAT,
    }
    rows = [*_added(points), *_no_maxima(points)]
    verdict = Finding.of(rows, "").verdict
    found = Finding.of(rows, _sentence(verdict, points), numbers)
    # Each half has its own verdict; the claim is what all rows say together.
    return replace(found, verdicts=verdicts_of(rows))


def _added(points: pd.DataFrame) -> Iterator[Evidence]:
    """Give the stop of each number of latents, and what makes them saddle points of the ELBO."""
    any_added, largest = bool(points["added"].any()), points["n_latent"].max()
    for k, own in points.groupby("n_latent"):
        answer = _is_added(own, any_added)
        yield Evidence(
            "distance from the maximum where L-BFGS without rotations first stops",
            Interval.exact(own["gap"].max()),
            "nats",
            subject=_ADDED,
            condition=f"k = {k}",
            answer=answer,
            settles=_SETTLES.get(own["first"].iloc[0], "") if answer == "undecided" else "",
            main=bool(k == largest),
        )
    found = points[points["added"]]
    if len(found):
        yield Evidence(
            "length of the likelihood's gradient at these points, the least",
            Interval.exact(found["likelihood_gradient"].min()),
            subject=_ADDED,
            reference=NOT_STATIONARY,
        )
        yield Evidence(
            "curvature along the steepest direction at these points, the least",
            Interval.exact(found["curvature"].min()),
            subject=_ADDED,
            reference=FLAT,
        )


_SETTLES = {
    "climbing": "more iterations",
    "at the maximum": "other numbers of latents",
    "saddle point": "other numbers of latents",
}


def _is_added(own: pd.DataFrame, any_added: bool) -> Answer | None:
    if own["added"].all():
        return "yes"
    # A climb that ends at the maximum at once shows no point; so do all, and nothing was added.
    at_once = (own["added"] | (own["first"] == "at the maximum")).all()
    return None if at_once and any_added else "undecided"


def _no_maxima(points: pd.DataFrame) -> Iterator[Evidence]:
    below = int(((points["first"] == "maximum below") | (points["end"] == "maximum below")).sum())
    yield Evidence(
        "climbs that meet a point below the maximum from which no direction rises",
        Interval.exact(below),
        "climbs",
        subject=_NO_MAXIMA,
        condition=f"all {len(points)} climbs",
        answer="no" if below else None,
    )
    over = bool(below or (points["end"] == "at the maximum").all())
    yield Evidence(
        "distance of the worst end from the maximum",
        Interval.exact(points["end_gap"].max()),
        "nats",
        subject=_NO_MAXIMA,
        condition="both ways on from each saddle point",
        margin=REACHED_NATS,
        answer=None if below else "yes" if over else "undecided",
        settles="" if over else "more iterations",
        main=True,
    )


def _sentence(verdict: Verdict, points: pd.DataFrame) -> str:
    if verdict == "not supported":
        return "No: a point below the maximum was met from which no direction rises."
    if not points["added"].any():
        return "Open: no point was met that is stationary for the ELBO and not for the likelihood."
    if verdict == "inconclusive":
        return "Open: the ELBO adds saddle points, but not every climb came to its end."
    row = points.loc[points["added"]].sort_values("n_latent").iloc[-1]
    return (
        f"The ELBO adds saddle points, at k = {row['n_latent']} one {short(row['gap'])} nats below "
        "the maximum, and every way on from them ends at the maximum."
    )


def _numbers(rows: pd.DataFrame) -> dict[str, object]:
    told = rows.iloc[0]
    names = ("gap", "predicted_gap", "marginal_gap", "gradient", "likelihood_gradient")
    return {
        **{name: float(told[name]) for name in names},
        "curvature": None if pd.isna(told["curvature"]) else float(told["curvature"]),
        "turning_curvature": float(told["turning_curvature"]),
        "end_gap": float(rows["end_gap"].max()),
        "saddles": int(rows["saddles"].max()),
        "iterations": int(rows["iterations"].max()),
    }
