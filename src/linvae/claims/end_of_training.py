"""Whether a recipe's end is that of its objective: six checks, each with a margin fixed beforehand.

A rate alone sets how many latents are in use, and opposite starts agree at a bad one too. So an
ELBO or a number of latents is said of the objective of these networks only where all checks hold.
Each is an equivalence test and gives rows that answer whether they lie within their margin, none
where it was not run; numbers of latents are judged where the linear optimum leaves some of them
unused, or fewer could not be told from none to spare.
"""

from collections.abc import Mapping

import pandas as pd

from linvae.claims.cells import CellMeans, own_interval
from linvae.claims.deciding import at_most, equivalent
from linvae.claims.evidence import Evidence
from linvae.claims.recipes import by_threshold, one_latent
from linvae.claims.verdicts import Interval
from linvae.measure.splits import SPLITS
from linvae.settings.margins import Margins

__all__ = [
    "CHECKS",
    "nothing_better_known",
    "nothing_certified",
    "reopened_latents_die",
    "same_end",
]

# Each by its name in tables, with what it asks.
CHECKS = {
    "start": "opposite starts with seeds of their own end alike",
    "longer": "twice the steps end alike",
    "slower": "half the rate at twice the steps ends alike",
    "certificate": "a linear bypass gains less than the margin on test images",
    "reopened": "latents that a bypass reopens fall out of use again at a low rate",
    "known": "no other recipe of the study has a higher ELBO and another number of latents",
}

# The second arm less the first.
_DIFFERENCE = {1: 1.0, 0: -1.0}


def same_end(
    one: pd.DataFrame, other: pd.DataFrame, margins: Margins, *, room: bool, checks: int = 1
) -> list[Evidence]:
    """Compare the ends of two sets of runs: ELBO and latents in use, both on both splits.

    Rows are of the second less the first; a verdict rests on so many such checks. Both have one row
    a run, with ``elbo``, ``n_latent`` and, in percent of those, ``used_0.1`` and so on, and the
    same of test with the prefix ``test_``; of one noise variance, number of latents and network.
    Without `room` no number of latents is judged.
    """
    if one.empty or other.empty:
        return []
    both = _arms(one, other)
    asked = {f"{prefix}elbo": ("ELBO", split) for split, prefix in SPLITS.items()}
    if room:
        asked |= {
            column: (f"used latents at epsilon = {epsilon}", split)
            for column, (split, epsilon) in by_threshold("used").items()
        }
    rows = []
    for column, (quantity, split) in asked.items():
        nats = quantity == "ELBO"
        unit, margin = ("nats", margins.elbo) if nats else ("% of k", margins.latents)
        cells = CellMeans.of(both, column, "_arm", 0.0 if nats else one_latent(one))
        found = cells.at_both(_DIFFERENCE, margins.level, len(asked) * checks)
        answer = equivalent(*found, margin)
        rows.append(Evidence(quantity, found[0], unit, split=split, margin=margin, answer=answer))
    return rows


def nothing_certified(runs: pd.DataFrame, margins: Margins) -> list[Evidence]:
    """Test that what the certificate leaves on test images lies below the margin of the ELBO.

    `runs` have ``test_residual_gain`` in nats; what is below zero is nothing.
    """
    found = own_interval(runs["test_residual_gain"], margins.level)
    return [_at_most("gain of a linear bypass", found, margins.elbo, "nats", "test")]


def reopened_latents_die(
    before: pd.Series, after: pd.Series, margins: Margins, unit: float
) -> list[Evidence]:
    """Test that a run uses no more latents than before after a bypass has reopened others.

    Both are percent of the latents in use, by seed: at the end of the run, and after it was trained
    on from the bypass at a low rate; one latent is `unit` percent.
    """
    kept = (after - before).dropna()
    if kept.empty:
        return []
    found = own_interval(kept, margins.level, unit=unit)
    return [_at_most("latents kept in use", found, margins.latents, "% of k", "train")]


def nothing_better_known(
    runs: pd.DataFrame, others: Mapping[str, pd.DataFrame], margins: Margins, *, room: bool
) -> list[Evidence]:
    """Test that no other recipe is better by more than the margin and uses other latents.

    `runs` are of the recipe, as in `same_end`, and `others` of others of the same networks. Without
    `room` no number of latents is judged: a higher ELBO alone speaks against the recipe.
    """
    rows = []
    for name, other in others.items():
        both = _arms(runs, other)
        better, latents = (
            CellMeans.of(both, column, "_arm", unit).contrast(
                _DIFFERENCE, margins.level, len(others)
            )
            for column, unit in (("elbo", 0.0), ("used_0.1", one_latent(runs)))
        )
        row = _at_most("ELBO of another recipe", better, margins.elbo, "nats", "train")
        same = equivalent(latents, latents, margins.latents)
        if row.answer != "yes" and room and same != "no":
            row = row.but(answer=same)
        rows.append(row.but(condition=name))
    return rows


def _at_most(quantity: str, found: Interval, margin: float, unit: str, split: str) -> Evidence:
    answer = at_most(found, margin)
    return Evidence(quantity, found, unit, split=split, margin=margin, answer=answer)


def _arms(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([one.assign(_arm=0), other.assign(_arm=1)], ignore_index=True)
