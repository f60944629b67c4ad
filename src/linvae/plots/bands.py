"""Means over seeds with their standard errors: computed for a table, drawn as lines and bands."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

__all__ = ["band", "over_seeds", "seeds_note"]


def over_seeds(frame: pd.DataFrame, by: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """Average columns over the rows that agree in `by`, which are one a seed.

    Returns
    -------
    DataFrame
        Columns `by`, ``n_seeds``, and for each value ``<value>_mean`` and ``<value>_error``: the
        standard error of the mean, from the deviation with n - 1, missing for one seed alone.
        Groups stand in the order of their first row.
    """
    groups = frame.groupby(list(by), sort=False)
    columns = {"n_seeds": groups.size()}
    for value in values:
        columns[f"{value}_mean"] = groups[value].mean()
        columns[f"{value}_error"] = groups[value].std(ddof=1) / np.sqrt(columns["n_seeds"])
    return pd.DataFrame(columns).reset_index()


def band(ax: Axes, table: pd.DataFrame, x: str, value: str, **look: object) -> None:
    """Draw the mean of a value as a line and one standard error to either side as a band."""
    mean, error = table[f"{value}_mean"], table[f"{value}_error"].fillna(0.0)
    (line,) = ax.plot(table[x], mean, **look)
    ax.fill_between(
        table[x], mean - error, mean + error,
        color=line.get_color(), alpha=0.25, linewidth=0, zorder=line.get_zorder() - 0.1,
    )  # fmt: skip


def seeds_note(table: pd.DataFrame) -> str:
    """Say what lines and bands are, for a title or a legend."""
    n_seeds = int(table["n_seeds"].max())
    return "one seed" if n_seeds == 1 else f"mean ± s.e. of {n_seeds} seeds"
