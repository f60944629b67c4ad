"""Figure 5: several encoders with the same linear decoder, against the maximum of pPCA."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.bands import band, over_seeds, seeds_note
from linvae.plots.linear_curves import gap_axis, maximum_line, step_axis
from linvae.plots.style import COLORS, LINES, NATS, figure, letter, look

__all__ = ["draw", "table"]

_WAYS = {"models": "decoder trained too", "solved": "decoder solved for"}


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return ELBO and gap to the pPCA maximum over seeds at every step, in nats per datum.

    ``trained`` says what became of the decoder.
    """
    ways = {name: way for key, way in _WAYS.items() for name in section.get(key, ())}
    curves = {run: curve for run, curve in inputs.curves().items() if run.model in ways}
    rows = pd.concat(
        [curve.assign(model=run.model, trained=ways[run.model]) for run, curve in curves.items()]
    )
    rows = rows.sort_values("model", key=lambda column: column.map(list(ways).index), kind="stable")
    return over_seeds(rows, ("trained", "model", "step", "ppca_max"), ("elbo", "gap"))


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw the ELBO of encoders trained with their decoder, and the gaps of both ways."""
    made, (value, *gaps) = figure(style, 7.0, 2.9, ncols=3)
    first, second = gaps
    second.sharey(first)
    for ax, way in zip(gaps, _WAYS.values(), strict=True):
        models = table[table["trained"] == way].groupby("model", sort=False)
        for (name, curve), color, line in zip(models, COLORS, LINES, strict=False):
            if ax is first:
                band(value, curve, "step", "elbo", color=color, linestyle=line)
            band(ax, curve, "step", "gap", color=color, linestyle=line, label=name)
        if len(models):
            ax.legend(loc="lower left")
        ax.set_title(f"gap, {way}")
        step_axis(ax, "step")
    step_axis(value, "step")
    trained = table[table["trained"] == _WAYS["models"]].groupby("model")
    maximum_line(value, table["ppca_max"].max(), trained["elbo_mean"].quantile(0.25).min())
    value.set(title=f"k = {section['n_latent']}, {seeds_note(table)}", ylabel=f"ELBO ({NATS})")
    gap_axis(first, f"gap to the maximum ({NATS})")
    second.tick_params(labelleft=False)
    letter((value, *gaps))
    return made
