"""Claim 10: whether the linear optimum's own count says how many latents a deep VAE uses.

Judged by signed differences between the two counts under one (epsilon, delta), at each noise
variance and several epsilon, so that more at one epsilon and fewer at another are not one number.
Left out are noise variances at which the linear optimum uses every latent: there a deep VAE has no
room for more.

What would turn the verdict: a difference whose interval lies beyond the margin, of either sign, at
any of these noise variances, on train or on test; or, where the claim is refuted, differences whose
intervals lie within it at all of them. Where most runs are far below their optimum nothing is said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.claim import Claim
from linvae.claims.deciding import equivalent, with_seeds
from linvae.claims.evidence import RANK, Evidence, Finding, not_run, verdicts_of
from linvae.claims.recipes import at, by_threshold, deep_runs, near_optimum, one_latent
from linvae.claims.verdicts import Interval
from linvae.digits import short
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["PREDICTED", "predicted"]

PREDICTED = Claim(
    number=10,
    text="At fixed sigma^2 the linear optimum's own count says how many latents a deep VAE uses.",
    made_by="this project's reading of the paper; its authors say themselves that the linear VAE "
    "does not predict the gap",
    question=4,
    section="recipes",
    judge=lambda results: predicted(
        deep_runs(results, "recipes", kind="fixed", curves=True), results.margins
    ),
    shown_in=("fig11",),
)

_EXTRA = by_threshold("extra")
# The differences of one recipe by noise variance.
_Counts = dict[float, list[Evidence]]


def predicted(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 10. Whether every recipe uses as many latents as the linear optimum, within a margin.

    One recipe that does not refutes it, and all intervals of all recipes share the level for that.

    `runs` are `linvae.claims.recipes.deep_runs` of a fixed noise variance, with curves.
    """
    if runs.empty:
        return not_run("The section has no runs at a fixed sigma^2.")
    # By the eigenvalues, and not by what runs did.
    with_room = runs[runs["predicted"] > 0.0]
    n = len(_EXTRA) * with_room.groupby("model")["initial"].nunique().sum()
    rows: list[Evidence] = []
    for _, own in with_room.groupby("model", sort=False):
        counts = _counts(own, margins, int(n))
        rows += [*_telling(counts), *_turning(counts)]
    rows = _with_main(rows)
    left_out = {
        str(name): {"no_room": [number(v) for v in sorted(own["initial"].unique())]}
        for name, own in runs[runs["predicted"] <= 0.0].groupby("model", sort=False)
    }
    return replace(Finding.of(rows, _sentence(rows), left_out), verdicts=verdicts_of(rows))


def _counts(runs: pd.DataFrame, margins: Margins, n: int) -> _Counts:
    """Judge all differences of one recipe, of `n` over all recipes."""
    arrived = near_optimum(runs, margins).groupby(runs["initial"]).mean() > 0.5
    found: _Counts = {variance: [] for variance in arrived.index}
    columns = CellMeans.of_columns(runs, list(_EXTRA), "initial", one_latent(runs))
    for column, (split, epsilon) in _EXTRA.items():
        for variance, rows in found.items():
            at_level, corrected = columns[column].at_both({variance: 1.0}, margins.level, n)
            answer = equivalent(at_level, corrected, margins.theory)
            told = {
                "subject": str(runs["model"].iloc[0]),
                "condition": f"{at(variance)}, epsilon = {epsilon}",
                "split": split,
                "margin": margins.theory,
            }
            row = Evidence("used latents less the linear optimum's", corrected, "% of k", **told)
            if arrived[variance]:
                own = runs[runs["initial"] == variance]
                row = with_seeds(row.answered(answer), own, leave_margin=True)
            else:
                row = row.answered("undecided", "longer training")
            # That which is corrected is shown where it decides.
            alone = equivalent(at_level, at_level, margins.theory) == row.answer
            rows.append(row.but(interval=at_level) if alone else row)
    return found


def _telling(counts: _Counts) -> Iterator[Evidence]:
    """Give of each split the furthest difference of either sign, those first that decide.

    What they say together is what all differences say: where one is open or beyond the margin,
    those within it say no more.
    """
    for split in SPLITS:
        of_split = [row for rows in counts.values() for row in rows if row.split == split]
        found = _furthest(of_split)
        yield from [row for row in found if row.answer != "yes"] or found


def _furthest(rows: Sequence[Evidence]) -> list[Evidence]:
    """Pick the row furthest to either side, first of those that decide."""
    more, fewer = [row for row in rows if row.mean >= 0], [row for row in rows if row.mean < 0]
    return [max(own, key=_weight) for own in (more, fewer) if own]


def _weight(row: Evidence) -> tuple[int, float]:
    return RANK[row.answer], abs(row.mean)


def _turning(counts: _Counts) -> Iterator[Evidence]:
    """Count the noise variances at which a recipe uses more at one epsilon and fewer at another."""
    for split in SPLITS:
        turns = []
        for variance, rows in counts.items():
            sides = {_sign(row.interval) for row in rows if row.split == split}
            turns += [variance] * (sides >= {1, -1})
        if turns:
            told = {"subject": next(iter(counts.values()))[0].subject, "split": split}
            told["condition"] = f"sigma^2 = {', '.join(map(number, turns))}"
            what = "noise variances where it uses more at one epsilon and fewer at another"
            yield Evidence.exact(what, len(turns), **told)


def _sign(found: Interval) -> int:
    if found.low is None:
        return 0
    return int(found.low > 0) - int(found.high < 0)


def _with_main(rows: Sequence[Evidence]) -> list[Evidence]:
    """Mark the furthest differences of either sign on train images, of those that decide."""
    judged = [row for row in rows if row.answer is not None and row.split == "train"]
    highest = max((RANK[row.answer] for row in judged), default=0)
    judged = [row for row in judged if RANK[row.answer] == highest]
    mean = attrgetter("mean")
    ends = (max(judged, key=mean), min(judged, key=mean)) if judged else ()
    return [row.but(main=any(row is end for end in ends)) for row in rows]


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
    for row in _furthest(beyond):
        who = "" if row.subject == last else f"{row.subject} uses "
        more = "more" if row.mean > 0 else "fewer"
        parts.append(f"{who}up to {short(abs(row.mean), 2)} % of k {more}")
        last = row.subject
    return " and ".join(parts)
