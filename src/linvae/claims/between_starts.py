"""Rows of claim 9: a recipe between initial values, and which single setting undoes their effect.

The recipes of ``study.one_setting`` differ from a base in single settings. From two initial values
or more each has a verdict of its own: the setting undoes the effect where an equivalence test finds
its starts within the margins, by every measure on both splits. From one alone the rows say how much
it changes, and decide nothing.
"""

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.deciding import equivalent, side, with_seeds
from linvae.claims.evidence import Evidence, missing, verdicts_of, weakest
from linvae.claims.recipes import another, deep_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import interval
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.settings.differences import differences
from linvae.settings.margins import Margins

__all__ = ["of_settings", "setting_runs", "start_rows"]

# Columns of `linvae.claims.recipes.deep_runs`: what each is, and its unit.
_MEASURES = {"elbo": ("ELBO", "nats"), "mean_collapse": ("mean collapse over epsilon", "% of k")}
# Of a margin: an equivalence test asks for all of it.
_SHARE = 1.0


def _learned_from(*starts: float) -> str:
    """Name the condition of a row: ``sigma^2 learned from 0.1 and 30``."""
    return f"sigma^2 learned from {' and '.join(number(start) for start in starts)}"


def _margin_of(measure: str, margins: Margins) -> float:
    """Return the margin that differences of a measure are held against."""
    return margins.elbo if measure == "elbo" else margins.latents


def start_rows(runs: pd.DataFrame, margins: Margins, subject: str, share: float) -> list[Evidence]:
    """Compare the initial values that end furthest apart, by each measure on each split.

    "yes" where a difference exceeds its margin, "no" where its interval shows the starts to be
    equivalent. Nothing is answered where the noise variance of most runs from one start was still
    on its way: there the step budget decides.

    `runs` are of one recipe, the `subject`, with a learned noise variance; starts are equivalent
    within a `share` of a margin.
    """
    n = runs["initial"].nunique()
    if n < 2:
        settles = another("initial value", runs)
        return [missing("initial values of sigma^2 run", settles, subject, n, needed=2)]
    columns = {f"{SPLITS[split]}{name}": (name, split) for name in _MEASURES for split in SPLITS}
    rows = [
        _furthest(cells, runs, *columns[column], margins, share).but(subject=subject)
        for column, cells in CellMeans.of_columns(runs, list(columns), "initial").items()
    ]
    late = _on_its_way(runs, margins)
    if late is None:
        return rows
    return [*(row.answered(None) for row in rows), late.but(subject=subject)]


def _furthest(
    cells: CellMeans, runs: pd.DataFrame, measure: str, split: str, margins: Margins, share: float
) -> Evidence:
    """Compare the two starts of most distant means; the level knows that they were picked.

    All rows must say yes, so that a "yes" needs no further correction; one "no" is enough, and is
    asked of an interval at the level of all of them together.
    """
    pairs = list(combinations(cells.means, 2))
    low, high = max(pairs, key=lambda pair: abs(cells.means[pair[1]] - cells.means[pair[0]]))
    margin, (name, unit) = _margin_of(measure, margins), _MEASURES[measure]
    picked, corrected = (
        cells.contrast({high: 1.0, low: -1.0}, margins.level, len(pairs) * n)
        for n in (1, len(_MEASURES) * len(SPLITS))
    )
    apart = side(picked, margin, 0.0) in ("above", "below")
    same = equivalent(corrected, corrected, share * margin) == "yes"
    answer = "yes" if apart else "no" if same else "undecided"
    what, shown = f"{name}, larger initial sigma^2 less smaller", picked if apart else corrected
    told = {"condition": _learned_from(low, high), "split": split, "margin": margin}
    row = Evidence(what, shown, unit, answer=answer, **told)
    return with_seeds(row, runs[runs["initial"].isin([low, high])])


def _on_its_way(runs: pd.DataFrame, margins: Margins) -> Evidence | None:
    """Return what another noise variance would add at once, from the start where it adds most.

    None where most runs from every start would gain no more than the margin.
    """
    gain = runs["tuned_elbo"] - runs["elbo"]
    shares = (gain > margins.elbo).groupby(runs["initial"]).mean()
    late = shares.index[shares >= 0.5]
    if not len(late):
        return None
    worst = gain.groupby(runs["initial"]).mean()[late].idxmax()
    found = interval(gain[runs["initial"] == worst], margins.level)
    told = {"condition": _learned_from(worst), "split": "train", "margin": margins.elbo}
    row = Evidence("ELBO that tuning sigma^2 alone would add", found, "nats", **told)
    return row.answered("undecided", "longer training")


def setting_runs(results: Results) -> pd.DataFrame:
    """Tabulate the runs of ``study.one_setting`` that learn sigma^2; empty where it is left out.

    Columns of `linvae.claims.recipes.deep_runs`, ``base``, and ``changed``: names of the settings
    that differ from the base's, empty of the base itself.
    """
    runs = deep_runs(results, "one_setting", kind="learned", curves=True)
    if runs.empty:
        return runs
    base, changed = results.study.one_setting.base, {}
    for name in runs["model"].unique():
        found = differences(results.models[base], results.models[name])
        changed[name] = ", ".join(key.rpartition(".")[2] for key in found)
    return runs.assign(base=base, changed=runs["model"].map(changed))


def of_settings(runs: pd.DataFrame, margins: Margins) -> tuple[list[Evidence], dict[str, bool]]:
    """Compare a base and the recipes that differ from it in single settings.

    `runs` are as `setting_runs` gives them. Beside the rows it says of each recipe but the base
    whether its initial values end equivalent, by every measure: of none where there is nothing to
    undo, as the base's own verdict is not that they differ.
    """
    if runs.empty:
        return [], {}
    if runs["initial"].nunique() < 2:
        return list(_changes(runs, margins)), {}
    base, rows, all_same, differs = runs["base"].iloc[0], [], {}, False
    for name, own in runs.groupby("model", sort=False):
        found = start_rows(own, margins, _label(name, base), _SHARE)
        # Of each quantity the split that decides: what the rows say together stays the same.
        for quantity in dict.fromkeys(row.quantity for row in found):
            rows += [
                row.but(condition=_with(row.condition, own))
                for row in weakest((row for row in found if row.quantity == quantity), _none)
            ]
        if name == base:
            differs = "supported" in verdicts_of(found).values()
        else:
            all_same[str(name)] = all(row.answer == "no" for row in found)
    return rows, all_same if differs else {}


def _label(model: str, base: str) -> str:
    return f"{base}, the base" if model == base else f"{model}, beside {base}"


def _with(condition: str, own: pd.DataFrame) -> str:
    changed = own["changed"].iloc[0]
    return f"{condition}; changed: {changed}" if changed else condition


def _none(_: Evidence) -> float:
    return 0.0


def _changes(runs: pd.DataFrame, margins: Margins) -> Iterator[Evidence]:
    """Give what each setting changes from the one initial value, on train images."""
    base, start = runs["base"].iloc[0], float(runs["initial"].iloc[0])
    of_base = runs[runs["model"] == base]
    variants = runs[runs["model"] != base].groupby("model", sort=False)
    for name, own in variants if len(of_base) else ():
        for measure, (quantity, unit) in _MEASURES.items():
            # How a third recipe scatters is no matter.
            cells = CellMeans.of(pd.concat([of_base, own]), measure, "model")
            n = len(variants) * len(_MEASURES)
            found = cells.contrast({name: 1.0, base: -1.0}, margins.level, n)
            told = {"subject": _label(name, base), "condition": _with(_learned_from(start), own)}
            told |= {"split": "train", "margin": _margin_of(measure, margins)}
            yield Evidence(f"{quantity}, less that of {base}", found, unit, **told)
