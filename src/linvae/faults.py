"""Runs that ended, but cannot be measured: their files say why, and readers leave them out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from linvae.files import write_arrays, write_json

__all__ = ["KEY", "fault_of", "usable", "write_fault"]

# Of the metrics, and of the arrays, of such a run.
KEY = "fault"


def fault_of(values: Mapping[str, ArrayLike]) -> str:
    """Return which of the values of a run are not finite, in a few words; nothing if all are.

    Parameters
    ----------
    values
        Arrays of one value, or row of values, an image, by what they are.
    """
    told = []
    for name, array in values.items():
        rows = np.isfinite(np.atleast_1d(array))
        bad = np.count_nonzero(~rows.all(axis=tuple(range(1, rows.ndim))))
        if bad:
            told.append(
                f"{name} not finite" + (f" ({bad} of {len(rows)})" if len(rows) > 1 else "")
            )
    return ", ".join(told)


def usable(metrics: Mapping[str, object]) -> dict[str, object]:
    """Return metrics of which all are finite, as JSON can hold them, or what is wrong with them."""
    numbers = {name: value for name, value in metrics.items() if isinstance(value, float)}
    fault = fault_of(numbers)
    return {KEY: fault} if fault else dict(metrics)


def write_fault(fault: str, metrics_file: str | Path, *array_files: str | Path) -> None:
    """Write what is wrong with a run in place of its metrics and arrays."""
    for path in array_files:
        write_arrays(path, **{KEY: np.array(fault)})
    write_json(metrics_file, {KEY: fault})
