"""Figure 11: the collapse that linear theory predicts against that of deep VAEs."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.plots.bands import over_seeds, seeds_note
from linvae.plots.style import COLORS, figure, look

__all__ = ["draw", "table"]

# Learned variances crowd at one place: their squares lie below the points of a fixed one there.
_LOOKS = {"learned": (COLORS[1], "s"), "fixed": (COLORS[0], "o")}
_SIZES = {"learned": 7, "fixed": 4.5}
_NATS_LINEAR = 10.0


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate predicted and found collapse, and the ELBO's distance from the linear bound.

    Rows of series `theory` are the corners of the step function
    100 #{i <= k : lambda_i <= sigma^2} / k; the others are means over seeds, at the noise variance
    that training ended with, with standard errors. ELBO and bound in nats per datum.
    """
    eigenvalues = inputs.spectrum().eigenvalues[: section["n_latent"]]
    runs = pd.DataFrame(_measured(inputs, section["epsilon"]))
    values = ["noise_variance", "collapse_percent", "elbo_above_bound", "below_bound"]
    deep = over_seeds(runs, ["series", "initial_noise_variance"], values)
    theory = _theory(eigenvalues, deep["noise_variance_mean"])
    return pd.concat([theory, deep], ignore_index=True)


def _measured(inputs: Inputs, epsilon: float) -> Iterator[dict[str, object]]:
    for run, metrics in inputs.metrics().items():
        noise = parse_noise(run.noise)
        yield {
            "series": noise.kind,
            "initial_noise_variance": noise.variance,
            "noise_variance": metrics["noise_variance"],
            "collapse_percent": metrics["collapse_percent"][number(epsilon)],
            "elbo_above_bound": metrics["elbo"] - metrics["linear_bound"],
            "below_bound": float(metrics["below_bound"]),
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
    """Draw collapse above, and below it how far each ELBO is from the linear bound."""
    made, (upper, lower) = figure(style, 5.0, 4.6, nrows=2, sharex=True, height_ratios=(3, 2))
    theory = table[table["series"] == "theory"]
    share = {"drawstyle": "steps-post", "color": "0.2", "linewidth": 1.2, "zorder": 1}
    upper.plot(theory["noise_variance_mean"], theory["collapse_percent_mean"], **share)
    _points(upper, table, "collapse_percent")
    epsilon, delta = number(section["epsilon"]), number(section["delta"])
    upper.set_ylabel(f"inactive dimensions (%)\nε = {epsilon} nats, δ = {delta}")
    upper.set_ylim(-4, 104)
    _points(lower, table, "elbo_above_bound")
    lower.axhline(0.0, color="0.2", linewidth=1.0, zorder=1)
    # Differences span several decades on both sides of zero.
    lower.set_yscale("symlog", linthresh=_NATS_LINEAR)
    lower.margins(y=0.12)
    lower.set_ylabel("ELBO − linear bound\n(nats per datum)")
    lower.set_xscale("log")
    lower.set_xlabel("observation noise variance σ², at the end of training")
    lower.set_xlim(theory["noise_variance_mean"].min(), theory["noise_variance_mean"].max())
    title = f"points: {seeds_note(table)}"
    place = {"loc": "outside upper center", "ncols": 2}
    made.legend(handles=_handles(table), title=title, title_fontsize=7, **place)
    return made


def _points(axes: Axes, table: pd.DataFrame, name: str) -> None:
    """Draw means with standard errors; open where a seed is below the linear bound."""
    for kind, (color, marker) in _LOOKS.items():
        for is_below in (False, True):
            rows = table[(table["series"] == kind) & ((table["below_bound_mean"] > 0) == is_below)]
            if rows.empty:
                continue
            axes.errorbar(
                rows["noise_variance_mean"],
                rows[f"{name}_mean"],
                xerr=rows["noise_variance_error"].fillna(0.0),
                yerr=rows[f"{name}_error"].fillna(0.0),
                linestyle="",
                marker=marker,
                markersize=_SIZES[kind],
                color=color,
                markerfacecolor="white" if is_below else color,
                capsize=2,
                elinewidth=0.8,
            )


def _handles(table: pd.DataFrame) -> list[Line2D]:
    """Legend entries for the line, both kinds of runs and the open markers."""
    handles = [Line2D([], [], color="0.2", linewidth=1.2, label="linear theory: λᵢ ≤ σ²")]
    for kind, (color, marker) in _LOOKS.items():
        if (table["series"] == kind).any():
            label = f"deep VAE, σ² {kind}"
            handles.append(Line2D([], [], ls="", marker=marker, color=color, label=label))
    if (table["below_bound_mean"] > 0).any():
        label = "open: a seed is below the linear bound"
        open_marker = {"marker": "o", "color": "0.4", "markerfacecolor": "white"}
        handles.append(Line2D([], [], ls="", **open_marker, label=label))
    return handles
