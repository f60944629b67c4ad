"""Figure 9: the marginal likelihood around a zero column of W, at several noise variances."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.linear.stationary import landscape, stationary_weights
from linvae.plots.style import NATS, figure, letter, look

__all__ = ["draw", "table"]

_GRID = 61
# Of the changes on the one scale of all panels; what is smaller still is drawn linearly.
_DECADES = 3
# Fourth-order central differences of the second derivative, for displacements -2h to 2h.
_STENCIL = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Return the log-likelihood on a grid around each stationary point, and its curvatures there.

    Returns
    -------
    DataFrame
        One row a grid point: ``noise_at`` (the noise variance is this eigenvalue, from 1),
        ``noise_variance``, ``kind``, displacements ``a`` and ``b`` along the two directions,
        ``change`` of the log-likelihood from the stationary point (nats per datum), and for either
        direction ``curvature_*`` by the formula (lambda_j - s) / s^2 and ``numerical_*`` by
        differences of the likelihood.
    """
    spectrum = inputs.spectrum()
    directions = tuple(j - 1 for j in section["directions"])
    retained = [j for j in range(spectrum.n_features) if j not in directions]
    retained = retained[: section["n_latent"] - 1]
    noises = [float(spectrum.eigenvalues[at - 1]) for at in section["noise_at"]]
    parts = []
    for at, noise in zip(section["noise_at"], noises, strict=True):
        # Wide enough for the maxima, at a distance of (lambda_j - s)^(1/2) where there are any.
        reach = np.abs(spectrum.eigenvalues[list(directions)] - noise).max()
        radius = 1.5 * float(np.sqrt(max(reach, 0.01 * noise)))
        shape = landscape(
            spectrum, noise, directions, radius=radius, n_grid=_GRID, retained=retained
        )
        a, b = np.meshgrid(shape.a, shape.b, indexing="ij")
        change = shape.log_likelihood - shape.log_likelihood[_GRID // 2, _GRID // 2]
        columns = {
            "noise_at": at, "noise_variance": noise, "kind": shape.kind,
            "a": a.ravel(), "b": b.ravel(), "change": change.ravel(),
        }  # fmt: skip
        for name, j, curvature in zip("ab", directions, shape.curvature, strict=True):
            columns[f"curvature_{name}"] = curvature
            columns[f"numerical_{name}"] = _second_derivative(spectrum, noise, retained, j)
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw one contour map a noise variance, on one colour scale that is symmetric about zero."""
    groups = list(table.groupby("noise_at", sort=False))
    made, axes = figure(style, 6.5, 2.9, ncols=len(groups), squeeze=False)
    i, j = section["directions"]
    # A power of ten, so that contours and ticks lie at the same round numbers.
    highest = 10.0 ** np.ceil(np.log10(max(table["change"].abs().max(), 1e-12)))
    decades = highest / 10.0 ** np.arange(_DECADES + 1)
    norm = SymLogNorm(decades[-1], vmin=-highest, vmax=highest)
    for ax, (at, values) in zip(axes[0], groups, strict=True):
        first = values.iloc[0]
        image = _panel(ax, values, norm)
        noise = f"$\\sigma^2 = \\lambda_{{{at}}} = {first['noise_variance']:.3g}$"
        curvatures = f"curvature {first['curvature_a']:.2g}, {first['curvature_b']:.2g}"
        ax.set_title(f"{first['kind']}: {noise}\n{curvatures}", fontsize=7)
        ax.set_xlabel(f"displacement along $u_{{{i}}}$")
    axes[0, 0].set_ylabel(f"displacement along $u_{{{j}}}$")
    label = f"change of log-likelihood\n({NATS})"
    bar = made.colorbar(image, ax=list(axes[0]), label=label, fraction=0.05, pad=0.02)
    ticks = [*-decades, 0.0, *decades[::-1]]
    bar.set_ticks(ticks, labels=[f"{value:g}" for value in ticks], minor=False)
    bar.minorticks_off()
    letter(axes[0])
    return made


def _second_derivative(
    spectrum: Spectrum, noise_variance: float, retained: list[int], direction: int
) -> float:
    """Differentiate the exact likelihood twice, as the zero column moves along a direction."""
    step = 0.03 * np.sqrt(noise_variance)
    weights = stationary_weights(spectrum, len(retained) + 1, noise_variance, retained)
    values = []
    for place in range(-2, 3):
        weights[:, -1] = place * step * spectrum.eigenvectors[:, direction]
        values.append(ppca.log_likelihood(weights, noise_variance, spectrum))
    return float(_STENCIL @ (np.array(values) - values[2]) / step**2)


def _panel(ax: Axes, values: pd.DataFrame, norm: SymLogNorm) -> object:
    grid = values.pivot_table(index="b", columns="a", values="change")
    a, b, change = grid.columns.to_numpy(), grid.index.to_numpy(), grid.to_numpy()
    image = ax.pcolormesh(
        a, b, change, cmap="RdBu_r", norm=norm, shading="gouraud", rasterized=True
    )
    steps = norm.vmax / 10.0 ** np.arange(_DECADES + 2)
    levels = np.concatenate([share * steps for share in (0.2, 0.5, 1.0)])
    levels = np.sort(np.concatenate([-levels, levels]))
    ax.contour(a, b, change, levels=levels, colors="0.2", linewidths=0.5)
    # Where the likelihood is that of the point itself: two lines that cross there are a saddle.
    ax.contour(a, b, change, levels=[0.0], colors="k", linewidths=1.4)
    ax.plot(0, 0, marker="+", color="k", markersize=7)
    ax.grid(visible=False)
    ax.set_aspect("equal")
    return image
