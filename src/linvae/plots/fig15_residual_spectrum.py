"""Figure 15: what is left in the residuals of deep VAEs, and what a linear bypass would add."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.inputs import Inputs
from linvae.measure.splits import SPLITS
from linvae.noise import number, parse_noise
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.style import COLORS, LINES, figure, letter, look

__all__ = ["draw", "table"]

_LOWEST = 0.03
_KEYS = ["model", "noise_variance", "split", "rank"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate the eigenvalues of the residual covariance over sigma^2, by rank up to k.

    Columns ``ratio`` (a pure number), and ``gain``: what cutting latents and adding a bypass of
    them gains, in nats per datum, the same at every rank. Means over seeds with standard errors.
    """
    return over_seeds(pd.concat(_spectra(inputs)), _KEYS, ["ratio", "gain"])


def _spectra(inputs: Inputs) -> Iterator[pd.DataFrame]:
    metrics = inputs.metrics()
    for run, arrays in inputs.arrays("residual.npz").items():
        variance = parse_noise(run.noise).variance
        for split, prefix in SPLITS.items():
            values = arrays[f"{prefix}eigenvalues"][: run.n_latent]
            yield pd.DataFrame(
                {
                    "noise_variance": variance,
                    "model": run.model,
                    "split": split,
                    "rank": np.arange(1, len(values) + 1),
                    "ratio": values / variance,
                    "gain": metrics[run][f"{prefix}residual_gain"],
                }
            )


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw a row of panels for each noise variance: training images, and test images beside."""
    variances = sorted(table["noise_variance"].unique(), reverse=True)
    models = table["model"].unique()
    looks = {
        model: {"color": COLORS[i % len(COLORS)], "linestyle": LINES[i % len(LINES)]}
        for i, model in enumerate(models)
    }
    layout = {"nrows": len(variances), "ncols": 2, "sharex": True, "sharey": "row"}
    made, panels = figure(style, 5.2, 1.0 + 1.3 * len(variances), squeeze=False, **layout)
    for variance, row in zip(variances, panels, strict=True):
        at = table[table["noise_variance"] == variance]
        for split, axes in zip(SPLITS, row, strict=True):
            _panel(axes, at[at["split"] == split], looks)
        # What is far below the line has nothing to say, and would flatten the rest.
        row[0].set_ylim(bottom=_LOWEST)
        row[0].set_ylabel("$\\rho_j$ / σ²")
        row[0].set_title(f"σ² = {number(variance)}, train")
        row[1].set_title("test")
    for axes in panels[-1]:
        axes.set_xlabel("rank j")
    letter(panels.flat)
    handles = [Line2D([], [], label=name, **drawn) for name, drawn in looks.items()]
    title = f"{seeds_note(table)}; in the panels: nats that a linear bypass adds"
    place = {"loc": "outside upper center", "ncols": min(3, len(handles))}
    made.legend(handles=handles, title=title, title_fontsize=7, handlelength=2.6, **place)
    return made


def _panel(axes: Axes, rows: pd.DataFrame, looks: dict[str, dict]) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="mask")
    axes.axhline(1.0, color="0.3", linewidth=0.8, zorder=1)
    present = [model for model in looks if (rows["model"] == model).any()]
    for index, model in enumerate(reversed(present)):
        own = rows[rows["model"] == model]
        band(axes, own, "rank", "ratio", **looks[model])
        # Below the curves, which fall to the right.
        axes.annotate(
            f"{model} {own['gain_mean'].iloc[0]:.1f}", (0, 0), (3, 2 + 6.5 * index),
            xycoords="axes fraction", textcoords="offset points", fontsize=5.5,
            color="0.25", bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
        )  # fmt: skip
