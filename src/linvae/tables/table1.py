"""Table 1: deep VAEs by recipe and initial observation noise variance, fixed and learned."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from linvae.claims.rows import deep_row
from linvae.digits import rounded, significant
from linvae.inputs import Inputs
from linvae.linear import bound
from linvae.naming import Run
from linvae.noise import number

__all__ = [
    "NOTE",
    "run_row",
    "run_table",
    "runs_below_bound",
    "shown",
    "sigma_table",
    "table_text",
    "tabulate",
    "text",
    "with_all_columns",
]

NOTE = (
    "Mean and standard error over seeds, in nats per image, after table 1 of the paper. The linear "
    "optimum is the linear VAE fitted to the same training images and evaluated on the same split. "
    "Nats left are a floor of what training or the networks have left, no ceiling. Errors that do "
    "not show in six digits are left out."
)
# What a reader of the page compares; the file has all columns.
_SHOWN = (
    "recipe",
    "sigma^2",
    "final sigma^2",
    "ELBO",
    "linear optimum",
    "test ELBO",
    "linear optimum, test",
    "test ELBO, q optimised",
    "test log p(x)",
    "nats left, linear, test",
    "collapse %",
    "used latents",
    "below bound",
)

_RESIDUAL = {
    "residual_gain": "nats left, linear",
    "test_residual_gain": "nats left, linear, test",
    "residual_max": "rho_1 / sigma^2",
    "test_residual_max": "rho_1 / sigma^2, test",
}
# Read from left to right: where the run ended, what it is worth beside the linear optimum on each
# split, what the likelihood says, and which latents it uses.
_COLUMNS = {
    "noise_variance": "final sigma^2",
    "elbo": "ELBO",
    "linear_elbo": "linear optimum",
    "test_elbo": "test ELBO",
    "test_linear_elbo": "linear optimum, test",
    "test_elbo_optimised": "test ELBO, q optimised",
    "test_log_likelihood": "test log p(x)",
    "amortisation_gap": "amortisation gap",
    "test_amortisation_gap": "amortisation gap, test",
    "approximation_gap": "approximation gap",
    "test_approximation_gap": "approximation gap, test",
    "test_unreliable_data": "log p(x) not to be trusted, images",
    **_RESIDUAL,
    "best_known": "best known ELBO",
    "linear_bound": "linear bound",
    "tuned_elbo": "sigma^2-tuned ELBO",
    "tuned_noise_variance": "tuned sigma^2",
    "collapse": "collapse %",
    "test_collapse": "test collapse %",
    "used": "used latents",
    "kl": "KL",
}


def run_table(inputs: Inputs, epsilon: float) -> pd.DataFrame:
    """Tabulate the deep runs among the files, one row a run, as `deep_row` makes it.

    Column ``best_known`` is the largest training ELBO of all runs at the same fixed sigma^2, or of
    all that learn it: what is known to be possible, by whatever recipe and seed.

    Parameters
    ----------
    inputs : Inputs
        ``metrics.json`` of the runs.
    epsilon : float
        Threshold of collapse, in nats.
    """
    runs = pd.DataFrame([run_row(run, found, epsilon) for run, found in inputs.metrics().items()])
    if runs.empty:
        return runs
    # Where sigma^2 is learned its initial value is no part of the model.
    final = runs["initial"].where(runs["kind"] == "fixed", np.nan)
    keys = [runs["kind"], runs["data"], runs["n_latent"], final]
    best = runs.groupby(keys, dropna=False)["elbo"].transform("max")
    return runs.assign(best_known=best)


def run_row(run: Run, metrics: Mapping, epsilon: float) -> dict[str, object]:
    """Return the row of a deep run: that of `deep_row`, and its certificate's values."""
    return deep_row(run, metrics, epsilon) | {name: metrics[name] for name in _RESIDUAL}


def sigma_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds, with standard errors.

    Parameters
    ----------
    runs : DataFrame
        As `run_table` gives it.

    Returns
    -------
    DataFrame
        One row a recipe, kind of noise and initial value, recipes in the order of their runs:
        ``model``, ``kind``, ``initial``, ``seeds``,
        ``below_bound`` (number of runs that ended below the linear bound), and for each quantity
        ``<name>_mean`` and ``<name>_se``, the latter missing for a single seed. ELBOs and KL in
        nats per datum.
    """
    rows = []
    if runs.empty:
        return pd.DataFrame(columns=["model", "kind", "initial", "seeds"])
    order = runs["model"].map({name: i for i, name in enumerate(runs["model"].unique())})
    keys = [runs["kind"], order, runs["initial"]]
    for (kind, _, initial), group in runs.groupby(keys, sort=True):
        model = group["model"].iloc[0]
        row = {"model": model, "kind": kind, "initial": initial, "seeds": len(group)}
        row["below_bound"] = len(runs_below_bound(group))
        for name in _COLUMNS:
            row[f"{name}_mean"] = group[name].mean()
            row[f"{name}_se"] = group[name].std(ddof=1) / math.sqrt(len(group))
        rows.append(row)
    return pd.DataFrame(rows)


def with_all_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as `sigma_table` makes it, with nothing where it was kept without a column."""
    known = [f"{name}_{part}" for name in _COLUMNS for part in ("mean", "se")]
    return table.reindex(columns=[*table, *(name for name in known if name not in table)])


def runs_below_bound(runs: pd.DataFrame) -> pd.DataFrame:
    """Select the runs whose ELBO is below that of the best linear VAE at their noise variance.

    By more than measuring leaves: see `linvae.linear.bound`.
    """
    return runs[bound.below_bound(runs["elbo"], runs["linear_bound"])]


def table_text(table: pd.DataFrame, runs: pd.DataFrame, label: str, epsilon: float) -> str:
    """Render the table as Markdown, with the runs that have not converged below it.

    Parameters
    ----------
    table, runs : DataFrame
        As `sigma_table` and `run_table` give them.
    label : str
        Where the data come from.
    epsilon : float
        Threshold of collapse, in nats.
    """
    if table.empty:
        return f"# Table 1. Observation noise and posterior collapse\n\nData: {label}."
    lines = [
        "# Table 1. Observation noise and posterior collapse",
        "",
        f"Data: {label}. Mean and standard error over seeds, in nats per image. A dimension counts "
        f"as collapsed by its KL at epsilon = {number(epsilon)}. Values are of the training images "
        "where nothing else is said. The linear optimum is the linear VAE fitted to the training "
        "images and evaluated on the same images as the deep one: at the same sigma^2 where that "
        "is fixed, learned too where it is learned. The linear bound is the largest training ELBO "
        "of a linear VAE at the final sigma^2; a run counts as below it from "
        f"{number(bound.BOUND_NATS)} nats on. Of some images of "
        "each split q is optimised with the decoder held: what that adds to the ELBO is the "
        "amortisation gap, and what is left to log p(x) the approximation gap. log p(x) is "
        "estimated by importance weighting from the optimised q, in expectation a lower bound; it "
        "is not to be trusted for images whose weights have a Pareto k above 0.7. Nats left are "
        "what cutting some latents and giving them a linear bypass of the networks adds to the "
        "ELBO, measured on draws, or test images, that had no part in choosing it: a floor of what "
        "training or the networks have left, no ceiling. rho_1 is the largest eigenvalue of the "
        "covariance of the mean residuals. The best known ELBO is the largest of all runs at this "
        "sigma^2, or of all that learn it.",
        "",
        _written(table).to_markdown(index=False, disable_numparse=True),
        "",
        *_not_converged(runs_below_bound(runs)),
    ]
    return "\n".join(lines)


def tabulate(inputs: Inputs, settings: Mapping) -> pd.DataFrame:
    """Return `sigma_table` of the runs; `settings` has ``measurement``."""
    return sigma_table(run_table(inputs, settings["measurement"]["epsilon"]))


def text(table: pd.DataFrame, inputs: Inputs, settings: Mapping) -> str:
    """Return `table_text` of what `tabulate` gave."""
    epsilon = settings["measurement"]["epsilon"]
    return table_text(table, run_table(inputs, epsilon), inputs.data_label(), epsilon)


def shown(table: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """Choose the columns for a page, where kind and initial value of the noise are one."""
    written = _written(table)
    learned = written["sigma^2"] == "learned"
    noise = written["sigma^2"].where(~learned, "learned from") + " " + written["initial"]
    return written.assign(**{"sigma^2": noise})[list(_SHOWN)]


def _written(table: pd.DataFrame) -> pd.DataFrame:
    """Write the numbers as they are shown, one row a recipe, kind and initial value."""
    return pd.DataFrame(
        {
            "recipe": table["model"],
            "sigma^2": table["kind"],
            "initial": [number(value) for value in table["initial"]],
            **{title: _with_error(table, name) for name, title in _COLUMNS.items()},
            "below bound": table["below_bound"].astype(str) + " of " + table["seeds"].astype(str),
        }
    )


def _with_error(table: pd.DataFrame, name: str) -> list[str]:
    """Write mean and standard error, to two digits of the error or six of the mean."""
    pairs = zip(table[f"{name}_mean"], table[f"{name}_se"], strict=True)
    return [rounded(mean, error) for mean, error in pairs]


def _not_converged(runs: pd.DataFrame) -> list[str]:
    if runs.empty:
        return ["Every run reached the linear bound."]
    lines = [
        "These runs ended below the linear bound, which the optimum of a network that can hold the "
        "linear solution exceeds: they have not found it.",
        "",
    ]
    for _, run in runs.sort_values(["model", "kind", "initial", "seed"]).iterrows():
        short = run["linear_bound"] - run["elbo"]
        noise = f"{run['kind']}-{number(run['initial'])}"
        name = f"{run['model']}, {noise}, seed {run['seed']}"
        collapse = significant(run["collapse"], 3)
        lines.append(f"- {name}: {significant(short)} nats below, collapse {collapse} %")
    return lines
