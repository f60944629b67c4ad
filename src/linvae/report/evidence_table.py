"""Rows of evidence as a table: the cells that page and Markdown show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from linvae.claims.evidence import Evidence
from linvae.digits import short

__all__ = ["Shown", "main_lines", "markdown", "open_rows", "rows_of", "shown"]

_SAYS = {"yes": "yes", "no": "no", "undecided": "open", None: "-"}


@dataclass(frozen=True)
class Shown:
    """The cells of one row.

    Attributes
    ----------
    subject, where, quantity
    measured
        Mean and interval, with the unit.
    against
        What it is held against.
    says
        ``yes``, ``no`` or ``open``; ``-`` of a row that is only reported.
    settles
    """

    subject: str
    where: str
    quantity: str
    measured: str
    against: str
    says: str
    settles: str


def rows_of(claim: Mapping) -> list[Evidence]:
    """Return the rows of an object of ``claims.json``; none of one that was kept without."""
    return [Evidence.from_dict(row) for row in claim.get("rows", ())]


def shown(row: Evidence) -> Shown:
    """Write one row."""
    return Shown(
        row.subject,
        ", ".join(filter(None, (row.condition, row.split))),
        row.quantity,
        f"{row.interval} {row.unit}".strip(),
        _against(row),
        _SAYS[row.answer],
        row.settles,
    )


def _against(row: Evidence) -> str:
    """Write what a row is held against; nothing of one that is only reported."""
    if row.answer is None and row.margin is None:
        return ""
    reference = short(row.reference)
    if row.margin is None:
        return reference
    return f"± {short(row.margin)}" if row.reference == 0 else f"{reference} ± {short(row.margin)}"


def markdown(rows: Sequence[Evidence]) -> str:
    """Write rows as a table in Markdown; a column that is empty throughout is left out."""
    cells = pd.DataFrame([shown(row) for row in rows]).drop(columns=["settles"])
    cells = cells.loc[:, (cells != "").any()].rename(columns={"subject": "of"})
    cells = cells.map(lambda cell: cell.replace("|", "\\|"))
    return cells.to_markdown(index=False, disable_numparse=True)


def main_lines(rows: Iterable[Evidence]) -> list[tuple[str, str]]:
    """Return what the main rows are of, and what was measured, as a line each."""
    lines = []
    for row in rows:
        if row.main:
            cells = shown(row)
            named = filter(None, (cells.quantity, cells.subject, cells.where))
            lines.append((", ".join(named), cells.measured))
    return lines


def open_rows(claim: Mapping) -> list[Shown]:
    """Return the rows that keep a claim open, of subjects without a verdict of their own."""
    verdicts = claim.get("verdicts", {})
    return [
        shown(row)
        for row in rows_of(claim)
        if row.answer == "undecided" and verdicts.get(row.subject, "inconclusive") == "inconclusive"
    ]
