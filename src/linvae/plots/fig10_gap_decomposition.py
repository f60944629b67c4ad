"""Figure 10: the ELBO gap split into its marginal and its inference part, over training."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.linear_curves import curves_by_optimizer, gap_axis, seed_lines, step_axis
from linvae.plots.style import COLORS, NATS, figure, letter, look

__all__ = ["draw", "table"]

_PARTS = {
    "gap": ("gap of the ELBO", {"color": "0.6", "linestyle": "-", "zorder": 1.5}),
    "marginal_gap": ("marginal gap", {"color": COLORS[0], "linestyle": "--"}),
    "inference_gap": ("inference gap", {"color": COLORS[1], "linestyle": ":"}),
}


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return gap = marginal_gap + inference_gap of every recorded step, in nats per datum."""
    return curves_by_optimizer(inputs, section, tuple(_PARTS))


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw one panel an optimiser, on one logarithmic axis of nats."""
    made, axes = figure(style, 6.0, 2.9, ncols=2, sharey=True)
    for ax, (name, runs) in zip(axes, table.groupby("model", sort=False), strict=True):
        for column, (label, line) in _PARTS.items():
            seed_lines(ax, runs, column, label=label, **line)
        ax.set_title(f"{name}, k = {section['n_latent']}")
        step_axis(ax, "iteration" if "L-BFGS" in name else "step")
    gap_axis(axes[0], f"gap to the pPCA maximum ({NATS})")
    axes[0].legend(loc="lower left")
    letter(axes)
    return made
