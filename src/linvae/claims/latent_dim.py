"""Claim 5: what more latents do to the likelihood at a noise variance that is held.

The values are closed forms and exact. What would turn the verdict: a likelihood that only rises, or
only falls, by more than the margin on some data.
"""

from collections.abc import Mapping

import pandas as pd

from linvae.claims.claim import Claim, Earlier
from linvae.claims.evidence import Evidence, Finding
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer
from linvae.digits import short

__all__ = ["LIKELIHOOD_OVER_LATENTS", "likelihood_over_latents"]

# Data sets whose rise and fall short tables show.
_SHOWN = 2


def _from_results(results: Results) -> Finding:
    section, names = results.study.latent_dim, results.names
    paths = zip(section.data, section.evidence(names), strict=True)
    tables = {names.data(variant): results.table(path) for variant, path in paths}
    return likelihood_over_latents(tables, section.fixed_at, section.margin)


LIKELIHOOD_OVER_LATENTS = Claim(
    number=5,
    text="At the maximum-likelihood sigma^2 of fewer latents, the likelihood rises past their "
    "number and then falls.",
    made_by="paper, report",
    question=1,
    section="latent_dim",
    judge=_from_results,
    shown_in=("fig6",),
    earlier=(
        Earlier(
            6,
            "2",
            "At sigma^2 of fewer latents the likelihood rises past their number and then falls.",
            "The same.",
            report_side=True,
            paper_side=True,
            why="Where it rises and where it falls is decided by the spectrum of the data.",
        ),
    ),
    checked="from memory",
)


def likelihood_over_latents(
    tables: Mapping[str, pd.DataFrame], fixed_at: int, margin: float
) -> Finding:
    """Claim 5. Whether the likelihood at a held noise variance rises past its k, then falls.

    The tables, by data name, have columns ``n_latent`` and ``fixed_log_likelihood`` for every k;
    the noise variance is that of k = `fixed_at`. A rise or a fall below the margin is none.
    """
    rows, rises = [], []
    for i, (data, table) in enumerate(tables.items()):
        values = table.set_index("n_latent")["fixed_log_likelihood"]
        # From the held k on: what lies before it says nothing of the claim.
        values = values[values.index >= fixed_at]
        peak, last = int(values.idxmax()), int(values.index[-1])
        rise, fall = (float(values[peak] - values[k]) for k in (fixed_at, last))
        rises.append(rise)
        halves = (("rise", rise, fall, fixed_at, peak), ("fall", fall, rise, peak, last))
        for name, own, other, low, high in halves:
            what = f"{name} of the likelihood, sigma^2 held at that of k = {fixed_at}"
            told = {"subject": data, "condition": f"k = {low} to {high}", "split": "train"}
            told |= {"margin": margin, "answer": _beyond(own, other, margin)}
            rows.append(Evidence.exact(what, own, "nats", main=i < _SHOWN, **told))
    sentences = {
        "supported": f"On all data the likelihood rises past k = {fixed_at}, by "
        f"{short(min(rises))} nats or more, and then falls.",
        "not supported": f"Not on all data does the likelihood rise past k = {fixed_at} and then "
        "fall.",
        "inconclusive": f"Open: on some data the likelihood hardly changes past k = {fixed_at}.",
    }
    return Finding.of(rows, sentences)


def _beyond(own: float, other: float, margin: float) -> Answer:
    """Answer for a rise or a fall; where neither is there, the curve is flat and says nothing."""
    if own > margin:
        return "yes"
    return "no" if other > margin else "undecided"
