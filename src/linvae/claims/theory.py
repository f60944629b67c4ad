"""Claim 10: whether the linear optimum's own count says how many latents a deep VAE uses.

Judged by signed differences between the two counts under one (epsilon, delta), at each noise
variance and several epsilon, so that more at one epsilon and fewer at another are not one number.
Left out are noise variances at which the linear optimum uses every latent: there a deep VAE has no
room for more.

What would turn the verdict: a difference whose interval lies beyond the margin, of either sign, at
any of these noise variances, on train or on test; or, where the claim is refuted, differences whose
intervals lie within it at all of them. Where most runs are far below their optimum nothing is said.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.curves import COMPARED
from linvae.claims.deciding import what_settles
from linvae.claims.evidence import Evidence, equivalence, verdicts_of
from linvae.claims.finding import Finding, not_run
from linvae.claims.recipes import at, deep_runs, near_optimum
from linvae.claims.results import Results
from linvae.claims.rows import THRESHOLDS
from linvae.claims.scatter import CheckedCells
from linvae.claims.verdicts import Answer, Interval, joint
from linvae.digits import short
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["PREDICTED", "predicted"]

_ANSWERS: dict[str, Answer] = {"within": "yes", "beyond": "no", "open": "undecided"}
_RANK = {"no": 2, "undecided": 1, "yes": 0}


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="fixed", curves=True)
    return predicted(runs, results.margins)


PREDICTED = Claim(
    number=10,
    text="At fixed sigma^2 the linear optimum's own count says how many latents a deep VAE uses.",
    made_by="this project's reading of the paper; its authors say themselves that the linear VAE "
    "does not predict the gap",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig11",),
)


@dataclass(frozen=True)
class _Count:
    """One difference: where it was measured, and its row."""

    variance: float
    row: Evidence


def predicted(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 10. Whether every recipe uses as many latents as the linear optimum, within a margin.

    One recipe that does not refutes it, and all intervals of all recipes share the level for that.

    Parameters
    ----------
    runs : DataFrame
        Noise variance fixed: `linvae.claims.recipes.deep_runs` with curves.
    margins
        Of the study.
    """
    if runs.empty:
        return not_run("The section has no runs at a fixed sigma^2.")
    # By the eigenvalues, and not by what runs did.
    with_room = runs[runs["predicted"] > 0.0]
    n = len(THRESHOLDS) * len(SPLITS) * with_room.groupby("model")["initial"].nunique().sum()
    found = []
    for _, own in with_room.groupby("model", sort=False):
        cells = list(_cells(own, margins, int(n)))
        found += [_settled(cell, own) for cell in _telling(cells)] + list(_turning(cells))
    rows = _with_main(found)
    verdict = joint(row.answer for row in rows if row.answer is not None)
    return Finding(tuple(rows), _sentence(rows), verdict, verdicts_of(rows), _numbers(runs))


def _cells(runs: pd.DataFrame, margins: Margins, n: int) -> Iterator[_Count]:
    """Give all differences of one recipe, of `n` over all recipes."""
    subject, one_latent = str(runs["model"].iloc[0]), 100.0 / float(runs["n_latent"].iloc[0])
    arrived = near_optimum(runs, margins).groupby(runs["initial"]).mean() > 0.5
    corrected = 1.0 - (1.0 - margins.level) / n
    places = {
        f"{prefix}extra_{number(epsilon)}": (split, number(epsilon))
        for split, prefix in SPLITS.items()
        for epsilon in THRESHOLDS
    }
    columns = CheckedCells.of_columns(runs, list(places), "initial", one_latent)
    for column, (split, epsilon) in places.items():
        for variance in columns[column].means:
            found = [
                columns[column].contrast({variance: 1.0}, level)
                for level in (margins.level, corrected)
            ]
            row = _judged(*found, margins.theory)
            if not arrived[variance]:
                row = row.but(answer="undecided", settles="longer training")
            where = f"{at(variance)}, epsilon = {epsilon}"
            yield _Count(variance, row.but(subject=subject, condition=where, split=split))


def _judged(at_level: Interval, corrected: Interval, margin: float) -> Evidence:
    """Test one difference; the interval shown is the one that it was decided by."""
    side = equivalence(at_level, corrected, margin)
    return Evidence(
        "used latents less the linear optimum's",
        at_level if side == "within" else corrected,
        "% of k",
        margin=margin,
        answer=_ANSWERS[side],
    )


def _telling(cells: Sequence[_Count]) -> Iterator[_Count]:
    """Give of each split the furthest difference of either sign, those first that decide.

    What they say together is what all differences say: where one is open or beyond the margin,
    those within it say no more.
    """
    for split in SPLITS:
        of_split = [cell for cell in cells if cell.row.split == split]
        signs = [
            [cell for cell in of_split if (cell.row.interval.mean >= 0) == positive]
            for positive in (True, False)
        ]
        found = [max(own, key=_weight) for own in signs if own]
        telling = [cell for cell in found if cell.row.answer != "yes"]
        yield from telling or found


def _weight(cell: _Count) -> tuple[int, float]:
    return _RANK[cell.row.answer], abs(cell.row.interval.mean)


def _settled(cell: _Count, runs: pd.DataFrame) -> Evidence:
    """Return a row with the seeds that would settle it, where nothing else is wanted."""
    row = cell.row
    if row.answer != "undecided" or row.settles:
        return row
    leaves = math.copysign(row.margin, row.interval.mean)
    own = runs[runs["initial"] == cell.variance]
    return row.but(settles=what_settles(row.interval, row.margin, own, leaves))


def _turning(cells: Sequence[_Count]) -> Iterator[Evidence]:
    """Count the noise variances at which a recipe uses more at one epsilon and fewer at another."""
    for split in SPLITS:
        turns = []
        for variance in sorted({cell.variance for cell in cells}):
            here = [
                cell.row.interval
                for cell in cells
                if (cell.variance, cell.row.split) == (variance, split)
            ]
            more = any(found.low is not None and found.low > 0 for found in here)
            fewer = any(found.high is not None and found.high < 0 for found in here)
            turns += [variance] * (more and fewer)
        if turns:
            yield Evidence(
                "noise variances where it uses more at one epsilon and fewer at another",
                Interval.exact(len(turns)),
                subject=cells[0].row.subject,
                condition=f"sigma^2 = {', '.join(map(number, turns))}",
                split=split,
            )


def _with_main(rows: Sequence[Evidence]) -> list[Evidence]:
    """Mark the furthest differences of either sign on train images, of those that decide."""
    judged = [row for row in rows if row.answer is not None and row.split == "train"]
    highest = max((_RANK[row.answer] for row in judged), default=0)
    judged = [row for row in judged if _RANK[row.answer] == highest]
    ends = (max(judged, key=_mean), min(judged, key=_mean)) if judged else ()
    return [row.but(main=any(row is end for end in ends)) for row in rows]


def _mean(row: Evidence) -> float:
    return row.interval.mean


def _sentence(rows: Sequence[Evidence]) -> str:
    judged = [row for row in rows if row.answer is not None]
    if not judged:
        return (
            "The linear optimum uses every latent at every sigma^2, which leaves none to compare."
        )
    beyond = [row for row in judged if row.answer == "no"]
    if beyond:
        return f"It does not: {_apart(beyond)} than the linear optimum."
    open_ones = dict.fromkeys(row.subject for row in judged if row.answer == "undecided")
    if open_ones:
        return f"Whether it does stays open for {', '.join(open_ones)}."
    return f"It does, within {number(judged[0].margin)} % of k, for every recipe."


def _apart(beyond: Sequence[Evidence]) -> str:
    """Name the furthest difference of either sign."""
    parts, last = [], ""
    for sign, word in ((1, "more"), (-1, "fewer")):
        if own := [row for row in beyond if sign * row.interval.mean > 0]:
            row = max(own, key=lambda row: abs(row.interval.mean))
            who = "" if row.subject == last else f"{row.subject} uses "
            last = row.subject
            parts.append(f"{who}up to {short(abs(row.interval.mean), 2)} % of k {word}")
    return " and ".join(parts)


def _numbers(runs: pd.DataFrame) -> dict[str, object]:
    """Return by recipe the mean differences, what was left out, and how many runs use more."""
    return {
        str(model): {
            "n_runs": len(own),
            "no_room": [
                number(v) for v in sorted(own.loc[own["predicted"] <= 0, "initial"].unique())
            ],
            **{split: _on_split(own, prefix) for split, prefix in SPLITS.items()},
        }
        for model, own in runs.groupby("model", sort=False)
    }


def _on_split(runs: pd.DataFrame, prefix: str) -> dict[str, object]:
    # Half a latent: round-off of a percentage is none.
    more = {
        "somewhere": int((runs[f"{prefix}extra_latents"] > 0.5).sum()),
        "everywhere": int((runs[f"{prefix}extra_everywhere"] > 0.5).sum()),
    }
    means = {
        number(epsilon): {
            number(v): float(mean)
            for v, mean in runs.groupby("initial")[f"{prefix}extra_{number(epsilon)}"]
            .mean()
            .items()
        }
        for epsilon in THRESHOLDS
    }
    return {"extra": means, "uses_more": {**more, "epsilon": list(COMPARED)}}
