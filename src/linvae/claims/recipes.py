"""Deep runs as a table, and a verdict for each recipe with one headline."""

from collections.abc import Callable

import pandas as pd

from linvae.claims.curves import curve_row
from linvae.claims.results import Results
from linvae.claims.rows import deep_row, used_row
from linvae.claims.verdicts import Answer, Finding, Verdict, joint, not_run
from linvae.linear.bound import below_bound
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = [
    "ENOUGH_VARIANCES",
    "by_recipe",
    "deep_runs",
    "near_optimum",
    "on_each_split",
    "scope",
    "unless_untrained",
]

# A trend needs as many noise variances.
ENOUGH_VARIANCES = 3
_VERDICT: dict[Answer, Verdict] = {
    "yes": "supported",
    "no": "not supported",
    "undecided": "inconclusive",
}


def deep_runs(
    results: Results, *sections: str, kind: str | None = None, curves: bool = False
) -> pd.DataFrame:
    """Tabulate the deep runs of some sections, one row a run, each once.

    Parameters
    ----------
    results
        Of the study.
    *sections
        Their names.
    kind
        ``fixed`` or ``learned``: of the noise variance; any where left out.
    curves
        Whether to read the collapse curves too.
    """
    runs = dict.fromkeys(run for name in sections for run in results.runs(name))
    chosen = [run for run in runs if kind is None or run.noise.startswith(kind)]
    return pd.DataFrame([_row(results, run, curves=curves) for run in chosen])


def _row(results: Results, run: Run, *, curves: bool) -> dict[str, object]:
    metrics = results.metrics(run)
    row = deep_row(run, metrics, results.measurement.epsilon)
    row |= {**used_row(metrics), "cpu_seconds": results.cpu_seconds(run)}
    if curves:
        row |= curve_row(results.arrays(run, "kl.npz"), run.n_latent, results.measurement.delta)
    return row


def near_optimum(runs: pd.DataFrame, margins: Margins) -> pd.Series:
    """Whether each run ended near or above the linear bound, which its optimum exceeds."""
    return runs["elbo"] >= runs["linear_bound"] - margins.near


def on_each_split(
    runs: pd.DataFrame, judge: Callable[[str], tuple[Answer, str, dict[str, object]]]
) -> Finding:
    """Judge train and test apart: the claim must hold on both.

    Parameters
    ----------
    runs
        Of one recipe.
    judge
        Gives answer, words and numbers for the prefix of a split's columns.
    """
    answers, parts, numbers = [], [], {}
    for split, prefix in SPLITS.items():
        answer, text, found = judge(prefix)
        answers.append(answer)
        parts.append(f"{split}: {text}")
        numbers[split] = {"verdict": _VERDICT[answer], **found}
    return Finding(joint(answers), "; ".join(parts) + ".", {**numbers, "n_runs": len(runs)})


def unless_untrained(
    runs: pd.DataFrame,
    margins: Margins,
    judge: Callable[[pd.DataFrame, pd.DataFrame, str], tuple[Answer, str, dict[str, object]]],
    more: str = "",
) -> Finding:
    """Judge one recipe on each split; it decides nothing where most runs have not arrived.

    Parameters
    ----------
    runs
        Of the recipe.
    margins
        Of the study.
    judge
        Gives answer, words and numbers for all runs, those that `near_optimum` keeps, and the
        prefix of a split's columns.
    more
        Words to be added.
    """
    trained = runs[near_optimum(runs, margins)]
    found = on_each_split(runs, lambda prefix: judge(runs, trained, prefix))
    text = " ".join(filter(None, [found.explanation, scope(runs, margins), more]))
    if len(trained) <= len(runs) / 2:
        reason = f"Most runs ended more than {margins.near:g} nats below the linear bound."
        return Finding("inconclusive", f"{text} {reason}", found.numbers)
    return Finding(found.verdict, text, found.numbers)


def scope(runs: pd.DataFrame, margins: Margins) -> str:
    """Say how far the runs of one recipe speak of more than the recipe."""
    n_below = int(below_bound(runs["elbo"], runs["linear_bound"]).sum())
    parts = []
    if n_below:
        parts.append(
            f"{n_below} of {len(runs)} runs ended below the linear bound: this is said of the "
            "recipe, not of the objective."
        )
    means = runs.groupby("initial")[["above_linear", "test_above_linear"]].mean()
    fitted = (means["above_linear"] > margins.elbo) & (means["test_above_linear"] < -margins.elbo)
    if fitted.any():
        names = ", ".join(number(value) for value in means.index[fitted])
        parts.append(
            f"At sigma^2 = {names} the runs beat the linear optimum on the training images and "
            "lose to it on test images: this is said of the empirical objective."
        )
    return " ".join(parts)


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
    if runs.empty:
        return not_run("Not run: the section has no such runs.")
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
