"""Deep runs as a table, and a verdict for each recipe with one headline."""

from collections.abc import Callable

import pandas as pd

from linvae.claims.results import Results
from linvae.claims.rows import deep_row
from linvae.claims.trends import ENOUGH_VARIANCES
from linvae.claims.verdicts import Finding, Verdict

__all__ = ["by_recipe", "deep_runs"]


def deep_runs(results: Results, *sections: str) -> pd.DataFrame:
    """Tabulate the deep runs of some sections, one row a run, each once."""
    runs = dict.fromkeys(run for name in sections for run in results.runs(name))
    epsilon = results.measurement.epsilon
    return pd.DataFrame([deep_row(run, results.metrics(run), epsilon) for run in runs])


def by_recipe(
    runs: pd.DataFrame, judge: Callable[[pd.DataFrame], Finding], headline: str | None = None
) -> Finding:
    """Judge each recipe by its own runs.

    Parameters
    ----------
    runs
        One row a run, with ``model`` and ``initial``.
    judge
        Gives the finding on one recipe's runs.
    headline
        Recipe whose verdict is the headline. Where left out or absent, the headline is that of all
        recipes with enough noise variances for a trend: supported where each supports the claim,
        not supported where none does, else inconclusive.
    """
    groups = {str(model): rows for model, rows in runs.groupby("model", sort=False)}
    found = {model: judge(rows) for model, rows in groups.items()}
    verdicts: dict[str, Verdict] = {model: finding.verdict for model, finding in found.items()}
    if headline in verdicts:
        verdict: Verdict = verdicts[headline]
        reason = f"The headline is that of {headline}, the recipe nearest to the paper's."
    else:
        verdict, reason = _together(
            {
                model: verdicts[model]
                for model, rows in groups.items()
                if rows["initial"].nunique() >= ENOUGH_VARIANCES
            }
        )
    parts = [
        f"{model} ({finding.verdict}): {finding.explanation}" for model, finding in found.items()
    ]
    numbers = {model: finding.numbers for model, finding in found.items()}
    return Finding(verdict, " ".join([*parts, reason]), numbers, verdicts)


def _together(verdicts: dict[str, Verdict]) -> tuple[Verdict, str]:
    if not verdicts:
        return "inconclusive", f"No recipe was run at {ENOUGH_VARIANCES} noise variances or more."
    names = ", ".join(verdicts)
    if len(set(verdicts.values())) == 1:
        return next(iter(verdicts.values())), f"The headline is that of {names}."
    return "inconclusive", f"The headline: {names} do not agree."
