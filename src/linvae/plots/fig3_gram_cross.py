"""Figure 3: inner products of pPCA's columns with the linear VAE's, matched by sign and order."""

import math

import numpy as np
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
    """Return the entries of W_pPCA^T W_VAE, and the cosines that they are of columns of length one.

    The entries are in squared data units; the cosines are the identity where all columns agree.
    """
    spectrum = inputs.spectrum()
    noise = parse_noise(section["noise"])
    fixed = noise.variance if noise.kind == "fixed" else None
    best = ppca.fit(spectrum, section["n_latent"], fixed).weights
    # A column that the maximum leaves at zero has a direction all the same.
    components = spectrum.eigenvectors[:, : section["n_latent"]]
    decoders = {
        f"linear VAE, {name}": weights
        for name, weights in matched_decoders(inputs, section, spectrum).items()
    }
    products = {name: best.T @ weights for name, weights in decoders.items()}
    cosines = {name: alignment.cos_matrix(components, w) for name, w in decoders.items()}
    found = matrix_table(products, "inner_product")
    return found.assign(cosine=matrix_table(cosines, "cosine")["cosine"])


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw entries above, cosines below, each of them with the mean of its diagonal."""
    made, axes = figure(style, 5.2, 5.0, nrows=2, ncols=2, sharex=True, sharey=True)
    largest = 10.0 ** math.ceil(math.log10(table["inner_product"].abs().max()))
    entries = SymLogNorm(linthresh=largest * 1e-4, linscale=0.5, vmin=-largest, vmax=largest)
    label = r"entry of $W_{\mathrm{pPCA}}^T W_{\mathrm{VAE}}$"
    draw_matrices(made, axes[0], table, "inner_product", entries, label)
    unit = SymLogNorm(linthresh=0.03, linscale=0.5, vmin=-1, vmax=1)
    matrices = draw_matrices(made, axes[1], table, "cosine", unit, "cosine of the columns")
    for ax, cosines in zip(axes[1], matrices.values(), strict=True):
        mean = np.abs(np.diag(cosines)).mean()
        ax.set(title=f"mean |cos| = {mean:.4f}", xlabel="column of the VAE, matched")
    for ax in axes[:, 0]:
        ax.set_ylabel("principal component")
    letter(axes.flat)
    return made
