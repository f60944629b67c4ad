"""Figure 5: several encoders with the same linear decoder, against the maximum of pPCA."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.linear_curves import gap_axis, maximum_line, step_axis
from linvae.plots.style import COLORS, LINES, NATS, figure, letter, look

__all__ = ["draw", "table"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return ELBO and gap to the pPCA maximum over seeds at every step, in nats per datum."""
    curves = {
        run: curve for run, curve in inputs.curves().items() if run.model in section["models"]
    }
    rows = pd.concat([curve.assign(model=run.model) for run, curve in curves.items()])
    rows = rows.sort_values(
        "model", key=lambda column: column.map(section["models"].index), kind="stable"
    )
    return over_seeds(rows, ("model", "step", "ppca_max"), ("elbo", "gap"))


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the ELBO beside its gap on a log axis, one line and band a model."""
    made, (value, gap) = figure(style, 6.0, 2.9, ncols=2)
    models = table.groupby("model", sort=False)
    for (name, curve), color, line in zip(models, COLORS, LINES, strict=False):
        band(value, curve, "step", "elbo", color=color, linestyle=line)
        band(gap, curve, "step", "gap", color=color, linestyle=line, label=name)
    maximum_line(value, table["ppca_max"].max(), models["elbo_mean"].quantile(0.25).min())
    value.set(title=f"linear decoder, k = {section['n_latent']}", ylabel=f"ELBO ({NATS})")
    for ax in (value, gap):
        step_axis(ax, "step")
    gap.set_title("gap to the pPCA maximum")
    gap_axis(gap, f"gap ({NATS})")
    gap.legend(loc="lower left", title=seeds_note(table), title_fontsize=7)
    letter((value, gap))
    return made
