"""Table 3: recipes that differ from one in single settings, and what each of those changes."""

from collections.abc import Mapping

import pandas as pd

from linvae.claims.cells import CellMeans
from linvae.claims.rows import deep_row
from linvae.claims.verdicts import Interval, interval
from linvae.inputs import Inputs
from linvae.noise import number, parse_noise
from linvae.settings.differences import differences
from linvae.settings.margins import Margins
from linvae.settings.measurement import Measurement
from linvae.settings.model import ModelSettings

__all__ = ["NOTE", "shown", "tabulate", "text"]

NOTE = (
    "Each recipe differs from the first in the settings under changed alone. Means over seeds with "
    "95% intervals, in nats per image; ELBOs less the linear optimum's on the same images."
)

_VALUES = {
    "above_linear": "train ELBO - linear",
    "test_above_linear": "test ELBO - linear",
    "used": "used latents",
}


def tabulate(inputs: Inputs, settings: Mapping) -> pd.DataFrame:
    """Return one row a noise and recipe, the base first.

    Parameters
    ----------
    inputs
        ``metrics.json`` of the runs.
    settings
        ``section``, ``measurement``, ``margins`` and ``models``, as JSON holds them.

    Returns
    -------
    DataFrame
        Columns ``noise``, ``recipe``, ``changed`` (the settings in which it differs from the base,
        with their values), ``seeds``; and for each of ``above_linear``, ``test_above_linear``
        (ELBO less the linear optimum's, nats) and ``used`` (latents, train) its ``_mean``,
        ``_low`` and ``_high``, and the difference from the base, ``_change``, ``_change_low`` and
        ``_change_high``, with the variance of those two cells.
    """
    section, level = settings["section"], Margins.model_validate(settings["margins"]).level
    epsilon = Measurement.model_validate(settings["measurement"]).epsilon
    models = {name: ModelSettings.model_validate(m) for name, m in settings["models"].items()}
    runs = pd.DataFrame(
        [
            {**deep_row(run, metrics, epsilon), "noise": run.noise}
            for run, metrics in inputs.metrics().items()
        ]
    )
    rows, base = [], section["base"]
    for noise in section["noises"]:
        here = runs[runs["noise"] == noise] if len(runs) else runs
        for name in dict.fromkeys((base, *section["models"])):
            own = here[here["model"] == name] if len(here) else here
            if own.empty:
                continue
            row = {
                "noise": noise,
                "recipe": name,
                "changed": _changed(models[base], models[name]),
                "seeds": len(own),
            }
            for value in _VALUES:
                row |= _bounds(value, interval(own[value], level))
                if name != base:
                    cells = CellMeans.of(here[here["model"].isin([base, name])], value, "model")
                    if base in cells.means:
                        change = cells.contrast({name: 1.0, base: -1.0}, level)
                        row |= _bounds(f"{value}_change", change, mean="")
            rows.append(row)
    return pd.DataFrame(rows)


def _bounds(name: str, found: Interval, mean: str = "_mean") -> dict[str, object]:
    return {f"{name}{mean}": found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


def _changed(base: ModelSettings, model: ModelSettings) -> str:
    """Write the settings in which a model differs from the base, with its values."""
    found = differences(base, model)
    return ", ".join(f"{name.split('.')[-1]} {_value(own)}" for name, (_, own) in found.items())


def _value(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return {True: "yes", False: "no", None: "none"}.get(value, str(value))


def shown(table: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """Write one row a noise and recipe, with what changed in the settings and in the results."""
    rows = []
    for _, row in table.iterrows():
        noise = parse_noise(row["noise"])
        told = {
            "sigma^2": "learned from " * (noise.kind == "learned") + number(noise.variance),
            "recipe": row["recipe"],
            "changed": row["changed"] or "-",
            "seeds": row["seeds"],
        }
        for value, title in _VALUES.items():
            told[title] = _with_half(row, f"{value}_mean", value)
        for value, title in _VALUES.items():
            told[f"change of {title}"] = (
                _with_half(row, f"{value}_change", f"{value}_change")
                if pd.notna(row.get(f"{value}_change"))
                else "-"
            )
        rows.append(told)
    return pd.DataFrame(rows)


def _with_half(row: pd.Series, mean: str, bounds: str) -> str:
    value, high = row[mean], row[f"{bounds}_high"]
    return f"{value:.1f}" if pd.isna(high) else f"{value:.1f} ± {high - value:.1f}"


def text(table: pd.DataFrame, inputs: Inputs, settings: Mapping) -> str:
    """Return the table as Markdown, with what it means."""
    title = "# Table 3. One setting at a time"
    if table.empty:
        return f"{title}\n\nData: {inputs.data_label()}. No run could be measured."
    margins = Margins.model_validate(settings["margins"])
    lines = [
        title,
        "",
        f"Data: {inputs.data_label()}. Each recipe differs from {settings['section']['base']} in "
        "the settings under *changed* alone. ELBOs less the linear optimum's on the same images, "
        f"in nats per image; means over seeds with {margins.level:.0%} intervals. Where sigma^2 is "
        "learned, the linear optimum learns it too.",
        "",
        shown(table, settings).to_markdown(index=False, disable_numparse=True),
        "",
    ]
    return "\n".join(lines)
