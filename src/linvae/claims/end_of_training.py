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
from linvae.claims.rows import THRESHOLDS
from linvae.claims.unequal import cells_of, own_interval
from linvae.claims.verdicts import Answer, Interval
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

_ANSWERS: dict[Side, Answer] = {"within": "yes", "beyond": "no", "open": "undecided"}
_SIDES: dict[Answer, Side] = {answer: side for side, answer in _ANSWERS.items()}


@dataclass(frozen=True)
class Check:
    """One check of one cell: its evidence, and what that comes to.

    Attributes
    ----------
    rows
        None where the check was not run. A row answers whether it lies within its margin.
    """

    rows: tuple[Evidence, ...] = ()

    @property
    def sides(self) -> tuple[Side, ...]:
        """Side of its margin on which each row lies."""
        return tuple(_SIDES[row.answer] for row in self.rows)

    @property
    def side(self) -> Side | None:
        """``within`` where it holds, ``beyond`` where it fails, ``open``; None if not run."""
        return all_within(self.sides) if self.rows else None


def same_end(
    one: pd.DataFrame, other: pd.DataFrame, margins: Margins, *, room: bool, checks: int = 1
) -> Check:
    """Compare the ends of two sets of runs: ELBO and latents in use, both on both splits.

    Parameters
    ----------
    one, other
        One row a run, with ``elbo``, ``n_latent`` and, in percent of those, ``used_0.1`` and so on,
        and the same of test with the prefix ``test_``; of one noise variance, number of latents
        and network. Rows are of the second less the first.
    margins
        ``elbo`` and ``latents``.
    room
        Whether numbers of latents are judged.
    checks
        Number of such checks that a verdict rests on.
    """
    if one.empty or other.empty:
        return Check()
    asked = [(f"{prefix}elbo", "ELBO", split) for split, prefix in SPLITS.items()]
    if room:
        asked += [
            (f"{prefix}used_{number(epsilon)}", f"used latents at epsilon = {epsilon:g}", split)
            for split, prefix in SPLITS.items()
            for epsilon in THRESHOLDS
        ]
    both = pd.concat([one.assign(_arm=0), other.assign(_arm=1)], ignore_index=True)
    rows = []
    for column, quantity, split in asked:
        nats = quantity == "ELBO"
        margin = margins.elbo if nats else margins.latents
        cells = cells_of(both, column, "_arm", 0.0 if nats else _one_latent(one))
        at_level, corrected = (
            cells.contrast({1: 1.0, 0: -1.0}, margins.level, n) for n in (1, len(asked) * checks)
        )
        answer = _ANSWERS[equivalence(at_level, corrected, margin)]
        unit = "nats" if nats else "% of k"
        rows.append(Evidence(quantity, at_level, unit, "", "", split, 0.0, margin, answer))
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
    found = own_interval(runs["test_residual_gain"], margins.level)
    return Check((_at_most("gain of a linear bypass", found, margins.elbo, "nats", "test"),))


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
    found = own_interval(kept, margins.level, unit=unit)
    return Check((_at_most("latents kept in use", found, margins.latents, "% of k", "train"),))


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
        row = _at_most("ELBO of another recipe", better, margins.elbo, "nats", "train")
        if row.answer != "yes" and room:
            latents = _difference(both, "used_0.1", margins, len(others), _one_latent(runs))
            same = equivalence(latents, latents, margins.latents)
            row = row if same == "beyond" else row.but(answer=_ANSWERS[same])
        rows.append(row.but(condition=name))
    return Check(tuple(rows))


def _at_most(quantity: str, found: Interval, margin: float, unit: str, split: str) -> Evidence:
    answer = _ANSWERS[at_most(found, margin)]
    return Evidence(quantity, found, unit, split=split, margin=margin, answer=answer)


def _one_latent(runs: pd.DataFrame) -> float:
    """Return the percentage that one latent is."""
    return 100.0 / float(runs["n_latent"].iloc[0])


def _difference(both: pd.DataFrame, column: str, margins: Margins, n: int, unit: float) -> Interval:
    cells = cells_of(both, column, "_arm", unit)
    return cells.contrast({1: 1.0, 0: -1.0}, margins.level, n)
