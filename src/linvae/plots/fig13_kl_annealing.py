"""Figure 13: posterior collapse with and without KL annealing at the same noise variance."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.noise import number
from linvae.plots.collapse_curves import count_axis, curve_table, draw_curve, key_to_lines, prepare
from linvae.plots.style import COLORS, MARKERS, figure, look

__all__ = ["draw", "table"]

_COLUMNS = 3


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate the collapse percentage for each model, noise variance, split and epsilon.

    Noise variances at which no pair was trained as a whole are left out.
    """
    found = curve_table(inputs, "fixed", section["delta"])
    models = found.groupby("initial_noise_variance")["model"].agg(set)
    shown = [
        variance
        for variance, trained in models.items()
        if any(trained.issuperset(pair) for pair in section["annealing"])
    ]
    return found[found["initial_noise_variance"].isin(shown)].reset_index(drop=True)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw a panel for each noise variance, with a curve for each model."""
    variances = sorted(table["initial_noise_variance"].unique())
    columns = min(len(variances), _COLUMNS)
    rows = -(-len(variances) // columns)
    made, panels = figure(
        style, 6.0, 3.1 * rows, nrows=rows, ncols=columns, sharey=True, squeeze=False
    )
    for axes, variance in zip(panels.flat, variances, strict=False):
        _draw_panel(axes, table[table["initial_noise_variance"] == variance])
        axes.set_title(f"σ² = {number(variance)}")
    for axes in panels.flat[len(variances) :]:
        axes.set_visible(False)
    count_axis(panels[0, columns - 1], int(table["n_latent"].max()))
    for axes in panels[:, 0]:
        delta = number(section["delta"])
        axes.set_ylabel(f"collapsed latent\ndimensions (%), δ = {delta}")
    key_to_lines(made, table)
    return made


def _draw_panel(axes: Axes, table: pd.DataFrame) -> None:
    for index, (model, curve) in enumerate(table.groupby("model", sort=False)):
        row = curve.iloc[0]
        elbos = "\n".join(
            f"ELBO {split} {_with_error(row, name)}"
            for split, name in (("train", "elbo"), ("test", "test_elbo"))
        )
        draw_curve(
            axes,
            curve,
            f"{model}\n{elbos}",
            color=COLORS[index % len(COLORS)],
            marker=MARKERS[index % len(MARKERS)],
            markevery=(0.05 * index, 0.1),
            # Later curves are thinner: what they lie on shows on both sides of them.
            linewidth=max(2.4 - 1.2 * index, 0.8),
        )
    prepare(axes, table)
    # Below the panel: inside it, no corner is always free.
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.26), fontsize=6.5)


def _with_error(row: pd.Series, name: str) -> str:
    error = f" ± {row[f'{name}_error']:.1f}" if row["n_seeds"] > 1 else ""
    return f"{row[f'{name}_mean']:.1f}{error}"
