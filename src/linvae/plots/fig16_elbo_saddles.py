"""Figure 16: the ELBO's own saddle points, and the way from them to the maximum."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.linear_curves import gap_axis
from linvae.plots.style import COLORS, NATS, figure, letter, look

__all__ = ["draw", "table"]

_POINT = ("gap", "predicted_gap", "curvature")
# Far enough below all that claims call reached.
_FLOOR = 1e-4


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return the paths to and from the saddle points, and straight lines through them.

    Returns
    -------
    DataFrame
        As `linvae.landscape.saddle_climbs.saddle_climbs` gives ``paths``, with ``saddle_gap``,
        ``saddle_predicted_gap`` and ``saddle_curvature`` of the saddle point (empty where there was
        none); in nats per datum.
    """
    points = inputs.table("points.csv").groupby("n_latent", sort=False).first()[list(_POINT)]
    return inputs.table("paths.csv").join(points.add_prefix("saddle_"), on="n_latent")


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the gap over iterations, and the ELBO along the direction of steepest ascent."""
    made, axes = figure(style, 6.5, 2.9, ncols=2)
    for color, (n_latent, rows) in zip(COLORS, table.groupby("n_latent"), strict=False):
        paths = {name: path for name, path in rows.groupby("path", sort=False)}
        _climb(axes[0], paths, int(n_latent), color)
        if "line" in paths:
            _line(axes[1], paths["line"], color)
    axes[0].set_xscale("symlog", linthresh=1, linscale=0.3)
    axes[0].set_xlim(left=0)
    axes[0].set_xlabel("iteration of L-BFGS, without rotations")
    gap_axis(axes[0], f"gap to the pPCA maximum ({NATS})", _FLOOR)
    axes[0].legend(loc="lower left")
    axes[1].axhline(0, color="0.25", lw=0.6)
    axes[1].set_xlabel(r"displacement from the saddle point / $\sigma$")
    axes[1].set_ylabel(f"change of the ELBO ({NATS})")
    axes[1].plot([], [], color="0.4", ls=":", label="by the curvature alone")
    axes[1].legend(loc="upper center")
    letter(axes)
    return made


def _climb(ax: Axes, paths: dict[str, pd.DataFrame], n_latent: int, color: str) -> None:
    start = paths["start"]
    end = start.iloc[-1]
    ax.plot(start["position"], start["gap"], color=color, label=f"k = {n_latent}")
    for name, line in (("along", "-"), ("against", "--")):
        if name in paths:
            ax.plot(paths[name]["position"], paths[name]["gap"], color=color, ls=line, lw=1.0)
    ax.plot(end["position"], end["gap"], marker="o", color=color, mfc="white")


def _line(ax: Axes, line: pd.DataFrame, color: str) -> None:
    here = line["saddle_gap"].iloc[0]
    ax.plot(line["position"], here - line["gap"], color=color)
    bent = 0.5 * line["saddle_curvature"] * line["position"] ** 2
    ax.plot(line["position"], bent, color=color, ls=":", lw=1.0)
