"""Data in blocks of rows that are as much as memory should hold in double precision."""

from collections.abc import Iterator

from numpy.typing import NDArray

__all__ = ["blocks"]

_ROWS = 2048
# 16 MiB in double precision: 2,048 rows of 1,024 features.
_VALUES = 2**21


def blocks(data: NDArray) -> Iterator[tuple[slice, NDArray]]:
    """Yield slices of rows, and the rows: of more features fewer of them.

    Parameters
    ----------
    data
        Shape (n, d).
    """
    n_rows = max(1, min(_ROWS, _VALUES // data.shape[1]))
    for start in range(0, len(data), n_rows):
        rows = slice(start, start + n_rows)
        yield rows, data[rows]
