"""Figure 1: the ELBO of a linear VAE in training against the exact maximum of pPCA."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.linear_curves import (
    LOOKS,
    curves_by_optimizer,
    gap_axis,
    maximum_line,
    seed_lines,
    step_axis,
)
from linvae.plots.style import NATS, figure, letter, look, short

__all__ = ["draw", "table"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return ELBO, pPCA maximum and gap of every recorded step, in nats per datum."""
    roles = ("adam", "lbfgs", "naive")
    return curves_by_optimizer(inputs, section, ("elbo", "ppca_max", "gap"), roles)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the ELBO beside its distance from the maximum on a log axis."""
    made, (value, gap) = figure(style, 6.0, 2.7, ncols=2)
    for name, runs in table.groupby("model", sort=False):
        last = runs.groupby("seed")["gap"].last().mean()
        seed_lines(value, runs, "elbo", **LOOKS[name])
        seed_lines(gap, runs, "gap", label=f"{name}\nfinal gap: {short(last)}", **LOOKS[name])
    maximum_line(
        value, table["ppca_max"].max(), table.groupby("model")["elbo"].quantile(0.25).min()
    )
    value.set(title=f"linear VAE, k = {section['n_latent']}", ylabel=f"ELBO ({NATS})")
    gap.set_title("gap to the pPCA maximum")
    for ax in (value, gap):
        step_axis(ax)
    gap_axis(gap, f"gap ({NATS})")
    gap.legend(loc="lower left")
    letter((value, gap))
    return made
