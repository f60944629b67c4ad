"""Claim 9: whether the initial value of a learned noise variance decides where training ends.

What would turn the verdict: initial values whose runs end alike, in ELBO or in collapse, on train
or on test: the largest difference between two of them inside the share of the margin that counts as
none. Runs whose noise variance is still on its way say nothing: there the step budget decides.
"""

from collections.abc import Iterator, Mapping
from functools import partial

import pandas as pd

from linvae.claims.claim import Claim
from linvae.claims.deciding import side, would_decide
from linvae.claims.pooled import PooledCells
from linvae.claims.recipes import by_recipe, deep_runs, on_each_split, scope
from linvae.claims.results import Results
from linvae.claims.verdicts import Answer, Finding, both
from linvae.digits import shown_interval
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = ["INITIAL_VALUE_DECIDES", "initial_value_decides"]


def _from_results(results: Results) -> Finding:
    runs = deep_runs(results, "recipes", kind="learned", curves=True)
    judge = partial(initial_value_decides, margins=results.margins)
    return by_recipe(runs, judge, results.study.recipes.as_in_paper)


def _main_numbers(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        for split in ("train", "test"):
            if "elbo" in row.get(split, {}):
                difference = shown_interval(row[split]["elbo"]["difference"])
                yield f"{recipe} {split} {difference} between starts"


INITIAL_VALUE_DECIDES = Claim(
    number=9,
    text="With sigma^2 learned, its initial value still decides collapse and final ELBO.",
    made_by="paper, report",
    question=4,
    section="recipes",
    judge=_from_results,
    shown_in=("fig7", "table1"),
    main_numbers=_main_numbers,
)


def initial_value_decides(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 9. Whether runs that learn the noise variance depend on where it started.

    By the difference between the initial values of highest and lowest mean, of the ELBO and of the
    collapse curve's mean, on each split.

    Parameters
    ----------
    runs : DataFrame
        Of one recipe, noise variance learned: `linvae.claims.recipes.deep_runs` with curves.
    margins
        Of the study.
    """
    found = on_each_split(runs, lambda prefix: _on_split(runs, prefix, margins))
    final = runs.groupby("initial")["noise_variance"].mean()
    ends = ", ".join(f"{number(start)} to {end:.4g}" for start, end in final.items())
    text = f"sigma^2 goes from {ends}. {found.explanation} {scope(runs, margins)}".strip()
    numbers = {
        **found.numbers,
        "noise_variance": {number(start): float(end) for start, end in final.items()},
    }
    # What another noise variance would add to the ELBO at once, with the weights as they are.
    moving = runs["tuned_elbo"] - runs["elbo"] > margins.elbo
    shares = moving.groupby(runs["initial"]).mean()
    if (late := shares[shares >= 0.5]).size:
        names = ", ".join(number(start) for start in late.index)
        text += (
            f" From {names} sigma^2 had not arrived: tuned, it gives more than {margins.elbo:g} "
            "nats. A longer run would decide."
        )
        return Finding("inconclusive", text, numbers)
    return Finding(found.verdict, text, numbers)


def _on_split(
    runs: pd.DataFrame, prefix: str, margins: Margins
) -> tuple[Answer, str, dict[str, object]]:
    answer: Answer = "yes"
    parts, numbers = [], {}
    for name, margin, unit in (
        ("elbo", margins.elbo, "nats of ELBO"),
        ("mean_collapse", margins.latents, "points of mean collapse over epsilon"),
    ):
        cells = PooledCells.of(runs, f"{prefix}{name}", "initial")
        spread = cells.spread(margins.level)
        if spread is None:
            return "undecided", "one initial value", {}
        found = side(spread.interval, margin, margins.none)
        own: Answer = {"above": "yes", "none": "no"}.get(found, "undecided")
        answer = both(answer, own)
        numbers[name] = {
            "means": {number(start): float(mean) for start, mean in cells.means.items()},
            "highest": spread.high,
            "lowest": spread.low,
            "difference": spread.interval.to_dict(),
        }
        text = f"from {spread.high:g} {spread.interval} {unit} more than from {spread.low:g}"
        if own == "undecided":
            ends = runs[runs["initial"].isin([spread.low, spread.high])]
            text += f" ({would_decide(spread.interval, margin, unit, ends)})"
        parts.append(text)
    return answer, " and ".join(parts), numbers
