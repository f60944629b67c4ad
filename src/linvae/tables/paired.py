"""Recipe against recipe at equal sigma^2 and sizes, by seed: latents, ELBO and likelihood."""

import math
from collections.abc import Mapping

import pandas as pd

from linvae.claims.verdicts import Interval, interval
from linvae.digits import with_interval
from linvae.noise import number

__all__ = ["paired_table", "paired_text"]

# What a difference is taken of, and its heading.
_QUANTITIES = {
    "used": "used latents",
    "elbo": "train ELBO",
    "test_elbo": "test ELBO",
    "test_elbo_optimised": "test ELBO, q optimised",
    "test_log_likelihood": "test log p(x)",
    "test_inference_gap": "log p(x) - ELBO, test",
}
# What is equal between the two.
_EQUAL = ["initial", "data", "n_latent", "layers", "length"]


def paired_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Tabulate differences to the recipe that comes first among those that are alike, by seed.

    Parameters
    ----------
    runs
        Of deep VAEs, one a row, as `linvae.report.deep_runs.measured_runs` makes them.

    Returns
    -------
    DataFrame
        One row for each fixed sigma^2, data, number of latents, hidden layers and length of
        training, and each other recipe that was run there with a seed of the first:
        ``initial`` (sigma^2), ``data``, ``n_latent``, ``layers``, ``length``, ``recipe``, ``less``
        (the first), ``seeds`` (those of both), and of each quantity ``<name>``, ``<name>_low`` and
        ``<name>_high``: mean and 95 % interval of Student's t over seeds. The ends are missing for
        one seed, and where all seeds give the same. ``used`` is a number of latents, all else is
        in nats per datum.
    """
    if runs.empty:
        return runs
    rows = []
    fixed = runs[runs["kind"] == "fixed"]
    for cell, found in fixed.groupby(_EQUAL, sort=False):
        first, *others = found["model"].unique()
        by_seed = {model: own.set_index("seed") for model, own in found.groupby("model")}
        for model in others:
            both = by_seed[first].index.intersection(by_seed[model].index)
            if len(both):
                differences = {
                    name: _interval(by_seed[model].loc[both, name] - by_seed[first].loc[both, name])
                    for name in _QUANTITIES
                }
                named = dict(zip(_EQUAL, cell, strict=True)) | {"recipe": model, "less": first}
                rows.append(named | _columns(differences))
    table = pd.DataFrame(rows)
    return table.sort_values("initial", ascending=False, kind="stable") if rows else table


def _interval(differences: pd.Series) -> Interval:
    """Of replicates that are identical nothing is known but their value."""
    if differences.isna().any():
        return Interval(math.nan, None, None, len(differences))
    found = interval(differences)
    return Interval(found.mean, None, None, found.n) if differences.nunique() == 1 else found


def _columns(differences: Mapping[str, Interval]) -> dict[str, object]:
    columns: dict[str, object] = {"seeds": next(iter(differences.values())).n}
    for name, found in differences.items():
        columns[name] = found.mean
        for end in ("low", "high"):
            bound = getattr(found, end)
            columns[f"{name}_{end}"] = math.nan if bound is None else bound
    return columns


def paired_text(tables: Mapping[str, pd.DataFrame]) -> str:
    """Write the tables as Markdown, one a study.

    Parameters
    ----------
    tables
        By study, as `paired_table` makes them.
    """
    lines = [
        "# Recipe against recipe",
        "",
        "Differences between two recipes at equal sigma^2, images, number of latents k, hidden "
        "layers and updates, seed by seed. In brackets the 95 % interval of Student's t, each by "
        "itself and over seeds of training alone: on other images more would differ. Latents are "
        "counted on train; ELBOs are in nats per image. q is optimised for each of some images "
        "with the decoder held; log p(x) is estimated with it by importance weighting, in "
        "expectation a lower bound. Two lower bounds differ by what their slacks differ by too.",
    ]
    first = ["sigma^2", "images", "k", "layers", "updates", "recipe less recipe", "seeds"]
    headings = [*first, *_QUANTITIES.values()]
    for study, table in tables.items():
        lines += ["", f"## {study}", "", f"| {' | '.join(headings)} |"]
        lines.append("|---" * len(headings) + "|")
        for row in table.to_dict("records"):
            cells = [number(row["initial"]), *(row[name] for name in _EQUAL[1:])]
            cells += [f"`{row['recipe']}` less `{row['less']}`", row["seeds"]]
            cells += [_cell(row, name) for name in _QUANTITIES]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _cell(row: Mapping, name: str) -> str:
    if row[name] != row[name]:
        return "not measured"
    return with_interval(*(row[key] for key in (name, f"{name}_low", f"{name}_high")))
