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
    the step recorded before, and may lie on the other side of the maximum. ``schedule`` says
    whether the rate falls or is constant.
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
                schedule=_schedule(curve["learning_rate"]),
                estimated_gap=curve["ppca_max"] - curve["elbo_estimate"],
            )
            parts.append(part)
    keys = ["schedule", "learning_rate", "objective"]
    rows = pd.concat(parts).sort_values(keys, kind="stable")
    return over_seeds(rows, (*keys, "step"), ("gap", "estimated_gap"))


def _schedule(rates: pd.Series) -> str:
    return "falling" if rates.iloc[-1] < 0.99 * rates.max() else "constant"


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the curves, and where they end against the learning rate."""
    made, (curves, ends) = figure(style, 6.0, 3.0, ncols=2, width_ratios=(3, 2), sharey=True)
    pairs = table[["schedule", "learning_rate"]].drop_duplicates().to_numpy().tolist()
    colors = {tuple(pair): color for pair, color in zip(reversed(pairs), COLORS, strict=False)}
    for (*pair, objective), curve in table.groupby(["schedule", "learning_rate", "objective"]):
        line = {"color": colors[tuple(pair)], "linestyle": _LINES[objective]}
        if objective == "stochastic":
            seen = {**line, "linestyle": "-", "lw": 0.8, "alpha": 0.35}
            curves.plot(curve["step"], curve["estimated_gap_mean"], **seen)
        band(curves, curve, "step", "gap", **line)
    _ends(ends, table)
    step_axis(curves, "step")
    curves.set_title(f"linear VAE, k = {section['n_latent']}, {seeds_note(table)}")
    gap_axis(curves, f"gap to the pPCA maximum ({NATS})")
    handles = [
        Line2D(
            [],
            [],
            color=color,
            label=f"{schedule} from {rate:g}" if schedule == "falling" else f"constant at {rate:g}",
        )
        for (schedule, rate), color in colors.items()
    ]
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
    keys = ["schedule", "objective"]
    last = late.groupby([*keys, "learning_rate"])[columns].mean().reset_index()
    markers = dict(zip(_LINES, MARKERS, strict=False))
    for (schedule, objective), ends in last.groupby(keys):
        constant = schedule == "constant"
        ax.errorbar(
            ends["learning_rate"], ends["gap_mean"], ends["gap_error"].fillna(0.0), color="0.2",
            linestyle=_LINES[objective], marker=markers[objective], capsize=2,
            mfc="0.2" if constant else "white", label=f"{objective}{', constant' * constant}",
        )  # fmt: skip
    rates = sorted(last["learning_rate"].unique())
    ax.set_xscale("log")
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.minorticks_off()
    ax.margins(x=0.15)
    ax.set(title="mean of the last fifth", xlabel="learning rate")
    ax.legend(loc="best")
