"""Several studies side by side: collapse, residuals, and held-out ELBO and log p(x)."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.plots.recipe_looks import nats_axis, points, recipe_legend, shifts
from linvae.plots.style import figure, letter, look

__all__ = ["draw_collapse", "draw_held_out"]


@look()
def draw_collapse(
    collapse: Mapping[str, pd.DataFrame],
    residual: Mapping[str, pd.DataFrame],
    looks: Mapping[str, dict],
) -> Figure:
    """Draw a column for each study.

    Parameters
    ----------
    collapse
        By study, the table of figure 11: unused latents (percent, train) over sigma^2.
    residual
        By study, the table of figure 15, whose first rank is drawn: rho_1 / sigma^2 on train
        (filled) and on test images (open).
    looks
        Of the recipes (`linvae.plots.recipe_looks.looks_of`).
    """
    layout = {"nrows": 2, "ncols": len(collapse), "sharex": True, "sharey": "row", "squeeze": False}
    made, panels = figure({}, _width(len(collapse)), 4.6, **layout)
    for (name, table), axes in zip(collapse.items(), panels.T, strict=True):
        axes[0].set_title(name)
        _collapse(axes[0], table, looks)
        if name in residual:
            _residual(axes[1], residual[name], looks)
        axes[1].axhline(1.0, color="0.2", linewidth=1.0, zorder=1)
        axes[1].set_xscale("log")
        axes[1].set_yscale("log")
        axes[1].set_xlabel("fixed noise variance σ²")
    panels[0][0].set_ylabel("unused latents (%), train")
    panels[1][0].set_ylabel("$\\rho_1$ / σ²")
    letter(panels.flat)
    theory = Line2D([], [], color="0.2", linewidth=1.2, label="linear theory: λᵢ ≤ σ²")
    recipe_legend(made, [theory], looks, "means over seeds; (lower row) filled: train, open: test")
    return made


@look()
def draw_held_out(tables: Mapping[str, pd.DataFrame], looks: Mapping[str, dict]) -> Figure:
    """Draw a column for each study: what deep VAEs have of test images, over a fixed sigma^2.

    Upper row: test ELBO (filled) and the estimate of log p(x) (open), less the
    linear optimum's log p(x), which is also its ELBO. Lower row: what inference costs, the
    encoder's part (filled) and the rest (open). Nats per datum. Studies that were kept before it
    was measured have none.

    Parameters
    ----------
    tables
        By study, ``table1_sigma.csv``.
    looks
        Of the recipes (`linvae.plots.recipe_looks.looks_of`).
    """
    layout = {"nrows": 2, "ncols": len(tables), "sharex": True, "sharey": "row", "squeeze": False}
    made, panels = figure({}, _width(len(tables)), 4.8, **layout)
    for (name, table), axes in zip(tables.items(), panels.T, strict=True):
        axes[0].set_title(name)
        axes[0].axhline(0.0, color="0.2", linewidth=1.0, zorder=1)
        fixed = table[table["kind"] == "fixed"]
        for shift, model in shifts(looks):
            rows, drawn = fixed[fixed["model"] == model], looks[model]
            x = rows["initial"].astype(float) * shift
            elbo, log_p = (rows[f"test_{name}_mean"] for name in ("elbo", "log_likelihood"))
            points(axes[0], x, elbo - rows["test_linear_elbo_mean"], drawn)
            open_ = drawn | {"markerfacecolor": "white"}
            points(axes[0], x, log_p - rows["test_linear_elbo_mean"], open_)
            points(axes[1], x, rows["test_amortisation_gap_mean"], drawn)
            points(axes[1], x, rows["test_approximation_gap_mean"], open_)
        nats_axis(axes[0])
        axes[1].set_yscale("log")
        if fixed["test_amortisation_gap_mean"].isna().all():
            place = {"ha": "center", "transform": axes[1].transAxes, "color": "0.3"}
            axes[1].text(0.5, 0.5, "not measured", **place)
        axes[1].set_xscale("log")
        axes[1].set_xlabel("fixed noise variance σ²")
    panels[0][0].set_ylabel("above the linear\noptimum, test (nats)")
    panels[1][0].set_ylabel("what inference costs,\ntest (nats)")
    letter(panels.flat)
    told = "means over seeds; upper row: ELBO filled, log p(x) open; lower row: by the encoder "
    recipe_legend(made, [], looks, f"{told}filled, by the family of q open")
    return made


def _width(n: int) -> float:
    """In inches, of n columns: the legend needs some even beside one."""
    return max(4.6, 1.2 + 2.3 * n)


def _collapse(axes: Axes, table: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    theory = table[table["series"] == "theory"]
    share = {"drawstyle": "steps-post", "color": "0.2", "linewidth": 1.2, "zorder": 1}
    axes.plot(theory["noise_variance_mean"], theory["collapse_percent_mean"], **share)
    axes.set_ylim(-4, 104)
    means = table[(table["series"] == "fixed") & table["seed"].isna()]
    for shift, model in shifts(looks):
        rows = means[means["model"] == model]
        x, y = rows["noise_variance_mean"] * shift, rows["collapse_percent_mean"]
        points(axes, x, y, looks[model])


def _residual(axes: Axes, table: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    first = table[table["rank"] == 1]
    for shift, model in shifts(looks):
        for split, face in (("train", {}), ("test", {"markerfacecolor": "white"})):
            rows = first[(first["model"] == model) & (first["split"] == split)]
            points(axes, rows["noise_variance"] * shift, rows["ratio_mean"], looks[model] | face)
