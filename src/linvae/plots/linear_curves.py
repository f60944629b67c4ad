"""Training curves of the linear models of a study, and the axes that such curves are drawn on."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from linvae.inputs import Inputs
from linvae.plots.style import COLORS, LINES

__all__ = [
    "GAP_FLOOR",
    "LOOKS",
    "curves_by_optimizer",
    "gap_axis",
    "maximum_line",
    "seed_lines",
    "step_axis",
]

# Below this a gap of some thousand nats is round-off, and may be zero or negative.
GAP_FLOOR = 1e-8

_NAMES = {
    "adam": "linear VAE, Adam",
    "lbfgs": "linear VAE, L-BFGS",
    "autoencoder": "linear autoencoder, Adam",
    "naive": "linear VAE, naive Adam",
}
LOOKS = {
    name: {"color": color, "linestyle": line}
    for name, color, line in zip(_NAMES.values(), COLORS, LINES, strict=False)
}


def curves_by_optimizer(
    inputs: Inputs,
    section: Mapping[str, object],
    columns: Sequence[str],
    roles: Sequence[str] = ("adam", "lbfgs", "autoencoder"),
) -> pd.DataFrame:
    """Collect the curves of the models that a section calls adam, lbfgs, autoencoder or naive.

    Returns
    -------
    DataFrame
        Columns ``model`` (a name to print), ``seed``, ``step`` and `columns`, in a fixed order.
    """
    names = {
        section[role]: name for role, name in _NAMES.items() if role in roles and role in section
    }
    parts = [
        curve[["step", *columns]].assign(model=names[run.model], seed=run.seed)
        for run, curve in inputs.curves().items()
        if run.model in names
    ]
    table = pd.concat(parts)[["model", "seed", "step", *columns]]
    order = {name: place for place, name in enumerate(_NAMES.values())}
    table = table.sort_values("model", key=lambda column: column.map(order), kind="stable")
    return table.reset_index(drop=True)


def seed_lines(ax: Axes, table: pd.DataFrame, column: str, **look: object) -> None:
    """Draw one line a seed, all alike, of which the first alone may carry a label.

    Runs that differ in length and come close to zero have no mean worth drawing on a log axis.
    """
    for place, (_, run) in enumerate(table.groupby("seed")):
        if place:
            look = {**look, "label": None}
        ax.plot(run["step"], run[column], lw=1.1, **look)


def step_axis(ax: Axes, label: str = "step (Adam) or iteration (L-BFGS)") -> None:
    """Make the horizontal axis logarithmic, with a place for step 0."""
    ax.set_xscale("symlog", linthresh=1, linscale=0.3)
    ax.set_xlim(left=0)
    ax.set_xlabel(label)


def maximum_line(ax: Axes, best: float, lowest: float) -> None:
    """Mark the pPCA maximum, and leave out what lies below `lowest`.

    The first steps from a random start are thousands of nats below all that matters.
    """
    ax.set_ylim(lowest, best + 0.1 * (best - lowest))
    ax.axhline(best, color="0.25", linestyle=":", lw=1.2)
    ax.annotate(
        f"pPCA maximum: {best:.1f}", (0.03, best), xycoords=("axes fraction", "data"),
        xytext=(0, 2), textcoords="offset points", fontsize=7, color="0.25",
    )  # fmt: skip


def gap_axis(ax: Axes, label: str, floor: float = GAP_FLOOR) -> None:
    """Make the vertical axis logarithmic, with values at or below the floor on its lower edge."""
    ax.set_yscale("log", nonpositive="clip")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, floor), high)
    if high / max(low, floor) < 1e3:
        # Powers of ten alone would leave such an axis with hardly a number.
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylabel(label)
