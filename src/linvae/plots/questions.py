"""What long studies are run for: nats for latents."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.noise import number
from linvae.plots.recipe_looks import nats_axis, recipe_legend
from linvae.plots.style import figure, letter, look

__all__ = ["compared_variances", "draw_used"]

_OPEN = {"markerfacecolor": "white"}


@look()
def draw_used(
    tables: Mapping[str, pd.DataFrame],
    theory: Mapping[str, Mapping[float, float]],
    looks: Mapping[str, dict],
) -> Figure:
    """Draw a row for each study and a column for each sigma^2 at which recipes were compared.

    Test ELBO (filled) and log p(x) (open) less the linear optimum's, in nats per datum, over the
    number of latents in use: the line between the two is what inference costs.

    Parameters
    ----------
    tables
        By study, ``table1_sigma.csv``.
    theory
        By study and sigma^2, the number of latents that the linear optimum uses.
    looks
        Of the recipes (`linvae.plots.recipe_looks.looks_of`).
    """
    fixed = {name: table[table["kind"] == "fixed"] for name, table in tables.items()}
    variances = compared_variances(tables)
    layout = {"nrows": len(tables), "ncols": len(variances), "sharex": "row", "sharey": True}
    made, panels = figure(
        {}, 0.9 + 1.65 * len(variances), 1.1 + 2.0 * len(tables), squeeze=False, **layout
    )
    for (name, table), row in zip(fixed.items(), panels, strict=True):
        for variance, axes in zip(variances, row, strict=True):
            axes.axhline(0.0, color="0.2", linewidth=1.0, zorder=1)
            if variance in theory.get(name, {}):
                axes.axvline(theory[name][variance], color="0.2", linestyle=":", linewidth=1.0)
            at = table[table["initial"] == variance]
            for found in at.to_dict("records"):
                _elbo_and_likelihood(axes, found, looks[found["model"]])
            nats_axis(axes)
            axes.set_title(f"{name}, σ² = {number(variance)}")
        row[0].set_ylabel("above the linear\noptimum, test (nats)")
    for axes in panels[-1]:
        axes.set_xlabel("latents in use, train")
    letter(panels.flat)
    line = Line2D([], [], color="0.2", linestyle=":", label="used by the linear optimum")
    recipe_legend(made, [line], looks, "means over seeds; filled: ELBO, open: log p(x)")
    return made


def compared_variances(tables: Mapping[str, pd.DataFrame]) -> list[float]:
    """Noise variances at which a study has two recipes or more, the largest first."""
    found = set()
    for table in tables.values():
        recipes = table[table["kind"] == "fixed"].groupby("initial")["model"].nunique()
        found |= set(map(float, recipes.index[recipes > 1]))
    return sorted(found, reverse=True)


def _elbo_and_likelihood(axes: Axes, row: Mapping, drawn: Mapping[str, object]) -> None:
    used = row["used_mean"]
    elbo, log_p = (
        row[f"test_{name}_mean"] - row["test_linear_elbo_mean"]
        for name in ("elbo", "log_likelihood")
    )
    axes.plot([used, used], [elbo, log_p], color=drawn["color"], linewidth=0.8, zorder=2)
    axes.plot(used, elbo, linestyle="", markersize=4.5, **drawn)
    axes.plot(used, log_p, linestyle="", markersize=4.5, **drawn, **_OPEN)
