"""Data as users hand them over, at every public boundary of `linvae.diagnose`: taken, or refused.

Nothing here imports torch: where it is not imported yet, nothing that is given is of it.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from linvae.arrays import unmasked
from linvae.diagnose.blocks import blocks

__all__ = ["FEWEST", "as_rows", "check_varied"]

# Fewer cannot be halved twice for a held-out verdict.
FEWEST = 8
# Of the mean square of data: a variance that is smaller is their rounding.
_ROUNDING = 1e-24
_MENDS = {
    "c": "complex numbers; give real and imaginary part as features, or one of them",
    "O": "Python objects; make numbers of them, as .astype(float) does",
    "U": "text; read it as numbers first",
    "S": "bytes of text; read them as numbers first",
}


def as_rows(
    data: object, name: str, shape: tuple[int, ...] | None = None, *, fewest: int = FEWEST
) -> NDArray:
    """Return data of shape (n, ...) as a NumPy array (n, d), without a copy where that can be.

    Parameters
    ----------
    data
        Whatever holds real numbers: an array, a tensor of any device, a table, nested lists. What
        is true or false becomes 1 or 0.
    name
        Of the argument, for messages.
    shape
        That each datum must have.
    fewest
        Number of data that are needed.

    Raises
    ------
    ValueError
        In one line, if there are fewer data, their shape is not (n, ...) or not that of others, or
        they are masked, sparse, no real numbers, or not all finite.
    """
    array = _array(data, name)
    if array.ndim == 0:
        msg = f"{name} is a {type(data).__name__}; an array or tensor (n, ...) is needed"
        raise ValueError(msg)
    if array.dtype.kind not in "biuf":
        told = _MENDS.get(array.dtype.kind, f"{array.dtype}; make numbers of it")
        msg = f"{name} is no array of real numbers: it holds {told}"
        raise ValueError(msg)
    if array.size == 0:
        msg = f"{name} is of shape {array.shape}: the numbers of data and features must be positive"
        raise ValueError(msg)
    if array.ndim < 2:
        msg = (
            f"{name} is of shape {array.shape}; (n, ...) is needed: of one feature, reshape(-1, 1)"
        )
        raise ValueError(msg)
    if len(array) < fewest:
        msg = (
            f"{name} is of shape {array.shape} and {array.dtype}; (n, ...) numbers are needed, of"
            f" n >= {fewest} data"
        )
        raise ValueError(msg)
    if shape is not None and array.shape[1:] != shape:
        msg = f"{name} is of shape {array.shape[1:]} a datum, where data is of {shape}"
        raise ValueError(msg)
    rows = _plain(array.reshape(len(array), -1))
    for at, block in blocks(rows):
        bad = ~np.isfinite(block).all(1)
        if bad.any():
            msg = f"{name} holds a value that is not finite (row {at.start + int(bad.argmax())})"
            raise ValueError(msg)
    return rows


def check_varied(rows: NDArray) -> None:
    """Raise ValueError if all data (n, d) are the same, but for rounding: there is no diagnosis."""
    mean = rows.mean(0, dtype=np.float64)
    variance = sum(float(np.square(part - mean).sum()) for _, part in blocks(rows)) / len(rows)
    if variance <= _ROUNDING * float(np.square(mean).sum()):
        msg = (
            "data are the same in every row: there is nothing to encode, and total collapse is the"
            " optimum of every VAE; a diagnosis needs data that differ"
        )
        raise ValueError(msg)


def _array(data: object, name: str) -> NDArray:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(
        data, torch.utils.data.Dataset | torch.utils.data.DataLoader
    ):
        msg = (
            f"{name} is a {type(data).__name__}; an array or tensor (n, ...) of the data alone"
            " is needed, as torch.stack([x for x, _ in dataset]) makes of pairs with labels"
        )
        raise ValueError(msg)
    return unmasked(name, data)


def _plain(rows: NDArray) -> NDArray:
    """Return rows as torch takes them."""
    if rows.dtype == bool:
        rows = rows.astype(np.uint8)
    if rows.dtype.kind == "f" and rows.dtype.itemsize > 8:
        rows = rows.astype(np.float64)
    if min(rows.strides) < 0 or not rows.dtype.isnative:
        # It takes neither images that are flipped in place nor foreign byte orders.
        rows = np.ascontiguousarray(rows, rows.dtype.newbyteorder("="))
    return rows
