"""The page: what a study found, on one sheet that works without a network."""

import base64
import importlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import yaml
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from linvae.claims.catalogue import QUESTIONS
from linvae.digits import by_number
from linvae.files import DamagedFileError, read_json
from linvae.inputs import Inputs
from linvae.report.answers import answers
from linvae.report.captions import caption, short_name
from linvae.report.document import CHECKED, MAKERS
from linvae.report.earlier import compared
from linvae.report.evidence_table import open_rows, rows_of, shown
from linvae.report.forest import bars
from linvae.report.symbols import symbols

__all__ = ["page_text"]

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class _Figure:
    """A picture with all that the page says of it."""

    name: str
    short: str
    number: int
    title: str
    uri: Markup
    width: int
    height: int
    caption: Markup
    claims: list[int]


def page_text(inputs: Inputs, captions: str, template: str, settings: Mapping) -> str:
    """Render the page.

    Parameters
    ----------
    inputs
        ``study.json``, ``claims.json``, the data's provenance, ``metrics.json`` of every run, and,
        as far as the study has them, figures (``.png``) and tables (``.csv``).
    captions
        Text of the template of all captions.
    template
        Text of the page's own.
    settings
        ``cpu_seconds``, an estimate of what training all runs takes, and ``figures``: by name the
        ``question`` that each belongs to, and its ``title``; ``tables``: by name the ``title`` of
        each, and the ``settings`` that it was made with.

    Returns
    -------
    str
        HTML that asks for nothing from outside.
    """
    claims = read_json(_only(inputs, "claims.json"))
    by_id = {claim["id"]: claim for claim in claims}
    study = read_json(_only(inputs, "study.json"))
    figures = _by_question(inputs, captions, settings["figures"], claims)
    environment = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    environment.filters.update(symbols=symbols, slug=lambda text: text.replace(" ", "-"))
    return environment.from_string(template).render(
        study=study,
        configuration=yaml.safe_dump(study["configuration"], sort_keys=True, width=100),
        label=inputs.data_label(),
        faults=inputs.faults(),
        n_runs=len(inputs.files("metrics.json")),
        cpu_minutes=round(settings["cpu_seconds"] / 60),
        questions=QUESTIONS,
        answers=answers(by_id),
        claims=claims,
        claims_of_question={key: [c for c in claims if c["question"] == key] for key in QUESTIONS},
        shown_in={claim["id"]: _parts(claim["shown_in"]) for claim in claims},
        evidence={claim["id"]: _evidence(claim) for claim in claims},
        figures=figures,
        by_name={figure.short: figure for own in figures.values() for figure in own},
        tables=_tables(inputs, settings["tables"]),
        compared=compared(by_id),
        open_points=_open_points(claims),
        makers=MAKERS.replace("*", ""),
        checked=CHECKED,
        counts=_counts(claims),
    )


def _only(inputs: Inputs, name: str) -> str:
    (path,) = (path for path in inputs.paths if PurePosixPath(path).name == name)
    return path


def _evidence(claim: Mapping) -> dict[str, object]:
    """Return the rows of a claim with their pictures, and which columns hold anything."""
    rows = rows_of(claim)
    cells = [shown(row) for row in rows]
    filled = {
        name: any(getattr(cell, name) for cell in cells) for name in ("subject", "where", "against")
    }
    return {"rows": list(zip(cells, bars(rows), strict=True)), "filled": filled}


def _open_points(claims: Sequence[Mapping]) -> list[tuple[Mapping, list]]:
    """Return each inconclusive claim with the rows that keep it open."""
    return [(claim, open_rows(claim)) for claim in claims if claim["verdict"] == "inconclusive"]


def _parts(shown_in: Sequence[str]) -> list[tuple[str, str]]:
    """Anchors of the parts that show a claim, with their names."""
    return [(name, name.replace("fig", "figure ").replace("table", "table ")) for name in shown_in]


def _counts(claims: Sequence[Mapping]) -> dict[str, int]:
    names = ("supported", "not supported", "inconclusive")
    return {name: sum(claim["verdict"] == name for claim in claims) for name in names}


def _by_question(
    inputs: Inputs, captions: str, known: Mapping[str, Mapping], claims: Sequence[Mapping]
) -> dict[int, list[_Figure]]:
    paths = {PurePosixPath(path).stem: path for path in inputs.paths if path.endswith(".png")}
    figures: dict[int, list[_Figure]] = {key: [] for key in QUESTIONS}
    for name in sorted(paths, key=by_number):
        told = known[name]
        showing = [claim["id"] for claim in claims if short_name(name) in claim["shown_in"]]
        made = _figure(name, paths[name], told["title"], caption(captions, name), showing)
        figures[told["question"]].append(made)
    return figures


def _figure(name: str, path: str, title: str, words: Markup, showing: list[int]) -> _Figure:
    content = Path(path).read_bytes()
    if not content.startswith(_PNG):
        raise DamagedFileError(path, "it is not a PNG file")
    width, height = struct.unpack(">II", content[16:24])
    short = short_name(name)
    return _Figure(
        name,
        short,
        int(short.removeprefix("fig")),
        title,
        Markup("data:image/png;base64," + base64.b64encode(content).decode()),
        width,
        height,
        words,
        showing,
    )


def _tables(inputs: Inputs, known: Mapping[str, Mapping]) -> list[dict[str, object]]:
    """Return the tables that hold any row: titles and rows of text, and what is said of them."""
    found = []
    for path in inputs.paths:
        name = PurePosixPath(path).stem
        if path.endswith(".csv") and name in known and not (table := _read(path)).empty:
            told = known[name]
            module = importlib.import_module(f"linvae.tables.{told['settings']['module']}")
            cells = module.shown(table, told["settings"])
            rows = [[_minus(str(cell)) for cell in row] for row in cells.to_numpy().tolist()]
            short = short_name(name)
            found.append(
                {
                    "name": name,
                    "short": short,
                    "number": int(short.removeprefix("table")),
                    "title": told["title"],
                    "note": module.NOTE,
                    "titles": list(cells.columns),
                    "rows": rows,
                }
            )
    return sorted(found, key=lambda table: table["number"])


def _read(path: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def _minus(cell: str) -> str:
    return cell.replace("-", "−") if cell[:1] == "-" and cell != "-" else cell
