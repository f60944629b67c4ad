"""Figure 18: training by optimiser, rate and start, over images and processor time, and its end."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.plots.style import COLORS, LINES, figure, letter, look

__all__ = ["draw", "table"]

_ROLES = ("model", "other_start", "longer", "slower")
_MARKERS = {"model": "o", "other_start": "o", "longer": "^", "slower": "v"}
_CURVES = {
    "train_elbo": "train ELBO\n(nats per datum)",
    "test_elbo": "test ELBO\n(nats per datum)",
    "used_latents": "latents in use",
}
# How far below the best end an axis of ELBOs reaches: what recipes differ by is tens of nats.
_DEPTH = 70.0
_MILLION = 1e6


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate curves and ends of the runs at one noise variance and number of latents.

    Columns ``series`` (``curve`` or ``end``), ``recipe``, ``role`` (a field of
    `linvae.study.endings.Ending`), ``model``, ``seed``, ``images`` seen, ``cpu_seconds``,
    ``train_elbo`` and ``test_elbo`` (nats per datum; of a curve on some images of each split, at
    the end on all), ``used_latents`` (train). Ends have no curve of roles beyond the starts.
    """
    rows = list(_rows(inputs, section))
    columns = ["series", "recipe", "role", "model", "seed", "images", "cpu_seconds", *_CURVES]
    return pd.concat(rows, ignore_index=True)[columns]


def _rows(inputs: Inputs, section: dict) -> Iterator[pd.DataFrame]:
    known, curves, times = inputs.metrics(), inputs.curves(), inputs.times()
    runs = [
        run
        for run in known
        if run.n_latent == section["n_latent"]
        and parse_noise(run.noise).variance == section["drawn_at"]
    ]
    for entry in section["recipes"]:
        here = section["drawn_at"] in entry["noise_variances"]
        if not here or entry.get("n_latent") not in (None, section["n_latent"]):
            continue
        for role in _ROLES:
            for run in runs:
                if run.model != entry.get(role):
                    continue
                told = {"recipe": entry["model"], "role": role, "model": run.model}
                path = curves[run].merge(times[run][["step", "cpu_seconds"]], on="step")
                path = path.rename(columns={"subset_elbo": "train_elbo"})
                path = path.assign(seed=run.seed, **told)
                if role in ("model", "other_start"):
                    yield path.assign(series="curve")
                yield path.tail(1).assign(series="end", **_end(known[run], section))


def _end(metrics: Mapping, section: dict) -> dict[str, float]:
    return {
        "train_elbo": metrics["elbo"],
        "test_elbo": metrics["test_elbo"],
        "used_latents": metrics["used_latents"][number(section["epsilon"])],
    }


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw curves over images and over processor time, and the ends below them."""
    made, panels = figure(style, 6.4, 8.4, nrows=4, ncols=2, height_ratios=(1, 1, 1, 1.25))
    recipes = table["recipe"].unique()
    colors = {name: COLORS[i % len(COLORS)] for i, name in enumerate(recipes)}
    widths = {name: 1.6 if i < len(COLORS) else 0.9 for i, name in enumerate(recipes)}
    curves, ends = table[table["series"] == "curve"], table[table["series"] == "end"]
    for (column, label), row in zip(_CURVES.items(), panels[:3], strict=True):
        for axes, x in zip(row, ("images", "cpu_seconds"), strict=True):
            for name in recipes:
                own = curves[curves["recipe"] == name]
                _curve(axes, own, x, column, color=colors[name], linewidth=widths[name])
            if column != "used_latents":
                _depth(axes, ends[column])
        row[0].set_ylabel(label)
    for axes, column in zip(panels[3], ("train_elbo", "test_elbo"), strict=True):
        for name in recipes:
            _ends(axes, ends[ends["recipe"] == name], column, colors[name])
        _depth(axes, ends[column])
        axes.set(xlabel="latents in use", xlim=(0, None))
    panels[3][0].set_ylabel("train ELBO")
    panels[3][1].set_ylabel("test ELBO")
    for axes in panels[:3].flat:
        axes.locator_params(axis="x", nbins=5)
    panels[2][0].set_xlabel("images seen (millions)")
    panels[2][1].set_xlabel("processor time (s)")
    letter(panels.flat)
    made.legend(
        handles=[
            Line2D([], [], color=colors[name], lw=widths[name], label=name) for name in recipes
        ],
        title=f"σ² = {number(section['drawn_at'])}; solid and filled: first start, dashed and "
        "open: the other",
        title_fontsize=7,
        loc="outside upper center",
        ncols=4,
    )
    return made


def _curve(axes: Axes, rows: pd.DataFrame, x: str, y: str, **drawn: object) -> None:
    """Draw the mean over seeds of each start, by step."""
    for role, line in zip(("model", "other_start"), LINES, strict=False):
        own = rows[rows["role"] == role]
        if own.empty:
            continue
        mean = own.groupby("images")[[y, "cpu_seconds"]].mean()
        at = mean.index / _MILLION if x == "images" else mean["cpu_seconds"]
        axes.plot(at, mean[y], linestyle=line, **drawn)


def _ends(axes: Axes, rows: pd.DataFrame, y: str, color: str) -> None:
    for role, marker in _MARKERS.items():
        own = rows[rows["role"] == role]
        face = "white" if role == "other_start" else color
        axes.plot(
            own["used_latents"], own[y], marker, color=color, markerfacecolor=face, markersize=4.5
        )


def _depth(axes: Axes, ends: pd.Series) -> None:
    """Let an axis reach some tens of nats below the best end, and say what lies deeper."""
    best = float(ends.max())
    lowest = max(best - _DEPTH, float(ends.min()) - 5.0)
    axes.set_ylim(lowest, best + 5.0)
    below = int((ends < lowest).sum())
    if below:
        axes.annotate(
            f"{below} runs end below", (0.98, 0.03), xycoords="axes fraction", ha="right",
            fontsize=6, color="0.3",
        )  # fmt: skip
