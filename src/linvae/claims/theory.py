"""Claim 10: whether the eigenvalues predict how many latents a deep VAE uses.

What would turn the verdict: collapse curves that at any noise variance lie further from the linear
optimum's own than the margin, by an interval, on train or on test; or, where the claim is refuted,
curves that lie within it at every noise variance.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.curves import COMPARED
from linvae.claims.deciding import would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.recipes import (
    by_recipe,
    deep_runs,
    unless_untrained,
)
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, Interval, answer, joint
from linvae.digits import shown_interval
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["PREDICTED", "predicted"]


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="fixed", curves=True)
    return by_recipe(runs, partial(predicted, margins=results.margins))


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        found = row.get("train", {}).get("difference", {})
        if found:
            worst = max(found, key=lambda variance: found[variance]["mean"])
            yield f"{recipe} {shown_interval(found[worst])} points at {worst}"


PREDICTED = Claim(
    number=10,
    text="At fixed sigma^2 the number of lambda_i > sigma^2 predicts how many latents a deep VAE "
    "uses: its collapse curve is that of the linear optimum, within 10 points.",
    made_by="this project's reading of the paper",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig11",),
    main_numbers=_main_numbers,
)


def predicted(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 10. Whether the collapse curves are those of the linear optimum, at every noise.

    By the largest difference over epsilon between a run's curve and the linear optimum's own exact
    one on the same images, in percentage points; and, apart, whether any run uses more latents.

    Parameters
    ----------
    runs : DataFrame
        Of one recipe, noise variance fixed: `linvae.claims.recipes.deep_runs` with curves.
    margins
        Of the study.
    """
    return unless_untrained(runs, margins, partial(_on_split, margins=margins))


def _on_split(
    runs: pd.DataFrame, trained: pd.DataFrame, prefix: str, margins: Margins
) -> tuple[Answer, str, dict[str, object]]:
    intervals, answers = _differences(runs, prefix, margins)
    found = _together(answers)
    _, near = _differences(trained, prefix, margins)
    worst = max(intervals, key=lambda variance: intervals[variance].mean)
    at = runs.loc[runs["initial"] == worst, f"{prefix}off_linear_at"].median()
    text = f"largest difference {intervals[worst]} points, at sigma^2 = {number(worst)} and "
    text += f"epsilon = {at:.2g}"
    if {found, _together(near)} == {"yes", "no"}:
        found, text = "undecided", f"{text}, but the runs near their optimum say otherwise"
    elif found == "undecided":
        text += f" ({_wanted(runs, intervals, answers, margins)})"
    more = _uses_more(runs, prefix)
    text += (
        f"; {more['somewhere']} of {len(runs)} runs use more latents than linear theory at some "
    )
    text += f"epsilon, {more['everywhere']} at every one"
    text += f" ({more['largest']:.3g} more at most)" if more["somewhere"] else ""
    numbers = {
        "difference": {number(key): value.to_dict() for key, value in intervals.items()},
        "uses_more": more,
        "epsilon": list(COMPARED),
    }
    return found, text, numbers


def _differences(
    runs: pd.DataFrame, prefix: str, margins: Margins
) -> tuple[dict[float, Interval], dict[float, Answer]]:
    """Return the mean difference at each noise variance, and whether it is within the margin."""
    cells = PooledCells.of(runs, f"{prefix}off_linear", "initial")
    comparisons = len(cells.means) * len(SPLITS)
    intervals = {v: cells.mean(v, margins.level, comparisons) for v in cells.means.index}
    opposite: dict[Answer, Answer] = {"yes": "no", "no": "yes", "undecided": "undecided"}
    answers = {v: opposite[answer(found, margins.theory)] for v, found in intervals.items()}
    return intervals, answers


def _together(answers: dict[float, Answer]) -> Answer:
    verdict = joint(answers.values())
    return {"supported": "yes", "not supported": "no"}.get(verdict, "undecided")


def _wanted(
    runs: pd.DataFrame,
    intervals: dict[float, Interval],
    answers: dict[float, Answer],
    margins: Margins,
) -> str:
    """Say what would decide the noise variance that is open and furthest from the margin."""
    still = [variance for variance, found in answers.items() if found == "undecided"]
    first = max(still, key=lambda variance: intervals[variance].mean)
    cell = runs[runs["initial"] == first]
    return would_decide(intervals[first], margins.theory, "points", cell, margins.theory)


def _uses_more(runs: pd.DataFrame, prefix: str) -> dict[str, object]:
    """Count runs with more latents in use than the linear optimum, over a range of epsilon."""
    largest = runs[f"{prefix}extra_latents"]
    # Half a latent: round-off of a percentage is none.
    everywhere = runs[f"{prefix}extra_everywhere"] > 0.5
    return {
        "somewhere": int((largest > 0.5).sum()),
        "everywhere": int(everywhere.sum()),
        "largest": float(largest.max()),
        "noise_variances": [number(v) for v in sorted(runs.loc[everywhere, "initial"].unique())],
    }
