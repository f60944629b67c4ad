"""Figure 14: what the linear VAE learns that the linear autoencoder does not: the axes."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.linear_curves import (
    LOOKS,
    curves_by_optimizer,
    gap_axis,
    seed_lines,
    step_axis,
)
from linvae.plots.style import figure, letter, look

__all__ = ["draw", "table"]

_DISTANCES = {
    "subspace_distance": "subspace distance",
    "axis_alignment_distance": "axis-alignment distance",
}


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return both distances from the principal components at every recorded step; 0 is none."""
    return curves_by_optimizer(inputs, section, tuple(_DISTANCES))


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw one panel a distance, on one logarithmic axis."""
    made, axes = figure(style, 6.0, 2.9, ncols=2, sharex=True, sharey=True)
    for ax, (column, label) in zip(axes, _DISTANCES.items(), strict=True):
        for name, runs in table.groupby("model", sort=False):
            seed_lines(ax, runs, column, label=name, **LOOKS[name])
        ax.set_title(f"{label}, k = {section['n_latent']}")
        step_axis(ax)
    gap_axis(axes[0], "distance (0: none, 1: orthogonal)")
    axes[0].legend(loc="lower left")
    letter(axes)
    return made
