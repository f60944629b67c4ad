"""The look that all figures share, and how they are written."""

import textwrap
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from linvae.jobs.atomic import replacing

__all__ = [
    "COLORS",
    "LINES",
    "MARKERS",
    "NATS",
    "blank",
    "figure",
    "letter",
    "look",
    "save",
    "short",
]

# Okabe and Ito's palette, told apart by the colour-blind, in an order whose greys differ as well.
COLORS = ("#0072B2", "#D55E00", "#000000", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#999999")
LINES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)), (0, (7, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
NATS = "nats per datum"
_LETTERS = 24

_DEFAULTS = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "linvae",
}

# How the process as a whole draws on screen: of no matter here, and not to be changed.
_OF_THE_PROCESS = ("backend", "backend_fallback", "interactive", "toolbar", "timezone", "webagg")
_OWN = {
    name: value
    for name, value in mpl.rcParamsDefault.items()
    if not name.startswith(_OF_THE_PROCESS)
}


def look() -> AbstractContextManager:
    """Return the style as a context, and so as a decorator of a `draw` function.

    What `draw` adds to the axes (lines, legends, titles) takes its sizes from here, and all else
    from matplotlib's own defaults: a user's matplotlibrc or style changes no figure.
    """
    return mpl.rc_context(_OWN | _DEFAULTS)


def figure(
    style: Mapping[str, object], width: float, height: float, **layout: object
) -> tuple[Figure, Axes]:
    """Make a figure and its axes.

    Parameters
    ----------
    style
        The figure's section of `figures` in `config.yaml`: overrides width and height in inches,
        dpi, and gives a title.
    width, height
        The figure's own size, in inches.
    **layout
        For `Figure.subplots`, for example ``ncols=2``.
    """
    with look():
        made = Figure(
            figsize=(style.get("width", width), style.get("height", height)),
            dpi=style.get("dpi", 200),
            layout="constrained",
        )
        if style.get("title"):
            made.suptitle(style["title"], fontsize=9)
        return made, made.subplots(**layout)


def blank(style: Mapping[str, object]) -> Figure:
    """Make a figure that shows nothing but that no run could be measured."""
    made, axes = figure(style, 4.0, 2.0)
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no run could be measured", ha="center", transform=axes.transAxes)
    return made


def letter(axes: Iterable[Axes]) -> None:
    """Mark panels (a), (b), ... before their titles."""
    for ax, name in zip(axes, "abcdefghijklmnopqrstuvwxyz", strict=False):
        ax.title.set_text(f"({name}) {ax.get_title()}".rstrip())


def save(made: Figure, paths: Iterable[str], label: str) -> None:
    """Write a figure to each path with the data's origin in its lower corner."""
    with look():
        # A label that names runs may be long: this many letters of its size fit into an inch.
        text = textwrap.fill(f"data: {label}", int(_LETTERS * made.get_figwidth()))
        made.supxlabel(text, fontsize=6, color="0.4", x=0.99, ha="right")
        for path in paths:
            # No date: the same figure must give the same bytes.
            metadata = {"CreationDate": None} if path.endswith(".pdf") else {"Software": None}
            with replacing(path) as temporary:
                made.savefig(temporary, metadata=metadata)


def short(value: float) -> str:
    """Write a number in a few characters, a very small one as a power of ten."""
    if value == 0 or abs(value) >= 1e-3:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return rf"${mantissa}\times 10^{{{int(exponent)}}}$"
