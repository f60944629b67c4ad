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
from linvae.claims.evidence import Evidence, Finding, verdicts_of
from linvae.claims.spurious_maxima import FLAT, REACHED_NATS, STATIONARY, outcomes
from linvae.claims.verdicts import Answer, Verdict
from linvae.digits import short

__all__ = ["ADDED_SADDLES", "added_saddles"]

# Length of the likelihood's gradient where it is not stationary: a hundred times what is zero.
NOT_STATIONARY = 100 * STATIONARY
_SETTLES = {
    "climbing": "more iterations",
    "at the maximum": "other numbers of latents",
    "saddle point": "other numbers of latents",
}
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

    `points` are as `linvae.landscape.saddle_climbs.saddle_climbs` gives them.
    """
    first = outcomes(points["gap"], points["gradient"], points["curvature"])
    end = outcomes(points["end_gap"], points["end_gradient"], points["end_curvature"])
    added = (first == "saddle point") & (points["likelihood_gradient"] > NOT_STATIONARY)
    points = points.assign(first=first, end=end, added=added)
    rows = [*_added(points), *_no_maxima(points)]
    gaps = points.groupby("n_latent")["gap"].first()
    numbers = {f"k={k}": {"gap": float(gap)} for k, gap in gaps.items()}
    found = Finding.of(rows, _sentences(points[points["added"]]), numbers)
    # Each half has its own verdict; the claim is what all rows say together.
    return replace(found, verdicts=verdicts_of(rows))


def _added(points: pd.DataFrame) -> Iterator[Evidence]:
    """Give the stop of each number of latents, and what makes them saddle points of the ELBO."""
    any_added, largest = bool(points["added"].any()), points["n_latent"].max()
    what = "distance from the maximum where L-BFGS without rotations first stops"
    for k, own in points.groupby("n_latent"):
        told = {"subject": _ADDED, "condition": f"k = {k}", "main": bool(k == largest)}
        row = Evidence.exact(what, own["gap"].max(), "nats", **told)
        yield row.answered(_is_added(own, any_added), _SETTLES.get(own["first"].iloc[0], ""))
    found = points[points["added"]]
    least = {
        "likelihood_gradient": ("length of the likelihood's gradient", NOT_STATIONARY),
        "curvature": ("curvature along the steepest direction", FLAT),
    }
    for column, (what, reference) in least.items() if len(found) else ():
        told = {"subject": _ADDED, "reference": reference}
        yield Evidence.exact(f"{what} at these points, the least", found[column].min(), **told)


def _is_added(own: pd.DataFrame, any_added: bool) -> Answer | None:
    if own["added"].all():
        return "yes"
    # A climb that ends at the maximum at once shows no point; so do all, and nothing was added.
    at_once = (own["added"] | (own["first"] == "at the maximum")).all()
    return None if at_once and any_added else "undecided"


def _no_maxima(points: pd.DataFrame) -> Iterator[Evidence]:
    """Count the maxima below that were met, and tell how far from the maximum the worst end is."""
    below = int(((points["first"] == "maximum below") | (points["end"] == "maximum below")).sum())
    what = "climbs that meet a point below the maximum from which no direction rises"
    told = {"subject": _NO_MAXIMA, "condition": f"all {len(points)} climbs"}
    yield Evidence.exact(what, below, "climbs", answer="no" if below else None, **told)
    over = bool((points["end"] == "at the maximum").all())
    what, worst = "distance of the worst end from the maximum", points["end_gap"].max()
    told |= {"condition": "both ways on from each saddle point", "margin": REACHED_NATS}
    row = Evidence.exact(what, worst, "nats", main=True, **told)
    yield row.answered(None if below else "yes" if over else "undecided", "more iterations")


def _sentences(added: pd.DataFrame) -> dict[Verdict, str]:
    row = added.sort_values("n_latent").iloc[-1] if len(added) else None
    some = "the ELBO adds saddle points, but not every climb came to its end"
    none = "no point was met that is stationary for the ELBO and not for the likelihood"
    return {
        "not supported": "No: a point below the maximum was met from which no direction rises.",
        "inconclusive": f"Open: {none if row is None else some}.",
        "supported": ""
        if row is None
        else f"The ELBO adds saddle points, at k = {row['n_latent']} one {short(row['gap'])} nats "
        "below the maximum, and every way on from them ends at the maximum.",
    }
