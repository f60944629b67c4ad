"""What is kept of a finished study beside the code, so that what is quoted of it can be checked.

A folder with the files that `linvae.report.finished` reads, under the names that they have in
``results/<study>/``, and ``deep_runs.csv``, with a row for each deep VAE.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.files import read_json, write_csv, write_json
from linvae.noise import number
from linvae.report.deep_runs import DEEP_RUNS
from linvae.report.finished import (
    COLLAPSE,
    ENDINGS,
    RECIPES,
    RESIDUAL,
    SETTINGS,
    FinishedStudy,
)
from linvae.tables.paired import paired_table

__all__ = ["keep", "quotable"]

# Of a float: enough that differences of ELBOs show the same digits as those of the study itself.
DIGITS = 12
_OF_A_CLAIM = ("id", "claim", "verdict", "verdicts", "sentence", "rows", "numbers")


def keep(folder: Path, to: Path) -> Path:
    """Copy what documents quote of a study, rounded, with nothing that names a place on a disk.

    Of figure 15 the first rank is kept.

    Parameters
    ----------
    folder
        ``results/<study>``.
    to
        Folder to write ``<study>/`` in.

    Returns
    -------
    Path
        The folder written.

    Raises
    ------
    FileNotFoundError
        If it is no folder of a finished study, or the metrics of its runs do not lie beside it.
    """
    found = FinishedStudy.read(folder)
    if found.recipes is not None and found.runs is None:
        msg = f"{folder / 'runs.csv'} names metrics that do not lie beside the study"
        raise FileNotFoundError(msg)
    study = read_json(folder / "study.json")
    study["data"] = {name: value for name, value in study["data"].items() if name != "location"}
    own = to / found.name
    write_json(own / "study.json", _rounded(study))
    claims = [
        {name: claim[name] for name in _OF_A_CLAIM if name in claim}
        for claim in found.claims.values()
    ]
    write_json(own / "claims.json", _rounded(claims))
    residual = found.residual
    tables = {
        COLLAPSE: found.collapse,
        RESIDUAL: None if residual is None else residual[residual["rank"] == 1],
        RECIPES: found.recipes,
        ENDINGS: found.endings,
        SETTINGS: found.settings,
        DEEP_RUNS: found.runs,
    }
    for name, table in tables.items():
        (own / name).unlink(missing_ok=True)
        if table is not None:
            write_csv(own / name, table.map(_rounded))
    return own


def quotable(folder: Path) -> dict[str, object]:
    """Return what expressions in ``docs/runs/quoted.yaml`` know of a study.

    Parameters
    ----------
    folder
        As `keep` wrote it.

    Returns
    -------
    dict
        ``claims`` by number; ``theory``, the number of latents that the linear optimum uses, by
        sigma^2; ``table1`` by ``<recipe> <fixed or learned> <sigma^2>``; ``cells``,
        means over seeds of ``deep_runs.csv``, by ``<model> <fixed or learned> <sigma^2>, k = <k>,
        <data>``; ``paired`` (`linvae.tables.paired`) by ``<recipe> less <recipe>, <sigma^2>, k =
        <k>, <data>``.
        ELBOs are in nats per datum. ``endings``, rows of table 2 by ``<recipe> <sigma^2>, k = <k>:
        <check or end>, <quantity>, <split>, <with>``; ``settings``, rows of table 3 by
        ``<recipe>, <noise>``.
    """
    found = FinishedStudy.read(folder)
    rows = [] if found.recipes is None else found.recipes.to_dict("records")
    told: dict[str, object] = {
        "claims": {str(number): claim for number, claim in found.claims.items()},
        "table1": {f"{row['model']} {row['kind']} {number(row['initial'])}": row for row in rows},
        "theory": {number(v): used for v, used in found.used_by_theory().items()},
    }
    if found.runs is not None:
        told["cells"] = _cells(found.runs)
        told["paired"] = {
            f"{row['recipe']} less {row['less']}, {_place(row)}": row
            for row in paired_table(found.runs).to_dict("records")
        }
    if found.endings is not None:
        told["endings"] = {_end(row): row for row in found.endings.to_dict("records")}
    if found.settings is not None:
        rows = found.settings.to_dict("records")
        told["settings"] = {f"{row['recipe']}, {row['noise']}": row for row in rows}
    return told


def _end(row: Mapping) -> str:
    cell = f"{row['recipe']} {number(row['initial'])}, k = {row['n_latent']}"
    named = (row["check"], row["quantity"], row["split"], row["with"])
    return f"{cell}: {', '.join(part for part in named if isinstance(part, str))}"


def _cells(runs: pd.DataFrame) -> dict[str, dict]:
    keys = ["model", "kind", "initial", "n_latent", "data"]
    means = runs.groupby(keys, sort=False).mean(numeric_only=True).reset_index()
    return {f"{row['model']} {row['kind']} {_place(row)}": row for row in means.to_dict("records")}


def _place(row: Mapping) -> str:
    return f"{number(row['initial'])}, k = {row['n_latent']}, {row['data']}"


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if value == value else None
    return value
