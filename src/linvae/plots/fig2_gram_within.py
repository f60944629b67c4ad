"""Figure 2: inner products of decoder columns with one another, for pPCA and the linear VAE."""

import math

import pandas as pd
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.linear import alignment, ppca
from linvae.noise import parse_noise
from linvae.plots.gram import draw_matrices, matched_decoders, matrix_table
from linvae.plots.style import figure, letter, look

__all__ = ["draw", "table"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return W^T W of the pPCA maximum and of both trained decoders, in squared data units."""
    spectrum = inputs.spectrum()
    noise = parse_noise(section["noise"])
    fixed = noise.variance if noise.kind == "fixed" else None
    decoders = {
        "pPCA maximum": ppca.fit(spectrum, section["n_latent"], fixed).weights,
        **{
            f"linear VAE, {name}": weights
            for name, weights in matched_decoders(inputs, section, spectrum).items()
        },
    }
    grams = {name: alignment.gram(weights) for name, weights in decoders.items()}
    return matrix_table(grams, "inner_product")


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw three panels on one symmetric scale, logarithmic but for the middle."""
    made, axes = figure(style, 6.5, 2.6, ncols=3, sharey=True)
    largest = 10.0 ** math.ceil(math.log10(table["inner_product"].abs().max()))
    norm = SymLogNorm(linthresh=largest * 1e-4, linscale=0.5, vmin=-largest, vmax=largest)
    draw_matrices(made, axes, table, "inner_product", norm, "entry of $W^T W$")
    for ax in axes:
        ax.set_xlabel("column $j$")
    axes[0].set_ylabel("column $i$")
    letter(axes)
    return made
