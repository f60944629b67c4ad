"""The figure of a diagnosis."""

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linvae.diagnose.measured_model import MeasuredModel, Split

__all__ = ["as_svg", "draw"]

_COLORS = {"train": "#0072B2", "held out": "#D55E00"}
_LOWEST = 1e-3


def draw(found: MeasuredModel) -> Figure:
    """Draw spectra over sigma^2 by rank, and latents in use over epsilon."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(ncols=2)
    splits = {"train": found.train}
    if found.held_out is not None:
        splits["held out"] = found.held_out
    _spectra(left, found, splits)
    for name, split in splits.items():
        used = found.n_latent * (1 - split.curve.percent(found.delta) / 100)
        right.semilogx(split.curve.epsilon, used, color=_COLORS[name], label=name)
    right.axvline(found.epsilon, color="0.6", linewidth=0.8)
    right.axhline(
        min(found.n_linear, found.n_latent), color="0.3", linestyle=":", label="linear theory"
    )
    right.set_xlabel("epsilon / nats")
    right.set_ylabel(f"latents in use, of {found.n_latent}")
    right.set_ylim(bottom=0)
    right.legend(frameon=False)
    figure.suptitle(f"{found.kind} (sigma^2 = {found.noise_variance:.4g})", fontsize=10)
    return figure


def _spectra(axes: Axes, found: MeasuredModel, splits: dict[str, Split]) -> None:
    data = np.arange(1, len(found.data_eigenvalues) + 1)
    ratio = found.data_eigenvalues / found.noise_variance
    axes.loglog(data, ratio, color="0.6", linestyle="--", label="data, lambda")
    for name, split in splits.items():
        ratio = split.eigenvalues / found.noise_variance
        rank = np.arange(1, len(ratio) + 1)
        shown = ratio > 0
        axes.loglog(rank[shown], ratio[shown], color=_COLORS[name], label=f"residual, {name}")
    axes.axhline(1.0, color="0.3", linewidth=0.8)
    lowest, highest = axes.get_ylim()
    axes.set_ylim(max(lowest, _LOWEST), max(highest, 2.0))
    axes.set_xlabel("rank")
    axes.set_ylabel("eigenvalue / sigma^2")
    axes.legend(frameon=False)


def as_svg(found: MeasuredModel) -> str:
    """Return the figure as an SVG element."""
    stream = io.StringIO()
    draw(found).savefig(stream, format="svg")
    text = stream.getvalue()
    return text[text.index("<svg") :]
