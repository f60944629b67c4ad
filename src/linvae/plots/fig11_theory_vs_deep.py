"""Figure 11: the collapse that linear theory predicts, that of deep VAEs, and their ELBOs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.plots.bands import over_seeds, seeds_note
from linvae.plots.collapse_curves import count_axis
from linvae.plots.recipe_looks import looks_of
from linvae.plots.style import figure, letter, look

__all__ = ["draw", "table"]

# Up to here differences are tens of nats, which is what recipes differ by; beyond it, decades.
_NATS_LINEAR = 100.0
_APART = 1.12
_PANELS = {
    "above_linear": "train ELBO − linear\noptimum (nats)",
    "test_above_linear": "test ELBO − linear\noptimum (nats)",
}


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate predicted and found collapse, and each ELBO's distance from the linear optimum.

    Rows of series `theory` are the corners of the step function
    100 #{i <= k : lambda_i <= sigma^2} / k. Those of `fixed` and `learned` stand at the noise
    variance that training ended with: means over seeds with standard errors, one a recipe and
    noise, and below them the single runs, which have a `seed`. ELBOs in nats per datum, paired by
    image with the linear optimum's on the same split.
    """
    eigenvalues = inputs.spectrum().eigenvalues[: section["n_latent"]]
    runs = pd.DataFrame(_measured(inputs, section["epsilon"]))
    values = ["noise_variance", "collapse_percent", "used_latents", *_PANELS]
    keys = ["series", "model", "initial_noise_variance"]
    deep = over_seeds(runs, keys, values)
    theory = _theory(eigenvalues, deep["noise_variance_mean"])
    single = runs.rename(columns={name: f"{name}_mean" for name in values})
    return pd.concat([theory, deep, single], ignore_index=True)


def _measured(inputs: Inputs, epsilon: float) -> Iterator[dict[str, object]]:
    for run, metrics in inputs.metrics().items():
        noise = parse_noise(run.noise)
        yield {
            "series": noise.kind,
            "model": run.model,
            "initial_noise_variance": noise.variance,
            "seed": run.seed,
            "noise_variance": metrics["noise_variance"],
            "collapse_percent": metrics["collapse_percent"][number(epsilon)],
            "used_latents": metrics["used_latents"][number(epsilon)],
            **{name: metrics[name] for name in _PANELS},
        }


def _theory(eigenvalues: NDArray[np.float64], drawn: pd.Series) -> pd.DataFrame:
    """Corners of the predicted share, over all noise variances drawn and up to lambda_1."""
    low, high = drawn.min() / 2.0, 2.0 * max(drawn.max(), eigenvalues[0])
    inside = eigenvalues[(eigenvalues > low) & (eigenvalues < high)]
    variances = np.unique([low, *inside, high])
    inactive = np.searchsorted(np.sort(eigenvalues), variances, side="right")
    percent = 100.0 * inactive / len(eigenvalues)
    return pd.DataFrame(
        {"series": "theory", "noise_variance_mean": variances, "collapse_percent_mean": percent}
    )


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw collapse above, and below it how far each run's ELBO is from the linear optimum's."""
    made, panels = figure(style, 5.0, 6.6, nrows=3, sharex=True, height_ratios=(3, 2.2, 2.2))
    is_run = table["seed"].notna()
    theory = table[table["series"] == "theory"]
    share = {"drawstyle": "steps-post", "color": "0.2", "linewidth": 1.2, "zorder": 1}
    panels[0].plot(theory["noise_variance_mean"], theory["collapse_percent_mean"], **share)
    _points(panels[0], table[~is_run], "collapse_percent")
    epsilon, delta = number(section["epsilon"]), number(section["delta"])
    panels[0].set_ylabel(f"unused latents (%), train\nε = {epsilon} nats, δ = {delta}")
    panels[0].set_ylim(-4, 104)
    count_axis(panels[0], section["n_latent"])
    for axes, (name, label) in zip(panels[1:], _PANELS.items(), strict=True):
        _points(axes, table[is_run], name)
        axes.axhline(0.0, color="0.2", linewidth=1.0, zorder=1)
        _nats_axis(axes, table.loc[is_run, f"{name}_mean"])
        axes.set_ylabel(label)
    panels[-1].set_xscale("log")
    panels[-1].set_xlabel("observation noise variance σ², at the end of training")
    panels[-1].set_xlim(theory["noise_variance_mean"].min(), theory["noise_variance_mean"].max())
    letter(panels)
    title = f"(a) {seeds_note(table)}, (b, c) each run; filled: σ² fixed, open: learned"
    place = {"loc": "outside upper center", "ncols": 3}
    made.legend(handles=_handles(table), title=title, title_fontsize=7, **place)
    return made


def _nats_axis(axes: Axes, values: pd.Series) -> None:
    """Scale an axis for differences of some nats and of tens of thousands."""
    largest = float(values.abs().max())
    axes.margins(y=0.12)
    if largest <= _NATS_LINEAR:
        return
    axes.set_yscale("symlog", linthresh=_NATS_LINEAR, linscale=1.5)
    last = int(np.ceil(np.log10(largest)))
    decades = 10.0 ** np.arange(2, last + 1)
    between = np.outer(decades[:-1], np.arange(2, 10)).ravel()
    ticks = np.array([0.5 * _NATS_LINEAR, *decades])
    axes.yaxis.set_major_locator(FixedLocator([*-ticks[::-1], 0.0, *ticks]))
    axes.yaxis.set_minor_locator(FixedLocator([*-between, *between]))
    axes.yaxis.set_major_formatter(lambda nats, _: f"{nats:,.0f}".replace("-", "−"))
    # Up to a labelled decade on the sides where values leave the middle.
    low, high = (
        10.0 ** np.ceil(np.log10(max(found, _NATS_LINEAR))) * 1.15
        for found in (-values.min(), values.max())
    )
    axes.set_ylim(-low, high)


def _points(axes: Axes, table: pd.DataFrame, name: str) -> None:
    """Draw means with standard errors; open where the noise variance is learned.

    Recipes are set apart a little, as many stand at one noise variance.
    """
    looks = looks_of([table])
    for index, (model, drawn) in enumerate(looks.items()):
        shift = _APART ** (index - (len(looks) - 1) / 2)
        for kind in ("fixed", "learned"):
            rows = table[(table["series"] == kind) & (table["model"] == model)]
            if rows.empty:
                continue
            axes.errorbar(
                shift * rows["noise_variance_mean"],
                rows[f"{name}_mean"],
                xerr=_errors(rows, "noise_variance"),
                yerr=_errors(rows, name),
                linestyle="",
                markersize=4.5,
                markerfacecolor="white" if kind == "learned" else drawn["color"],
                capsize=2,
                elinewidth=0.8,
                **drawn,
            )


def _errors(rows: pd.DataFrame, name: str) -> pd.Series | None:
    """Return standard errors; None of single runs."""
    errors = rows[f"{name}_error"]
    return None if rows["seed"].notna().any() else errors.fillna(0.0)


def _handles(table: pd.DataFrame) -> list[Line2D]:
    """Legend entries for the line and for every recipe."""
    theory = Line2D([], [], color="0.2", linewidth=1.2, label="linear theory: λᵢ ≤ σ²")
    return [
        theory,
        *(Line2D([], [], ls="", label=name, **drawn) for name, drawn in looks_of([table]).items()),
    ]
