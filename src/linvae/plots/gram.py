"""Matrices of inner products between decoder columns: as tables, and as panels on one scale."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from linvae.inputs import Inputs
from linvae.linear import alignment
from linvae.linear.spectrum import Spectrum
from linvae.weights import LinearWeights

__all__ = ["draw_matrices", "matched_decoders", "matrix_table"]

# Light in the middle, equally dark at both ends, and safe for the colour-blind.
COLORMAP = "RdBu_r"


def matched_decoders(
    inputs: Inputs, section: Mapping[str, object], spectrum: Spectrum
) -> dict[str, NDArray[np.float64]]:
    """Return the decoders of the first seed, with columns in the order and sign of pPCA's.

    Returns
    -------
    dict
        "Adam" and "L-BFGS", each (d, k).
    """
    names = {section["adam"]: "Adam", section["lbfgs"]: "L-BFGS"}
    found = {}
    for run, path in inputs.files("model.safetensors").items():
        if run.model in names and run.seed == section["seeds"][0]:
            weights = LinearWeights.load(path).weights
            components = spectrum.eigenvectors[:, : weights.shape[1]]
            found[names[run.model]] = alignment.match(weights, components).apply(weights)
    return {name: found[name] for name in names.values()}


def matrix_table(matrices: Mapping[str, NDArray[np.float64]], value: str) -> pd.DataFrame:
    """Lay matrices out in columns ``matrix``, ``row``, ``column`` (from 1) and `value`."""
    parts = []
    for name, matrix in matrices.items():
        row, column = np.indices(matrix.shape) + 1
        parts.append(
            pd.DataFrame(
                {
                    "matrix": name,
                    "row": row.ravel(),
                    "column": column.ravel(),
                    # Drops round-off, which is most of the digits of a matrix near the identity.
                    value: matrix.ravel().round(8) + 0.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def draw_matrices(
    made: Figure, axes: NDArray[Axes], table: pd.DataFrame, value: str, norm: Normalize, label: str
) -> dict[str, NDArray[np.float64]]:
    """Draw each matrix of a table in its panel, with one colour bar; return them by name."""
    matrices = {
        name: cells.pivot_table(index="row", columns="column", values=value).to_numpy()
        for name, cells in table.groupby("matrix", sort=False)
    }
    for ax, (name, matrix) in zip(axes, matrices.items(), strict=True):
        k = matrix.shape[0]
        image = ax.imshow(
            matrix, cmap=COLORMAP, norm=norm, extent=(0.5, k + 0.5, k + 0.5, 0.5),
            interpolation="antialiased",
        )  # fmt: skip
        ax.grid(visible=False)
        ax.spines[:].set_visible(True)
        ticks = np.unique([1, k // 4, k // 2, 3 * k // 4, k])
        ax.set(title=name, xticks=ticks[ticks > 0], yticks=ticks[ticks > 0])
    made.colorbar(image, ax=list(axes), label=label, fraction=0.05, pad=0.02, extend="neither")
    return matrices
