"""Figure 3: inner products of pPCA's columns with the linear VAE's, matched by sign and order."""

import numpy as np
import pandas as pd
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from linvae import alignment
from linvae.inputs import Inputs
from linvae.plots.gram import draw_matrices, matched_decoders, matrix_table
from linvae.plots.style import figure, letter, look

__all__ = ["draw", "table"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return W_pPCA^T W_VAE with columns of length one: cosines, the identity where all agree."""
    spectrum = inputs.spectrum()
    components = spectrum.eigenvectors[:, : section["n_latent"]]
    cosines = {
        f"linear VAE, {name}": alignment.cos_matrix(components, weights)
        for name, weights in matched_decoders(inputs, section, spectrum).items()
    }
    return matrix_table(cosines, "cosine")


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw two panels, each with the mean of its diagonal."""
    made, axes = figure(style, 5.2, 2.8, ncols=2, sharey=True)
    norm = SymLogNorm(linthresh=0.03, linscale=0.5, vmin=-1, vmax=1)
    label = r"cosine, normalised $W_{\mathrm{pPCA}}^T W_{\mathrm{VAE}}$"
    matrices = draw_matrices(made, axes, table, "cosine", norm, label)
    for ax, (name, cosines) in zip(axes, matrices.items(), strict=True):
        mean = np.abs(np.diag(cosines)).mean()
        ax.set(title=f"{name}\nmean |cos| = {mean:.4f}", xlabel="column of the VAE, matched")
    axes[0].set_ylabel("principal component")
    letter(axes)
    return made
