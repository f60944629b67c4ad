"""What long studies are run for: nats for latents, start or size, and what grafts and width do."""

import re
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.plots.recipe_looks import nats_axis, recipe_legend
from linvae.plots.style import COLORS, MARKERS, figure, letter, look

__all__ = ["compared_variances", "draw_grafts", "draw_sizes", "draw_used"]

_OPEN = {"markerfacecolor": "white"}
# Below it differences of a graft are drawn on a linear scale, in nats.
_GRAFT_LINEAR = 20.0


@look()
def draw_used(
    tables: Mapping[str, pd.DataFrame],
    theory: Mapping[str, Mapping[float, float]],
    looks: Mapping[str, dict],
) -> Figure:
    """Draw a row for each study and a column for each sigma^2 at which recipes were compared.

    Test ELBO (filled) and log p(x) (open) less the linear optimum's, in nats per datum, over the
    number of latents in use: the line between the two is what inference costs.

    Parameters
    ----------
    tables
        By study, ``table1_sigma.csv``.
    theory
        By study and sigma^2, the number of latents that the linear optimum uses.
    looks
        Of the recipes (`linvae.plots.recipe_looks.looks_of`).
    """
    fixed = {name: table[table["kind"] == "fixed"] for name, table in tables.items()}
    variances = compared_variances(tables)
    layout = {"nrows": len(tables), "ncols": len(variances), "sharex": "row", "sharey": True}
    made, panels = figure(
        {}, 0.9 + 1.65 * len(variances), 1.1 + 2.0 * len(tables), squeeze=False, **layout
    )
    for (name, table), row in zip(fixed.items(), panels, strict=True):
        for variance, axes in zip(variances, row, strict=True):
            axes.axhline(0.0, color="0.2", linewidth=1.0, zorder=1)
            if variance in theory.get(name, {}):
                axes.axvline(theory[name][variance], color="0.2", linestyle=":", linewidth=1.0)
            at = table[table["initial"] == variance]
            for found in at.to_dict("records"):
                _elbo_and_likelihood(axes, found, looks[found["model"]])
            nats_axis(axes)
            axes.set_title(f"{name}, σ² = {number(variance)}")
        row[0].set_ylabel("above the linear\noptimum, test (nats)")
    for axes in panels[-1]:
        axes.set_xlabel("latents in use, train")
    letter(panels.flat)
    line = Line2D([], [], color="0.2", linestyle=":", label="used by the linear optimum")
    recipe_legend(made, [line], looks, "means over seeds; filled: ELBO, open: log p(x)")
    return made


def compared_variances(tables: Mapping[str, pd.DataFrame]) -> list[float]:
    """Noise variances at which a study has two recipes or more, the largest first."""
    found = set()
    for table in tables.values():
        recipes = table[table["kind"] == "fixed"].groupby("initial")["model"].nunique()
        found |= set(map(float, recipes.index[recipes > 1]))
    return sorted(found, reverse=True)


def _elbo_and_likelihood(axes: Axes, row: Mapping, drawn: Mapping[str, object]) -> None:
    used = row["used_mean"]
    elbo, log_p = (
        row[f"test_{name}_mean"] - row["test_linear_elbo_mean"] for name in ("elbo", "iwae")
    )
    axes.plot([used, used], [elbo, log_p], color=drawn["color"], linewidth=0.8, zorder=2)
    axes.plot(used, elbo, linestyle="", markersize=4.5, **drawn)
    axes.plot(used, log_p, linestyle="", markersize=4.5, **drawn, **_OPEN)


@look()
def draw_sizes(studies: Mapping[str, Mapping]) -> Figure:
    """Draw how many latents are in use from each start, by size, a panel for each study.

    Parameters
    ----------
    studies
        By study, the numbers of claim 15.
    """
    cases = {name: list(_sizes(numbers)) for name, numbers in studies.items()}
    rows = max(len({case for case, *_ in found}) for found in cases.values())
    layout = {"ncols": len(cases), "squeeze": False}
    made, panels = figure({}, 1.6 + 2.6 * len(cases), 1.3 + 0.32 * rows, **layout)
    starts = list(dict.fromkeys(start for found in cases.values() for _, start, *_ in found))
    looks = {
        start: {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, start in enumerate(starts)
    }
    for (name, found), axes in zip(cases.items(), panels[0], strict=True):
        names = sorted({case for case, *_ in found}, key=_by_numbers)
        for case, start, split, used in found:
            face = _OPEN if split == "test" else {}
            axes.plot(used, names.index(case), ls="", markersize=5, **looks[start], **face)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.set_title(name)
        axes.set_xlabel("latents in use")
    letter(panels.flat)
    handles = [Line2D([], [], ls="", label=f"start: {s}", **looks[s]) for s in starts]
    title = "means over seeds; filled: train, open: test"
    place = {"loc": "outside upper center", "ncols": len(handles)}
    made.legend(handles=handles, title=title, title_fontsize=7, **place)
    return made


def _by_numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _sizes(numbers: Mapping) -> Iterator[tuple[str, str, str, float]]:
    """Take claim 15 apart into size, start, split and number of used latents."""
    for recipe, by_variance in numbers.items():
        for variance, found in by_variance.items():
            for split in SPLITS:
                for name, used in found["splits"][split]["used"].items():
                    start, size = name.split(": ", 1)
                    size = re.sub(r", \S*-first(\d+)\S*", r", n = \1", size)
                    # Of models that differ in their hidden layers the name would be that of one.
                    named = f"{recipe}, σ² = {variance}" if len(numbers) > 1 else f"σ² = {variance}"
                    yield f"{named}\n{size}", start, split, used


@look()
def draw_grafts(studies: Mapping[str, Mapping]) -> Figure:
    """Draw a row for each study: what grafts gain, and the residuals of networks by width.

    Left: ELBO of runs trained on with a linear bypass less that of those trained on without it,
    and less that of those whose bypass started at random; nats per datum, with intervals. Right:
    rho_1 / sigma^2 over the number of hidden units. Train (filled) and test (open).

    Parameters
    ----------
    studies
        By study, the numbers of claim 13.
    """
    widths = {
        name: numbers.get("widths", {}).get("groups", []) for name, numbers in studies.items()
    }
    n = max(sum(map(len, numbers.get("grafts", {}).values())) for numbers in studies.values())
    layout = {"nrows": len(studies), "ncols": 2, "squeeze": False, "sharex": "col"}
    ratios = {"width_ratios": (1.7, 1)}
    made, panels = figure({}, 5.8, 1.3 + (0.8 + 0.4 * n) * len(studies), **layout, **ratios)
    for (name, numbers), (left, right) in zip(studies.items(), panels, strict=True):
        _gains(left, numbers.get("grafts", {}))
        _widths(right, widths[name])
        left.set_title(name)
        right.set_title(name)
    ticks = sorted(
        {int(w) for found in widths.values() for group in found for w in group["train"]["rho"]}
    )
    panels[-1][1].set_xticks(ticks, [str(width) for width in ticks])
    panels[-1][1].minorticks_off()
    panels[-1][0].set_xlabel("ELBO with the certificate's bypass, less (nats)")
    panels[-1][1].set_xlabel("units of each hidden layer")
    letter(panels.flat)
    handles = [Line2D([], [], ls="", label=label, **drawn) for _, label, drawn in _AGAINST]
    place = {"loc": "outside upper center", "ncols": 2}
    title = "means over seeds, intervals of claim 13; filled: train, open: test"
    made.legend(handles=handles, title=title, title_fontsize=7, **place)
    return made


_AGAINST = (
    ("above_none", "those without a bypass", {"color": COLORS[0], "marker": MARKERS[0]}),
    (
        "above_random",
        "those whose bypass began at random",
        {"color": COLORS[1], "marker": MARKERS[1]},
    ),
)


def _gains(axes: Axes, grafts: Mapping) -> None:
    cases = [(recipe, variance) for recipe, found in grafts.items() for variance in found]
    cases.sort(key=lambda case: (case[0], -float(case[1])))
    axes.set_xscale("symlog", linthresh=_GRAFT_LINEAR, linscale=1.5)
    axes.margins(x=0.08)
    for y, (recipe, variance) in enumerate(cases):
        found = [
            (against, grafts[recipe][variance][split], {} if split == "train" else _OPEN)
            for split in SPLITS
            for against in _AGAINST
            if split in grafts[recipe][variance]
        ]
        for i, ((name, _, drawn), measured, face) in enumerate(found):
            at, gain = y + 0.17 * (i - (len(found) - 1) / 2), measured[name]
            if gain["low"] is not None:
                ends = [gain["low"], gain["high"]]
                axes.plot(ends, [at, at], color=drawn["color"], linewidth=0.9, zorder=2)
            axes.plot(gain["mean"], at, linestyle="", markersize=4, **drawn, **face)
    axes.axvline(0.0, color="0.2", linewidth=1.0, zorder=1)
    axes.xaxis.set_major_formatter(lambda nats, _: f"{nats:,.0f}".replace("-", "−"))
    names = [f"{recipe}, σ² = {variance}" for recipe, variance in cases]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)


def _widths(axes: Axes, groups: Sequence[Mapping]) -> None:
    for index, group in enumerate(groups):
        for split in SPLITS:
            rho = {int(width): value for width, value in group[split]["rho"].items()}
            x = sorted(rho)
            face = {} if split == "train" else _OPEN
            look_of = (2 + index) % len(COLORS)
            drawn = {"color": COLORS[look_of], "marker": MARKERS[look_of], "markersize": 4.5}
            axes.plot(x, [rho[width] for width in x], linewidth=0.8, **drawn, **face)
    axes.axhline(1.0, color="0.2", linewidth=1.0, zorder=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylabel("$\\rho_1$ / σ²")
