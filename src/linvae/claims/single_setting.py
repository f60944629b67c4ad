"""The experiment of claim 9: which single setting of a recipe undoes what the initial value does.

The recipes of ``study.one_setting`` differ from a base in single settings. From two initial values
or more each has a verdict of its own: the setting undoes the effect where an equivalence test finds
its starts within the margins, by every measure on both splits. From one alone the rows say how much
it changes, and decide nothing.
"""

from collections.abc import Iterator

import pandas as pd

from linvae.claims.between_starts import MEASURES, learned_from, margin_of, start_rows
from linvae.claims.cells import CellMeans
from linvae.claims.evidence import Evidence, verdicts_of, weakest
from linvae.claims.recipes import deep_runs
from linvae.claims.results import Results
from linvae.settings.differences import differences
from linvae.settings.margins import Margins

__all__ = ["of_settings", "setting_runs"]

# Of a margin: an equivalence test asks for all of it.
_SHARE = 1.0


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
        for measure, (quantity, unit) in MEASURES.items():
            # How a third recipe scatters is no matter.
            cells = CellMeans.of(pd.concat([of_base, own]), measure, "model")
            n = len(variants) * len(MEASURES)
            found = cells.contrast({name: 1.0, base: -1.0}, margins.level, n)
            told = {"subject": _label(name, base), "condition": _with(learned_from(start), own)}
            told |= {"split": "train", "margin": margin_of(measure, margins)}
            yield Evidence(f"{quantity}, less that of {base}", found, unit, **told)
