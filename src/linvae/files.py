"""Files of results: JSON, text, tables and arrays, written whole and checked when they are read."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linvae.jobs.atomic import replacing

if TYPE_CHECKING:  # pandas takes half a second to import, and is not called here
    import pandas as pd

__all__ = [
    "DamagedFileError",
    "read_arrays",
    "read_json",
    "read_last",
    "write_arrays",
    "write_csv",
    "write_json",
    "write_text",
]


class DamagedFileError(ValueError):
    """A file does not hold what was written to it; the message names it and says what to do."""

    def __init__(self, path: str | Path, reason: object) -> None:
        super().__init__(f"{path} is damaged ({reason}); delete it and run again")
        self.reason = reason


def write_json(path: str | Path, content: Mapping[str, object] | list[object]) -> None:
    """Write JSON with sorted keys and full precision; a non-finite number is an error."""
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | Path) -> dict:
    """Read a JSON file.

    Raises
    ------
    DamagedFileError
        If the file is damaged.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError(path, error) from error


def write_text(path: str | Path, text: str) -> None:
    """Write text that ends with one newline."""
    with replacing(path) as temporary:
        temporary.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table without its index, numbers in full precision."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_last(path: str | Path, column: str) -> float:
    """Read the last number of a column of a table.

    Raises
    ------
    DamagedFileError
        If there is no such column or number.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return float(list(csv.DictReader(file))[-1][column])
    except (LookupError, TypeError, ValueError, csv.Error) as error:
        raise DamagedFileError(path, f"no number ends its column {column!r}") from error


def write_arrays(path: str | Path, **arrays: np.ndarray) -> None:
    """Write arrays to an uncompressed ``.npz``, whose bytes depend on the arrays alone."""
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all arrays of a ``.npz`` without unpickling anything.

    Raises
    ------
    DamagedFileError
        If the file is damaged.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise
    except Exception as error:  # numpy and zipfile raise many kinds for damaged archives
        raise DamagedFileError(path, error) from error
