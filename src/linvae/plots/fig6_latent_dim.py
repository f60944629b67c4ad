"""Figure 6: linear VAE and pPCA over the number of latent dimensions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.naming import parse_data
from linvae.plots.style import COLORS, NATS, figure, letter, look

__all__ = ["draw", "table"]

_ELBO, _FREE, _FIXED = "linear VAE", "pPCA maximum", "pPCA weights, fixed noise variance"


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return the three values for each data variant and k, with their noise variances.

    Returns
    -------
    DataFrame
        Columns ``data``, ``quantity``, ``n_latent``, ``noise_variance`` and ``nats`` (per datum).
    """
    rows = [
        (run.data, _ELBO, run.n_latent, metrics["noise_variance"], metrics["elbo"])
        for run, metrics in inputs.metrics().items()
        if run.model == section["model"]
    ]
    for data, maxima in inputs.maxima().items():
        for row in maxima[maxima["n_latent"] <= max(section["n_latents"])].itertuples():
            k = int(row.n_latent)
            rows.append((data, _FREE, k, row.noise_variance, row.max_log_likelihood))
            rows.append((data, _FIXED, k, row.fixed_noise_variance, row.fixed_log_likelihood))
    names = ["data", "quantity", "n_latent", "noise_variance", "nats"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values(names[:3], ignore_index=True)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw one panel a data variant."""
    groups = list(table.groupby("data"))
    made, axes = figure(
        style, 6.0 if len(groups) > 1 else 3.5, 2.9, ncols=len(groups), squeeze=False
    )
    for ax, (data, values) in zip(axes[0], groups, strict=True):
        _panel(ax, values, section["fixed_at"])
        name = parse_data(data)
        n_images = "all" if name.n_images is None else f"first {name.n_images}"
        ax.set(title=f"{name.preprocessing}, {n_images} images", xlabel="latent dimensions k")
    axes[0, 0].set_ylabel(NATS)
    axes[0, 0].legend(loc="lower right")
    letter(axes[0])
    return made


def _panel(ax: Axes, values: pd.DataFrame, fixed_at: int) -> None:
    series = {name: part for name, part in values.groupby("quantity")}
    free, fixed, elbo = series[_FREE], series[_FIXED], series[_ELBO]
    ax.plot(
        free["n_latent"], free["nats"], color=COLORS[0],
        label=r"pPCA maximum, $\sigma^2_{\mathrm{MLE}}(k)$",
    )  # fmt: skip
    ax.plot(
        fixed["n_latent"], fixed["nats"], color=COLORS[1], linestyle="--",
        label=rf"pPCA weights, $\sigma^2_{{\mathrm{{MLE}}}}({fixed_at})$",
    )  # fmt: skip
    ax.plot(
        elbo["n_latent"], elbo["nats"], color="k", linestyle="", marker="o", mfc="none",
        label="ELBO of the linear VAE",
    )  # fmt: skip
    peak = fixed.loc[fixed["nats"].idxmax()]
    ax.plot(peak["n_latent"], peak["nats"], color=COLORS[1], marker="*", markersize=9)
    ax.annotate(
        f"k = {peak['n_latent']:.0f}", (peak["n_latent"], peak["nats"]), xytext=(0, -12),
        textcoords="offset points", ha="center", fontsize=7, color=COLORS[1],
    )  # fmt: skip
    # Few latents at a noise variance meant for many lie far below all that is compared here.
    lowest = min(free["nats"].min(), elbo["nats"].min())
    highest = values["nats"].max()
    ax.set_ylim(lowest - 0.1 * (highest - lowest), highest + 0.05 * (highest - lowest))
