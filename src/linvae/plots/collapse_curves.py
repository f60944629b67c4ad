"""Collapse against its threshold epsilon: the curves of several runs, and how they are drawn."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.inputs import Inputs
from linvae.linear.bound import below_bound
from linvae.measure.collapse import CollapseCurve
from linvae.measure.splits import SPLITS
from linvae.noise import number, parse_noise
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.style import MARKERS, figure, look

__all__ = ["count_axis", "curve_table", "draw_curve", "draw_over_noise", "key_to_lines", "prepare"]

_TEST = {"linewidth": 1.0, "ls": ":"}
_LINEAR = {"linewidth": 0.9, "ls": "--"}


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
        One row for each model, (initial) noise variance, split and epsilon (nats), of the deep VAE
        (`of` is ``deep``) and of the linear optimum that stands beside it (``linear``), on
        `n_images`. ELBOs (nats per datum) and noise variance are the deep VAE's at the end;
        `below_bound_mean` is the share of the seeds whose ELBO is below the linear
        bound by more than measuring leaves (`linvae.linear.bound`).
    """
    metrics = inputs.metrics()
    parts = []
    for run, arrays in inputs.arrays("kl.npz").items():
        noise = parse_noise(run.noise)
        if noise.kind != kind:
            continue
        for of, before in (("deep", ""), ("linear", "linear_")):
            for split, prefix in SPLITS.items():
                curve = CollapseCurve.from_arrays(arrays, prefix + before)
                part = pd.DataFrame({"epsilon": curve.epsilon, "percent": curve.percent(delta)})
                part["model"], part["of"], part["split"] = run.model, of, split
                part["n_latent"], part["n_images"] = run.n_latent, curve.n_samples
                part["initial_noise_variance"] = noise.variance
                parts.append(part.assign(**_final(metrics[run])))
    table = pd.concat(parts)
    order = {name: index for index, name in enumerate(table["model"].unique())}
    keys = ["model", "initial_noise_variance", "of", "split", "epsilon"]
    values = ["percent", "elbo", "test_elbo", "noise_variance", "below_bound"]
    means = over_seeds(table, [*keys, "n_latent", "n_images"], values)
    # Recipes stay in the order in which the configuration names them.
    by_order = means.sort_values("model", key=lambda names: names.map(order), kind="stable")
    return by_order.sort_values(keys[1:], kind="stable").sort_values(
        "model", key=lambda names: names.map(order), kind="stable", ignore_index=True
    )


def _final(metrics: Mapping) -> dict[str, float]:
    return {
        "elbo": metrics["elbo"],
        "test_elbo": metrics["test_elbo"],
        "noise_variance": metrics["noise_variance"],
        "below_bound": float(below_bound(metrics["elbo"], metrics["linear_bound"])),
    }


def draw_curve(axes: Axes, curve: pd.DataFrame, label: str, **line_look: object) -> None:
    """Draw one model's curve: training data with a band of one standard error, test data dotted.

    Parameters
    ----------
    curve
        Rows of `curve_table` of one model and noise variance.
    label
        For the legend; a dagger is added where a seed is below the linear bound.
    **line_look
        Colour, marker and so on of the training curve.
    """
    deep = curve[curve["of"] == "deep"]
    train, test = (deep[deep["split"] == split] for split in ("train", "test"))
    share, n_seeds = train[["below_bound_mean", "n_seeds"]].iloc[0]
    if share > 0:
        some = f" {share * n_seeds:.0f}/{n_seeds:.0f}" if share < 1 else ""
        label = f"{label} †{some}"
    band(axes, train, "epsilon", "percent", label=label, markersize=3.5, **line_look)
    axes.plot(test["epsilon"], test["percent_mean"], color=line_look["color"], **_TEST)


def draw_linear(axes: Axes, curve: pd.DataFrame, color: object) -> None:
    """Draw the curve of the linear optimum on the training data."""
    rows = curve[(curve["of"] == "linear") & (curve["split"] == "train")]
    axes.plot(rows["epsilon"], rows["percent_mean"], color=color, zorder=1.5, **_LINEAR)


def prepare(axes: Axes, table: pd.DataFrame) -> None:
    """Set the scales that every panel of curves shares."""
    axes.set_xscale("log")
    axes.set_xlim(table["epsilon"].min(), table["epsilon"].max())
    axes.set_ylim(-3, 103)
    axes.set_xlabel("threshold ε (nats)")


def count_axis(axes: Axes, n_latent: int) -> None:
    """Add an axis on the right that counts the latents in use."""
    counts = axes.secondary_yaxis(
        "right",
        functions=(
            lambda percent: n_latent * (1 - percent / 100),
            lambda used: 100 * (1 - used / n_latent),
        ),
    )
    counts.set_ylabel(f"latents in use, of {n_latent}")


def key_to_lines(made: Figure, table: pd.DataFrame, *, linear: bool = False) -> None:
    """Tell above the panels what solid, dotted, dashed and marked curves are."""
    n_images = table.groupby("split")["n_images"].max()
    train = f"{n_images['train']:,} train images, {seeds_note(table)}"
    handles = [
        Line2D([], [], color="0.3", label=train),
        Line2D([], [], color="0.3", label=f"{n_images['test']:,} test images", **_TEST),
    ]
    if linear:
        handles.append(Line2D([], [], color="0.3", label="linear optimum, train", **_LINEAR))
    if (table["below_bound_mean"] > 0).any():
        handles.append(Line2D([], [], ls="", label="† ELBO below the linear bound"))
    # Four texts side by side take about seven inches, and two take five.
    width = made.get_figwidth()
    columns = 4 if width >= 7 else 2 if width >= 5 else 1
    made.legend(handles=handles, loc="outside upper center", ncols=columns, fontsize=6.5)


@look()
def draw_over_noise(
    table: pd.DataFrame, section: dict, style: dict, legend_title: str, *, final: bool
) -> Figure:
    """Draw a panel for each recipe, with one curve for each noise variance.

    Parameters
    ----------
    table
        From `curve_table`.
    section
        `study.recipes` of the configuration, and `measurement`.
    style
        Of the figure.
    legend_title
        What the noise variances are.
    final
        Whether the noise variance is learned: then the legend tells the last one, and the linear
        optimum, whose noise variance is its own, is left out.
    """
    models = list(table["model"].unique())
    width = min(2.0 + 1.6 * len(models), 7.2) if len(models) > 1 else 4.2
    made, panels = figure(style, width, 3.9, ncols=len(models), sharey=True, squeeze=False)
    variances = sorted(table["initial_noise_variance"].unique())
    # From dark to light, ordered in grey as well, and none too light for paper.
    colors = mpl.colormaps["viridis"](np.linspace(0.0, 0.88, len(variances)))
    looks = {
        variance: {"color": tuple(color), "marker": MARKERS[index % len(MARKERS)]}
        for index, (variance, color) in enumerate(zip(variances, colors, strict=True))
    }
    for axes, model in zip(panels[0], models, strict=True):
        rows = table[table["model"] == model]
        for index, (variance, curve) in enumerate(rows.groupby("initial_noise_variance")):
            last = f" → {curve['noise_variance_mean'].iloc[0]:.3g}" if final else ""
            if not final:
                draw_linear(axes, curve, looks[variance]["color"])
            # Staggered, so that markers of curves on top of one another stay apart.
            start = 0.1 * index / len(variances)
            draw_curve(
                axes, curve, f"{number(variance)}{last}", markevery=(start, 0.1), **looks[variance]
            )
        prepare(axes, table)
        axes.set_title(model)
        axes.legend(
            title=legend_title, title_fontsize=6.5, fontsize=6.5, alignment="left",
            loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1 if final else 2,
            handlelength=1.4, columnspacing=0.8,
        )  # fmt: skip
    panels[0, 0].set_ylabel(f"collapsed latent dimensions (%), δ = {number(section['delta'])}")
    count_axis(panels[0, -1], int(table["n_latent"].max()))
    key_to_lines(made, table, linear=not final)
    return made
