"""Figure 12: data, reconstructions and prior samples of deep VAEs over the noise variance."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.plots.style import figure, look

__all__ = ["draw", "table"]

_MARGIN = 2
_N_IMAGES = 8
_PIXEL = "pixel"
_GROUPS = {"reconstruction": "test images and their reconstructions", "prior": "prior samples"}
_KEYS = ["initial_noise_variance", "model"]


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate images, one a row: values from 0 to 255, of the first seed's runs.

    A column ``pixel-<row>-<column>-<channel>`` for each value. `initial_noise_variance` and `model`
    are missing for the data. Rows are sorted by noise variance, and recipes stand together, so that
    what differs is seen.
    """
    order = {name: index for index, name in enumerate(_models(section))}
    found = [
        (parse_noise(run.noise).variance, run.model, arrays)
        for run, arrays in inputs.arrays("samples.npz").items()
        if run.noise.startswith("fixed") and run.seed == section["seeds"][0]
    ]
    found.sort(key=lambda item: (item[0], order[item[1]]))
    data = found[0][2]["data_pixels"] if found else np.empty((0, 0, 0, 0))
    parts = [*_rows(None, None, "data", data)]
    for variance, model, arrays in found:
        parts.extend(_rows(variance, model, "reconstruction", arrays["reconstruction_pixels"]))
        parts.extend(_rows(variance, model, "prior", arrays["prior_pixels"]))
    pixels = ["-".join(map(str, (_PIXEL, *place))) for place in np.ndindex(data.shape[1:])]
    return pd.DataFrame(parts, columns=[*_KEYS, "group", "image", *pixels])


def _models(section: dict) -> list[str]:
    return list(dict.fromkeys(name for cells in section["fixed"] for name in cells["models"]))


def _rows(
    variance: float | None, model: str | None, group: str, images: NDArray[np.floating]
) -> Iterator[tuple[object, ...]]:
    values = np.rint(np.clip(images[:_N_IMAGES], 0.0, 1.0) * 255).astype(int)
    for index, pixels in enumerate(values):
        yield variance, model, group, index, *pixels.ravel()


def _images(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the images (m, h, w, c) of rows of the table, whose columns name their places."""
    columns = [name for name in table.columns if name.startswith(f"{_PIXEL}-")]
    shape = [int(size) + 1 for size in columns[-1].split("-")[1:]]
    return table[columns].to_numpy(int).reshape(-1, *shape)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw a row for each noise variance and recipe, and a block for each group."""
    runs = table[_KEYS].dropna().drop_duplicates().to_numpy().tolist()
    height = 0.55 + 0.37 * (len(runs) + 1)
    made, panels = figure(style, 7.2, height, ncols=len(_GROUPS), sharey=True)
    data = table[table["group"] == "data"]
    for axes, (group, title) in zip(panels, _GROUPS.items(), strict=True):
        images = table[table["group"] == group]
        rows = [images[(images[_KEYS] == run).all(axis=1)] for run in runs]
        first = data if group == "reconstruction" else data.iloc[:0]
        _draw_block(axes, [first, *rows], len(data))
        axes.set_title(title)
    labels = ["data", *(f"σ² = {number(variance)}, {model}" for variance, model in runs)]
    height = _images(data).shape[1]
    places = [height / 2 + row * (height + _MARGIN) for row in range(len(labels))]
    panels[0].set_yticks(places, labels)
    return made


def _draw_block(axes: Axes, rows: list[pd.DataFrame], columns: int) -> None:
    """Draw one block of images as a single picture, so that pixels stay square and sharp."""
    blocks = [_images(images) for images in rows]
    height, width, channels = blocks[-1].shape[1:]
    down, right = height + _MARGIN, width + _MARGIN
    shape = (len(rows) * down - _MARGIN, columns * right - _MARGIN, channels)
    mosaic = np.full(shape, 255, int)
    for row, images in enumerate(blocks):
        for column, image in enumerate(images):
            top, left = row * down, column * right
            mosaic[top : top + height, left : left + width] = image
    if channels == 1:
        axes.imshow(mosaic[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="none")
    else:
        axes.imshow(mosaic, interpolation="none")
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
