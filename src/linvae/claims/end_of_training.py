"""Whether a recipe's end is that of its objective: six checks, each with a margin fixed beforehand.

A rate alone sets how many latents are in use, and opposite starts agree at a bad one too. So an
ELBO or a number of latents is said of the objective of these networks only where all checks hold.
Each is an equivalence test on rows of runs; numbers of latents are judged where the linear
optimum leaves some of them unused, or fewer could not be told from none to spare.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from linvae.claims.evidence import Evidence, Side, all_within, at_most, equivalence
from linvae.claims.pooled import PooledCells
from linvae.claims.rows import THRESHOLDS
from linvae.claims.verdicts import Interval
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = [
    "CHECKS",
    "Check",
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


@dataclass(frozen=True)
class Check:
    """One check of one cell: its evidence, and what that comes to.

    Attributes
    ----------
    rows
        None where the check was not run.
    """

    rows: tuple[Evidence, ...] = ()

    @property
    def side(self) -> Side | None:
        """``within`` where it holds, ``beyond`` where it fails, ``open``; None if not run."""
        return all_within(self.rows) if self.rows else None


def same_end(one: pd.DataFrame, other: pd.DataFrame, margins: Margins, *, room: bool) -> Check:
    """Compare the ends of two sets of runs: ELBO on both splits, and latents in use.

    Parameters
    ----------
    one, other
        One row a run, with ``elbo``, ``test_elbo``, ``n_latent`` and, in percent of those,
        ``used_0.1`` and so on; of one noise variance, number of latents and network.
    margins
        ``elbo`` and ``latents``.
    room
        Whether numbers of latents are judged.
    """
    if one.empty or other.empty:
        return Check()
    asked = [(f"{prefix}elbo", "ELBO", split, "nats") for split, prefix in SPLITS.items()]
    if room:
        asked += [
            (f"used_{number(epsilon)}", f"used latents at {number(epsilon)}", "train", "%")
            for epsilon in THRESHOLDS
        ]
    both = pd.concat([one.assign(_arm=0), other.assign(_arm=1)], ignore_index=True)
    rows = []
    for column, quantity, split, unit in asked:
        margin = margins.elbo if unit == "nats" else margins.latents
        cells = PooledCells.of(both, column, "_arm", 0.0 if unit == "nats" else _one_latent(one))
        at_level, corrected = (
            cells.contrast({1: 1.0, 0: -1.0}, margins.level, n) for n in (1, len(asked))
        )
        side = equivalence(at_level, corrected, margin)
        rows.append(Evidence(quantity, split, unit, at_level, margin, side))
    return Check(tuple(rows))


def nothing_certified(runs: pd.DataFrame, margins: Margins) -> Check:
    """Test that what the certificate leaves on test images lies below the margin of the ELBO.

    Parameters
    ----------
    runs
        One row a run, with ``test_residual_gain`` in nats; what is below zero is nothing.
    margins
        ``elbo``.
    """
    found = PooledCells.of(runs.assign(_arm=0), "test_residual_gain", "_arm")
    interval = found.mean(0, margins.level)
    side = at_most(interval, margins.elbo)
    row = Evidence("gain of a linear bypass", "test", "nats", interval, margins.elbo, side)
    return Check((row,))


def reopened_latents_die(
    before: pd.Series, after: pd.Series, margins: Margins, unit: float
) -> Check:
    """Test that a run uses no more latents than before after a bypass has reopened others.

    Parameters
    ----------
    before, after
        Percent of the latents in use, by seed: at the end of the run, and after it was trained on
        from the bypass at a low rate.
    margins
        ``latents``.
    unit
        Percent that one latent is.
    """
    kept = (after - before).dropna()
    if kept.empty:
        return Check()
    found = PooledCells.of(pd.DataFrame({"kept": kept, "_arm": 0}), "kept", "_arm", unit)
    interval = found.mean(0, margins.level)
    side = at_most(interval, margins.latents)
    row = Evidence("latents kept in use", "train", "%", interval, margins.latents, side)
    return Check((row,))


def nothing_better_known(
    runs: pd.DataFrame, others: Mapping[str, pd.DataFrame], margins: Margins, *, room: bool
) -> Check:
    """Test that no other recipe is better by more than the margin and uses other latents.

    Parameters
    ----------
    runs
        Of the recipe, as in `same_end`.
    others
        Runs of other recipes of the same networks, by recipe.
    margins
        ``elbo`` and ``latents``.
    room
        Whether numbers of latents are judged: where not, a higher ELBO alone speaks against it.
    """
    rows = []
    for name, other in others.items():
        both = pd.concat([runs.assign(_arm=0), other.assign(_arm=1)], ignore_index=True)
        better = _difference(both, "elbo", margins, len(others), 0.0)
        side = at_most(better, margins.elbo)
        if side != "within" and room:
            latents = _difference(both, "used_0.1", margins, len(others), _one_latent(runs))
            same = equivalence(latents, latents, margins.latents)
            side = side if same == "beyond" else same
        rows.append(Evidence("ELBO", "train", "nats", better, margins.elbo, side, name))
    return Check(tuple(rows))


def _one_latent(runs: pd.DataFrame) -> float:
    """Return the percentage that one latent is."""
    return 100.0 / float(runs["n_latent"].iloc[0])


def _difference(both: pd.DataFrame, column: str, margins: Margins, n: int, unit: float) -> Interval:
    cells = PooledCells.of(both, column, "_arm", unit)
    return cells.contrast({1: 1.0, 0: -1.0}, margins.level, n)
