"""Collapse against linear theory, and what the residuals hold, of several studies side by side."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.plots.style import COLORS, MARKERS, figure, letter, look

__all__ = ["draw"]

_APART = 1.1


@look()
def draw(collapse: Mapping[str, pd.DataFrame], residual: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw a column for each study.

    Parameters
    ----------
    collapse
        By study, the table of figure 11: unused latents (percent, train) over sigma^2.
    residual
        By study, the table of figure 15, whose first rank is drawn: rho_1 / sigma^2 on train
        (filled) and on test images (open).
    """
    models = list(
        dict.fromkeys(
            model for table in collapse.values() for model in table["model"].dropna().unique()
        )
    )
    looks = {
        model: {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, model in enumerate(models)
    }
    layout = {"nrows": 2, "ncols": len(collapse), "sharex": True, "sharey": "row", "squeeze": False}
    made, panels = figure({}, 1.2 + 2.3 * len(collapse), 4.6, **layout)
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
    handles = [Line2D([], [], ls="", label=model, **drawn) for model, drawn in looks.items()]
    title = "means over seeds; (lower row) filled: train, open: test"
    place = {"loc": "outside upper center", "ncols": 3}
    made.legend(handles=[theory, *handles], title=title, title_fontsize=7, **place)
    return made


def _collapse(axes: Axes, table: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    theory = table[table["series"] == "theory"]
    share = {"drawstyle": "steps-post", "color": "0.2", "linewidth": 1.2, "zorder": 1}
    axes.plot(theory["noise_variance_mean"], theory["collapse_percent_mean"], **share)
    axes.set_ylim(-4, 104)
    means = table[(table["series"] == "fixed") & table["seed"].isna()]
    for shift, model in _shifts(looks):
        rows = means[means["model"] == model]
        x, y = rows["noise_variance_mean"] * shift, rows["collapse_percent_mean"]
        _points(axes, x, y, looks[model])


def _residual(axes: Axes, table: pd.DataFrame, looks: Mapping[str, dict]) -> None:
    first = table[table["rank"] == 1]
    for shift, model in _shifts(looks):
        for split, face in (("train", {}), ("test", {"markerfacecolor": "white"})):
            rows = first[(first["model"] == model) & (first["split"] == split)]
            _points(axes, rows["noise_variance"] * shift, rows["ratio_mean"], looks[model] | face)


def _shifts(looks: Mapping[str, dict]) -> list[tuple[float, str]]:
    """Set recipes apart a little, as many stand at one noise variance."""
    return [(_APART ** (i - (len(looks) - 1) / 2), model) for i, model in enumerate(looks)]


def _points(axes: Axes, x: pd.Series, y: pd.Series, drawn: Mapping[str, object]) -> None:
    axes.plot(x, y, linestyle="", markersize=4.5, **drawn)
