"""Claim 17: whether what the ELBO of a deep VAE lacks of log p(x) is the encoder's more than not.

The amortisation gap is what optimising q for each image adds, with the decoder held: the encoder's
part. What remains is the family's, and is known from below only, as log p(x) is estimated from
below. So the claim takes an amortisation gap that exceeds what remains by more than
`margins.log_likelihood`, by which log p(x) may be higher than its estimate: by bidirectional Monte
Carlo on data simulated from such decoders (docs/inference.md).

What would turn the verdict: an amortisation gap that is smaller than the lower end of what remains.
"""

from collections.abc import Iterator
from operator import attrgetter

import pandas as pd

from linvae.claims.cells import own_interval
from linvae.claims.claim import Claim
from linvae.claims.deciding import what_settles
from linvae.claims.evidence import Evidence, Finding, not_run, weakest
from linvae.claims.recipes import answer_first, at, deep_runs
from linvae.claims.verdicts import Answer, Interval
from linvae.measure.splits import SPLITS
from linvae.settings.margins import Margins

__all__ = ["ENCODER_COSTS_MORE", "encoder_costs_more"]

_CELL = ["model", "initial", "n_latent", "data"]


ENCODER_COSTS_MORE = Claim(
    number=17,
    text="What a deep VAE's ELBO lacks of log p(x) is more the encoder's doing than that of the "
    "family of q.",
    made_by="Cremer, Li and Duvenaud (2018), of other VAEs",
    question=4,
    section="recipes",
    instead="endings",
    judge=lambda results: encoder_costs_more(
        deep_runs(results, "recipes", "endings", kind="fixed"), results.margins
    ),
    shown_in=("fig17",),
)


def encoder_costs_more(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 17. Whether the amortisation gap exceeds what remains, on training and on test images.

    Left out are cells whose ELBO lacks no more than the margin: there is nothing to divide.

    Parameters
    ----------
    runs : DataFrame
        Noise variance fixed: `linvae.claims.recipes.deep_runs`.
    margins
        Of the study.
    """
    if runs.empty:
        return not_run("The study has no runs at a fixed sigma^2.")
    rows: list[Evidence] = []
    for split, prefix in SPLITS.items():
        gaps = [f"{prefix}amortisation_gap", f"{prefix}approximation_gap"]
        cells = [
            own
            for _, own in runs.groupby(_CELL, sort=False)
            if own[gaps].sum(axis=1).mean() > margins.log_likelihood
        ]
        rows += _shown([_cell(own, split, len(cells), margins) for own in cells], split)
    if not rows:
        return not_run("No ELBO lacks more of log p(x) than the margin.")
    verdicts = Finding.by_subject(rows, "")
    sentence = f"{answer_first(verdicts.verdicts)}: the encoder costs more than the family of q."
    trusted = {
        split: {
            str(model): float(own[f"{prefix}unreliable_data"].mean())
            for model, own in runs.groupby("model", sort=False)
        }
        for split, prefix in SPLITS.items()
    }
    numbers = {"images whose log p(x) is not to be trusted": trusted}
    return Finding(tuple(rows), sentence, verdicts.verdict, verdicts.verdicts, numbers)


def _shown(cells: list[Evidence], split: str) -> Iterator[Evidence]:
    """Give the cell that supports the claim least, the one that does most, and how many do."""
    for row in weakest(cells, attrgetter("mean")):
        yield row.but(main=True)
    if len(cells) > 1:
        yield max(cells, key=attrgetter("mean")).but(answer=None, settles="")
        n = sum(row.answer == "yes" for row in cells)
        what = f"recipes at a sigma^2, of {len(cells)}, whose encoder costs more"
        yield Evidence.exact(what, n, subject=cells[0].subject, split=split)


def _cell(runs: pd.DataFrame, split: str, comparisons: int, margins: Margins) -> Evidence:
    prefix, first = SPLITS[split], runs.iloc[0]
    more = runs[f"{prefix}amortisation_gap"] - runs[f"{prefix}approximation_gap"]
    at_level = own_interval(more, margins.level)
    corrected = own_interval(more, margins.level, comparisons)
    answer = _answer(at_level, corrected, margins.log_likelihood)
    return Evidence(
        "amortisation gap less what remains of log p(x)",
        corrected if answer == "no" else at_level,
        "nats",
        subject=f"{split} images",
        condition=f"{first['model']}, {at(first['initial'])}, k = {first['n_latent']}",
        split=split,
        margin=margins.log_likelihood,
    ).answered(answer, _settles(at_level, margins, runs))


def _answer(at_level: Interval, corrected: Interval, slack: float) -> Answer:
    """Answer for one cell: that all are above needs no correction, that one is not does."""
    if at_level.above(slack):
        return "yes"
    return "no" if corrected.below(0.0) else "undecided"


def _settles(found: Interval, margins: Margins, runs: pd.DataFrame) -> str:
    """Say what would settle a cell: seeds where the mean is clear, else a sharper estimate."""
    slack = margins.log_likelihood
    if 0 <= found.mean <= slack:
        return "an upper bound of log p(x)"
    return what_settles(found, slack, runs, slack if found.mean > 0 else 0.0)
