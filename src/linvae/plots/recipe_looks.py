"""How recipes look where several studies stand side by side."""

from collections.abc import Iterable, Mapping
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from linvae.plots.style import COLORS, MARKERS

__all__ = ["looks_of", "nats_axis", "points", "recipe_legend", "shifts"]

_APART = 1.1
# Up to here differences are tens of nats, which is what recipes differ by; beyond it, decades.
_NATS_LINEAR = 100.0
_NATS_TICKS = (-10_000, -1_000, -300, -100, -50, 0, 50, 100)


def looks_of(tables: Iterable[pd.DataFrame]) -> dict[str, dict[str, object]]:
    """Give each recipe of any table's column ``model`` its colour and marker."""
    columns = [table["model"] for table in tables]
    found = pd.concat(columns).dropna().unique() if columns else ()
    return {
        model: {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, model in enumerate(found)
    }


def shifts(looks: Mapping[str, dict]) -> list[tuple[float, str]]:
    """Set recipes apart a little on a logarithmic axis, as many stand at one noise variance."""
    return [(_APART ** (i - (len(looks) - 1) / 2), model) for i, model in enumerate(looks)]


def points(axes: Axes, x: pd.Series, y: pd.Series, drawn: Mapping[str, object]) -> None:
    """Draw the points of one recipe."""
    axes.plot(x, y, linestyle="", markersize=4.5, **drawn)


def recipe_legend(made: Figure, first: list[Line2D], looks: Mapping[str, dict], title: str) -> None:
    """Name the recipes above the panels, after what `first` holds."""
    handles = [Line2D([], [], ls="", label=model, **drawn) for model, drawn in looks.items()]
    place = {"loc": "outside upper center", "ncols": 3}
    made.legend(handles=[*first, *handles], title=title, title_fontsize=7, **place)


def nats_axis(axes: Axes, which: Literal["x", "y"] = "y") -> None:
    """Scale an axis for differences of some nats and of thousands; a horizontal one has its own."""
    # Numbers take more room beside each other than one above the other.
    share = {"x": 1.2, "y": 2.5}[which]
    getattr(axes, f"set_{which}scale")("symlog", linthresh=_NATS_LINEAR, linscale=share)
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(FixedLocator(_NATS_TICKS))
    axis.set_major_formatter(lambda nats, _: f"{nats:,.0f}".replace("-", "−"))
    if which == "x" and _NATS_TICKS[0] < (low := axes.dataLim.x0) < -_NATS_LINEAR:
        # Where decades begin, a place without a number beside it is read as if it were linear.
        axes.set_xlim(left=1.05 * max(tick for tick in _NATS_TICKS if tick <= low))
