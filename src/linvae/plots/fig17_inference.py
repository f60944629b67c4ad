"""Figure 17: what inference costs, and how the KL is spread over latents."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from linvae.inputs import Inputs
from linvae.measure.ranks import kl_by_rank, tail_sums
from linvae.measure.splits import SPLITS
from linvae.noise import number, parse_noise
from linvae.plots.bands import over_seeds
from linvae.plots.recipe_looks import nats_axis
from linvae.plots.style import COLORS, LINES, figure, letter, look

__all__ = ["draw", "table"]

_STEPS = {"elbo": "o", "elbo_optimised": "D", "log_likelihood": ">"}
_WORDS = ("ELBO, the encoder's q", "ELBO, q optimised for each image", "log p(x), estimated")
_KEYS = ["series", "model", "noise_variance", "split", "rank"]
# Tails of less than this, in nats, say nothing.
_LEAST_TAIL = 0.03


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate ELBOs and log p(x), and the KL beyond each rank, as means over seeds.

    Columns ``series``: of ``values`` the rows have ``elbo``, ``elbo_optimised`` and
    ``log_likelihood``, less the linear optimum's on the same split, in nats per datum; of ``tail``
    they have ``tail_kl`` by ``rank`` r, the mean KL of all but the r latents of largest mean KL, by
    the encoder's q. Standard errors are over seeds.
    """
    rows = pd.DataFrame([*_values(inputs), *_tails(inputs)])
    return over_seeds(rows.fillna({"rank": 0}), _KEYS, [*_STEPS, "tail_kl"])


def _values(inputs: Inputs) -> Iterator[dict[str, object]]:
    for run, metrics in inputs.metrics().items():
        for split, prefix in SPLITS.items():
            yield {
                "series": "values",
                "model": run.model,
                "noise_variance": parse_noise(run.noise).variance,
                "split": split,
                **{
                    name: metrics[f"{prefix}{name}"] - metrics[f"{prefix}linear_elbo"]
                    for name in _STEPS
                },
            }


def _tails(inputs: Inputs) -> Iterator[dict[str, object]]:
    for run, arrays in inputs.arrays("kl.npz").items():
        for split, prefix in SPLITS.items():
            mean_kl = arrays[f"{prefix}mean_kl"][None]
            left = [float(kl_by_rank(mean_kl).sum()), *tail_sums(mean_kl)]
            for rank, tail in enumerate(left):
                yield {
                    "series": "tail",
                    "model": run.model,
                    "noise_variance": parse_noise(run.noise).variance,
                    "split": split,
                    "rank": rank,
                    "tail_kl": tail,
                }


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw a line a recipe and noise variance, and tails where most recipes were run."""
    values, tails = (table[table["series"] == name] for name in ("values", "tail"))
    models = table["model"].unique()
    looks = {
        model: {"color": COLORS[i % len(COLORS)], "linestyle": LINES[i % len(LINES)]}
        for i, model in enumerate(models)
    }
    cells = values[["noise_variance", "model"]].drop_duplicates()
    cells = cells.sort_values("noise_variance", ascending=False, kind="stable")
    places = {tuple(cell): -i for i, cell in enumerate(cells.to_numpy().tolist())}
    heights = (0.14 * len(places) + 0.3, 1.7)
    made, panels = figure(
        style, 6.4, 1.4 + sum(heights), nrows=2, ncols=2, height_ratios=heights, sharey="row"
    )
    for split, axes in zip(SPLITS, panels[0], strict=True):
        _lines(axes, values[values["split"] == split], places, looks)
        axes.set_title(f"{split} images")
        axes.set_xlabel("nats above the linear optimum")
    panels[0][0].set_yticks(
        [*places.values()],
        [f"{model}, σ² = {number(variance)}" for variance, model in places],
        fontsize=6,
    )
    # Where most recipes stand side by side; of several such, the smallest.
    common = cells.groupby("noise_variance").size()
    shown = min(common[common == common.max()].index)
    for split, axes in zip(SPLITS, panels[1], strict=True):
        own = tails[(tails["split"] == split) & (tails["noise_variance"] == shown)]
        for model, drawn in looks.items():
            rows = own[own["model"] == model]
            axes.plot(rows["rank"], rows["tail_kl_mean"], **drawn)
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(bottom=_LEAST_TAIL)
        axes.set_title(f"{split} images, σ² = {number(shown)}")
        axes.set_xlabel("number of latents of largest KL")
    panels[1][0].set_ylabel("KL of all others (nats)")
    letter(panels.flat)
    _legend(made, looks, f"means over up to {int(table['n_seeds'].max())} seeds")
    return made


def _lines(axes: Axes, rows: pd.DataFrame, places: Mapping, looks: Mapping) -> None:
    axes.axvline(0.0, color="0.3", linewidth=0.8, zorder=1)
    for row in rows.to_dict("records"):
        y = places[row["noise_variance"], row["model"]]
        color = looks[row["model"]]["color"]
        at = [row[f"{name}_mean"] for name in _STEPS]
        axes.plot(at, [y] * len(at), color=color, linewidth=0.9)
        for x, marker in zip(at, _STEPS.values(), strict=True):
            face = color if marker == "o" else "white"
            axes.plot(x, y, marker, color=color, markerfacecolor=face, markersize=3.8)
    nats_axis(axes, "x")


def _legend(made: Figure, looks: Mapping[str, Mapping], note: str) -> None:
    steps = [
        Line2D([], [], ls="", marker=marker, color="0.3", label=words,
               markerfacecolor="0.3" if marker == "o" else "white")
        for words, marker in zip(_WORDS, _STEPS.values(), strict=True)
    ]  # fmt: skip
    recipes = [Line2D([], [], label=name, **drawn) for name, drawn in looks.items()]
    place = {"loc": "outside upper center", "ncols": 3, "handlelength": 2.6}
    made.legend(handles=[*steps, *recipes], title=note, title_fontsize=7, **place)
