"""Table 2: for each recipe and noise variance, which checks of the end of training hold."""

from collections.abc import Iterator, Mapping

import pandas as pd

from linvae.claims.end_of_training import (
    CHECKS,
    nothing_better_known,
    nothing_certified,
    reopened_latents_die,
    same_end,
)
from linvae.claims.evidence import Evidence
from linvae.claims.rows import THRESHOLDS, deep_row, used_row
from linvae.claims.verdicts import interval
from linvae.inputs import Inputs
from linvae.noise import number
from linvae.settings.margins import Margins
from linvae.settings.measurement import Measurement
from linvae.settings.model import ModelSettings
from linvae.study.endings import Endings
from linvae.study.names import Names

__all__ = ["NOTE", "shown", "tabulate", "text"]

NOTE = (
    "Means over seeds, in nats per image; after the slash from the other start. Each check is an "
    "equivalence test: yes where all intervals lie within the margin, no where one lies beyond. "
    "Only where all hold is a number said of the objective of these networks."
)

# Where a row lies that answers whether it is within its margin.
_ON_SIDE = {"yes": "within", "no": "beyond", "undecided": "open"}
_SIDES = {"within": "yes", "beyond": "no", "open": "open", "": "not run"}
_ENDS = {
    "elbo": ("ELBO", "train"),
    "test_elbo": ("ELBO", "test"),
    "test_elbo_optimised": ("ELBO, q optimised", "test"),
    "test_log_likelihood": ("log p(x)", "test"),
    "used": ("used latents", "train"),
}
_CELL = ["recipe", "initial", "n_latent", "room"]
_COLUMNS = [
    *_CELL, "check", "quantity", "split", "unit", "with", "seeds", "mean", "low", "high", "margin",
    "side",
]  # fmt: skip


def tabulate(inputs: Inputs, settings: Mapping) -> pd.DataFrame:
    """Return the evidence of all checks, one row a quantity.

    Parameters
    ----------
    inputs
        ``metrics.json`` of the runs, and ``graft.json`` of those that were trained on.
    settings
        ``section``, ``measurement``, ``margins``, ``models`` and ``names``, as JSON holds them.

    Returns
    -------
    DataFrame
        Columns ``recipe``, ``initial`` (sigma^2), ``n_latent``, ``room`` (whether the linear
        optimum leaves latents unused, so that their number is judged), ``check`` (of
        `linvae.claims.end_of_training.CHECKS`, or ``end`` for the values themselves),
        ``quantity``, ``split``, ``unit``, ``with`` (what it is compared with), ``seeds``, ``mean``,
        ``low``, ``high``, ``margin``, ``side``.
    """
    section = Endings.model_validate(settings["section"])
    margins = Margins.model_validate(settings["margins"])
    level = margins.level
    runs = _runs(inputs, settings)
    rows: list[dict[str, object]] = []
    for cell in _cells(section, Names.from_dict(settings["names"]), runs):
        own = cell.pop("runs")
        room = bool((own["model"]["active"] < own["model"]["n_latent"]).all())
        told = {**cell, "room": room}
        for role in ("model", "other_start"):
            if role in own:
                rows += [{**told, **row} for row in _ends(own[role], level)]
        for name, check in _checks(cell, own, runs, inputs, margins, room=room).items():
            rows += [{**told, **row} for row in _evidence(name, check)]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _runs(inputs: Inputs, settings: Mapping) -> pd.DataFrame:
    epsilon = Measurement.model_validate(settings["measurement"]).epsilon
    models = {name: ModelSettings.model_validate(m) for name, m in settings["models"].items()}
    rows = []
    for run, metrics in inputs.metrics().items():
        rows.append(
            {
                **deep_row(run, metrics, epsilon),
                **used_row(metrics),
                "test_residual_gain": metrics["test_residual_gain"],
                "active": metrics["linear_bound_active"],
                "layers": models[run.model].encoder.size,
                "run": run,
            }
        )
    return pd.DataFrame(rows)


def _cells(section: Endings, names: Names, runs: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Give the cells whose recipe could be measured, with the rows of its runs by role."""
    by_run = runs.set_index("run", drop=False) if len(runs) else runs
    for entry, variance, by_role in section.cells(names):
        measured = {
            role: [run for run in own if run in by_run.index] for role, own in by_role.items()
        }
        found = {role: by_run.loc[own] for role, own in measured.items() if own}
        if "model" in found:
            yield {
                "recipe": entry.model,
                "initial": variance,
                "n_latent": by_role["model"][0].n_latent,
                "runs": {role: own.reset_index(drop=True) for role, own in found.items()},
            }


def _checks(
    cell: Mapping, own: Mapping[str, pd.DataFrame], runs: pd.DataFrame, inputs: Inputs,
    margins: Margins, *, room: bool,
) -> dict[str, list[Evidence]]:  # fmt: skip
    model, nothing = own["model"], pd.DataFrame()
    found = {
        name: same_end(model, own.get(role, nothing), margins, room=room)
        for name, role in (("start", "other_start"), ("longer", "longer"), ("slower", "slower"))
    }
    found["certificate"] = nothing_certified(model, margins)
    after = _reopened(inputs, model)
    unit = 100 / cell["n_latent"]
    before = model.set_index("run")["used"] * unit
    found["reopened"] = reopened_latents_die(before, after * unit, margins, unit)
    alike = runs[
        (runs["n_latent"] == cell["n_latent"])
        & (runs["initial"] == cell["initial"])
        & (runs["data"] == model["data"].iloc[0])
        & (runs["layers"] == model["layers"].iloc[0])
        & (runs["model"] != cell["recipe"])
    ]
    others = {str(name): rows for name, rows in alike.groupby("model", sort=False)}
    found["known"] = nothing_better_known(model, others, margins, room=room)
    return {name: found[name] for name in CHECKS}


def _reopened(inputs: Inputs, model: pd.DataFrame) -> pd.Series:
    """Return the number of latents in use after a run was trained on, by run."""
    known, runs = inputs.grafts(), set(model["run"])
    return pd.Series({run: told["used"] for run, told in known.items() if run in runs}, dtype=float)


def _ends(runs: pd.DataFrame, level: float) -> Iterator[dict[str, object]]:
    for column, (quantity, split) in _ENDS.items():
        unit = "latents" if column == "used" else "nats"
        found = interval(runs[column], level)
        yield {
            "check": "end",
            "quantity": quantity,
            "split": split,
            "unit": unit,
            "with": runs["model"].iloc[0],
            "seeds": found.n,
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "side": "",
        }


def _evidence(name: str, check: list[Evidence]) -> Iterator[dict[str, object]]:
    if not check:
        yield {"check": name, "side": ""}
    for row in check:
        yield {
            "check": name,
            "quantity": row.quantity,
            "split": row.split,
            "unit": row.unit,
            "with": row.condition,
            "seeds": row.interval.n,
            "mean": row.interval.mean,
            "low": row.interval.low,
            "high": row.interval.high,
            "margin": row.margin,
            "side": _ON_SIDE[row.answer],
        }


def shown(table: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """Write one row a recipe and noise variance: its ends, and what each check says.

    Parameters
    ----------
    table
        As `tabulate` gives it.
    settings
        As there.
    """
    rows = []
    for (recipe, initial, n_latent, room), cell in table.groupby(_CELL, sort=False):
        ends = cell[cell["check"] == "end"]
        row = {
            "recipe": recipe,
            "sigma^2": number(initial),
            "k": n_latent,
            "room": "yes" if room else "no",
        }
        for quantity, split, title in (
            ("ELBO", "train", "train ELBO"),
            ("ELBO", "test", "test ELBO"),
            ("ELBO, q optimised", "test", "q optimised"),
            ("log p(x)", "test", "log p(x)"),
            ("used latents", "train", "used latents"),
        ):
            chosen = ends[(ends["quantity"] == quantity) & (ends["split"] == split)]
            row[title] = " / ".join(f"{mean:.1f}" for mean in chosen["mean"])
        for name in CHECKS:
            sides = set(cell.loc[cell["check"] == name, "side"].fillna(""))
            row[name] = _SIDES[next((s for s in ("beyond", "open", "within") if s in sides), "")]
        holds = all(row[name] == "yes" for name in CHECKS)
        # Without room no check has looked at the number of latents.
        row["said of"] = ("objective" if room else "objective, ELBO alone") if holds else "recipe"
        rows.append(row)
    return pd.DataFrame(rows)


def text(table: pd.DataFrame, inputs: Inputs, settings: Mapping) -> str:
    """Return the table as Markdown, with what it means."""
    title = "# Table 2. How training ends: the objective's doing, or the recipe's"
    if table.empty:
        return f"{title}\n\nData: {inputs.data_label()}. No run could be measured."
    margins = Margins.model_validate(settings["margins"])
    lines = [
        title,
        "",
        f"Data: {inputs.data_label()}. Means over seeds, in nats per image; after the slash from "
        f"the other start. The file .csv has their {margins.level:.0%} intervals.",
        "",
        "A number is said of the objective of these networks only where all checks hold. Each is "
        f"an equivalence test within {margins.elbo:g} nats of ELBO and {margins.latents:g} % of "
        f"the latents at epsilon = {', '.join(number(epsilon) for epsilon in THRESHOLDS)}, on "
        "train and on test. *yes*: all intervals lie within; "
        "*no*: one lies beyond; *open*: neither. Numbers of latents are judged where there is "
        "*room*: where the linear optimum leaves some of the k unused.",
        "",
        *(f"- *{name}*: {asked}" for name, asked in CHECKS.items()),
        "",
        shown(table, settings).to_markdown(index=False, disable_numparse=True),
        "",
    ]
    return "\n".join(lines)
