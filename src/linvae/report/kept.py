"""What is kept of a finished study beside the code, so that what is quoted of it can be checked."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linvae.files import read_json
from linvae.noise import number

__all__ = ["kept"]

# Of a float: more than anything that quotes it shows, and less than what another platform changes.
DIGITS = 8
_OF_A_CLAIM = ("claim", "verdict", "verdicts", "numbers")


def kept(folder: Path) -> dict[str, object]:
    """Return claims with their numbers, table 1 and where they come from, as JSON holds them.

    Parameters
    ----------
    folder
        ``results/<study>``.

    Returns
    -------
    dict
        ``study``, ``data``, ``code``, ``versions``, ``claims`` by number, and ``table1`` by
        ``<recipe> <fixed or learned> <sigma^2>``, whose ELBOs are in nats per datum.

    Raises
    ------
    FileNotFoundError
        If it is no folder of a finished study.
    """
    study = read_json(folder / "study.json")
    claims = {
        str(claim["id"]): {name: claim[name] for name in _OF_A_CLAIM if name in claim}
        for claim in read_json(folder / "claims.json")
    }
    table = folder / "tables" / "table1_sigma.csv"
    rows = pd.read_csv(table).to_dict("records") if table.is_file() else []
    told = {name: study[name] for name in ("data", "code", "versions")}
    return _rounded(
        {
            "study": study["name"],
            **told,
            "claims": claims,
            "table1": {_cell(row): row for row in rows},
        }
    )


def _cell(row: Mapping) -> str:
    return f"{row['model']} {row['kind']} {number(row['initial'])}"


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if value == value else None
    return value
