"""Collapse against its threshold epsilon: the curves of several runs, and how they are drawn."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.collapse import SPLITS, CollapseCurve
from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.style import MARKERS, figure, look

__all__ = ["curve_table", "draw_curve", "draw_over_noise", "key_to_lines", "prepare"]


def curve_table(inputs: Inputs, kind: str, delta: float) -> pd.DataFrame:
    """Tabulate collapse over epsilon, mean and standard error over seeds.

    Parameters
    ----------
    inputs
        With ``kl.npz`` and ``metrics.json`` of each run.
    kind
        ``fixed`` or ``learned``: runs whose noise variance is the other are left out.
    delta
        Share of the data whose divergence may exceed epsilon.

    Returns
    -------
    DataFrame
        One row for each model, (initial) noise variance, split and epsilon (nats). ELBO (nats per
        datum) and final noise variance are of the training data; `below_bound_mean` is the share
        of the seeds whose ELBO is below the linear bound.
    """
    metrics = inputs.metrics()
    parts = []
    for run, arrays in inputs.arrays("kl.npz").items():
        noise = parse_noise(run.noise)
        if noise.kind != kind:
            continue
        measured = metrics[run]
        for split, prefix in SPLITS.items():
            curve = CollapseCurve.from_arrays(arrays, prefix)
            part = pd.DataFrame({"epsilon": curve.epsilon, "percent": curve.percent(delta)})
            part["model"], part["split"] = run.model, split
            part["initial_noise_variance"] = noise.variance
            part["elbo"] = measured["elbo"]
            part["noise_variance"] = measured["noise_variance"]
            part["below_bound"] = float(measured["below_bound"])
            parts.append(part)
    keys = ["model", "initial_noise_variance", "split", "epsilon"]
    values = ["percent", "elbo", "noise_variance", "below_bound"]
    table = over_seeds(pd.concat(parts), keys, values)
    return table.sort_values(keys, ignore_index=True)


def draw_curve(axes: Axes, curve: pd.DataFrame, label: str, **line_look: object) -> None:
    """Draw one model's curve: training data with a band of one standard error, test data dashed.

    Parameters
    ----------
    curve
        Rows of `curve_table` of one model and noise variance.
    label
        For the legend; a dagger is added where a seed is below the linear bound.
    **line_look
        Colour, marker and so on of the training curve.
    """
    train, test = (curve[curve["split"] == split] for split in ("train", "test"))
    share, n_seeds = train[["below_bound_mean", "n_seeds"]].iloc[0]
    if share > 0:
        some = f" {share * n_seeds:.0f}/{n_seeds:.0f}" if share < 1 else ""
        label = f"{label} †{some}"
    band(axes, train, "epsilon", "percent", label=label, markersize=3.5, **line_look)
    axes.plot(
        test["epsilon"], test["percent_mean"], color=line_look["color"], linewidth=0.6, ls="--"
    )


def prepare(axes: Axes, table: pd.DataFrame) -> None:
    """Set the scales that every panel of curves shares."""
    axes.set_xscale("log")
    axes.set_xlim(table["epsilon"].min(), table["epsilon"].max())
    axes.set_ylim(-3, 103)
    axes.set_xlabel("threshold ε (nats)")


def key_to_lines(made: Figure, table: pd.DataFrame) -> None:
    """Tell above the panels what solid, dashed and marked curves are."""
    handles = [
        Line2D([], [], color="0.3", label=f"training data, {seeds_note(table)}"),
        Line2D([], [], color="0.3", linewidth=0.6, ls="--", label="test data"),
    ]
    if (table["below_bound_mean"] > 0).any():
        note = "† ELBO below the best linear VAE's: not converged"
        handles.append(Line2D([], [], ls="", label=note))
    made.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=6.5)


@look()
def draw_over_noise(
    table: pd.DataFrame, section: dict, style: dict, legend_title: str, *, final: bool
) -> Figure:
    """Draw one curve for each noise variance of a table.

    Parameters
    ----------
    table
        From `curve_table`, of one model.
    section
        `study.collapse` of the configuration.
    style
        Of the figure.
    legend_title
        What the noise variances are.
    final
        Whether the legend tells the learned noise variance beside the initial one.
    """
    made, axes = figure(style, 6.0, 3.4)
    groups = list(table.groupby("initial_noise_variance"))
    # From dark to light, ordered in grey as well, and none too light for paper.
    colors = mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(groups)))
    for index, (variance, curve) in enumerate(groups):
        learned = f" → {curve['noise_variance_mean'].iloc[0]:.3g}" if final else ""
        draw_curve(
            axes,
            curve,
            f"{number(variance)}{learned}",
            color=tuple(colors[index]),
            marker=MARKERS[index % len(MARKERS)],
            # Staggered, so that markers of curves on top of one another stay apart.
            markevery=(0.1 * index / len(groups), 0.1),
        )
    prepare(axes, table)
    axes.set_ylabel(f"collapsed latent dimensions (%), δ = {number(section['delta'])}")
    # Beside the panel, which curves may fill.
    axes.legend(
        title=legend_title, title_fontsize=7, alignment="left", loc="upper left",
        bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0,
    )  # fmt: skip
    key_to_lines(made, table)
    return made
