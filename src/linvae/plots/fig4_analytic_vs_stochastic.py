"""Figure 4: training on the analytic ELBO against training on its stochastic estimate."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.inputs import Inputs
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.linear_curves import gap_axis, step_axis
from linvae.plots.style import COLORS, MARKERS, NATS, figure, letter, look

__all__ = ["draw", "table"]

_LINES = {"analytic": "-", "stochastic": "--"}


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return the exact gap and the gap as estimated in training, over seeds, in nats per datum.

    Both are distances from the pPCA maximum. The estimate is the mean of what training saw since
    the step recorded before, and may lie on the other side of the maximum.
    """
    analytic, stochastic = zip(*section["pairs"], strict=True)
    objectives = {
        **dict.fromkeys(analytic, "analytic"),
        **dict.fromkeys(stochastic, "stochastic"),
    }
    parts = []
    for run, curve in inputs.curves().items():
        if run.model in objectives:
            part = curve.assign(
                objective=objectives[run.model],
                # The schedule may lower it later.
                learning_rate=curve["learning_rate"].max(),
                estimated_gap=curve["ppca_max"] - curve["elbo_estimate"],
            )
            parts.append(part)
    rows = pd.concat(parts).sort_values(["learning_rate", "objective"], kind="stable")
    return over_seeds(rows, ("learning_rate", "objective", "step"), ("gap", "estimated_gap"))


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the curves, and where they end against the learning rate."""
    made, (curves, ends) = figure(style, 6.0, 3.0, ncols=2, width_ratios=(3, 2), sharey=True)
    rates = dict(zip(table["learning_rate"].unique(), COLORS, strict=False))
    for (rate, objective), curve in table.groupby(["learning_rate", "objective"]):
        line = {"color": rates[rate], "linestyle": _LINES[objective]}
        if objective == "stochastic":
            seen = {**line, "linestyle": "-", "lw": 0.8, "alpha": 0.35}
            curves.plot(curve["step"], curve["estimated_gap_mean"], **seen)
        band(curves, curve, "step", "gap", **line)
    _ends(ends, table)
    step_axis(curves, "step")
    curves.set_title(f"linear VAE, k = {section['n_latent']}, {seeds_note(table)}")
    gap_axis(curves, f"gap to the pPCA maximum ({NATS})")
    handles = [Line2D([], [], color=color, label=f"rate {rate:g}") for rate, color in rates.items()]
    handles += [
        Line2D([], [], color="0.3", linestyle=line, label=name) for name, line in _LINES.items()
    ]
    handles.append(Line2D([], [], color="0.3", lw=0.8, alpha=0.5, label="its estimate in training"))
    curves.legend(handles=handles, loc="lower left")
    letter((curves, ends))
    return made


def _ends(ax: Axes, table: pd.DataFrame) -> None:
    """Mark the means over the last fifth of the steps: at a constant rate gaps go up and down."""
    late = table[table["step"] > 0.8 * table["step"].max()]
    columns = ["gap_mean", "gap_error"]
    last = late.groupby(["learning_rate", "objective"])[columns].mean().reset_index()
    for (objective, ends), marker in zip(last.groupby("objective"), MARKERS, strict=False):
        ax.errorbar(
            ends["learning_rate"], ends["gap_mean"], ends["gap_error"].fillna(0.0), color="0.2",
            linestyle=_LINES[objective], marker=marker, mfc="white", capsize=2, label=objective,
        )  # fmt: skip
    rates = sorted(last["learning_rate"].unique())
    ax.set_xscale("log")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.margins(x=0.15)
    ax.set(title="mean of the last fifth", xlabel="learning rate")
    ax.legend(loc="best")
