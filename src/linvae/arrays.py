"""What callers hand over, as the library computes with it: real, finite, in double precision.

Whatever holds numbers is taken: lists, tables, tensors (of any device, with or without a gradient),
single or half precision. What would be changed on the way is refused instead: the values behind a
mask, the imaginary part of complex numbers, text that reads as a number, True as the number 1.
"""

import math
import operator
import sys

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["matrix", "number", "positive", "real", "rows", "unmasked", "whole"]

_REAL_KINDS = "biuf"
# Lists in lists that are searched for masked rows.
_DEPTH = 4
# Whole numbers up to it are float64 numbers.
_EXACT = 2**53


def real(name: str, values: ArrayLike, *, finite: bool = True) -> NDArray[np.float64]:
    """Return values as a float64 array of the same shape; one that is float64 is not copied.

    Parameters
    ----------
    name
        Of the argument, for the message.
    values
        Anything that `numpy.asarray` takes, or a tensor.
    finite
        Whether they must be.

    Raises
    ------
    ValueError
        If they are masked, complex, no numbers, or not finite where they must be.
    """
    array = unmasked(name, values)
    if array.dtype.kind not in _REAL_KINDS:
        message = f"{name} holds {array.dtype} values; real numbers are needed."
        if array.dtype.kind != "O":
            raise ValueError(message)
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(message) from error
    if array.dtype.kind in "iu" and array.size and _largest(array) > _EXACT:
        message = (
            f"{name} holds {_largest(array)}, beyond 2^53, where float64 has no odd numbers;"
            " subtract an offset first."
        )
        raise ValueError(message)
    array = array.astype(np.float64, copy=False)
    if finite and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        where = f" (first in row {bad[0]})" if bad.size else ""
        message = f"{name} holds a value that is not finite{where}."
        raise ValueError(message)
    return array


def _largest(array: NDArray[np.integer]) -> int:
    return max(abs(int(array.min())), abs(int(array.max())))


def matrix(name: str, values: ArrayLike, n_columns: int | None = None) -> NDArray[np.float64]:
    """Do the same for a matrix, of a given number of columns.

    Raises
    ------
    ValueError
        As `real`, or if the shape is another.
    """
    array = real(name, values)
    if array.ndim != 2 or n_columns not in (None, array.shape[1]):
        columns = "d" if n_columns is None else n_columns
        message = f"{name} has shape {array.shape}; (n, {columns}) is needed."
        raise ValueError(message)
    return array


def rows(name: str, values: ArrayLike) -> NDArray[np.floating]:
    """Return a finite matrix (n, d) in the precision that it has, single or double.

    Raises
    ------
    ValueError
        If it is masked, sparse, no matrix of real numbers, empty, or not finite.
    """
    array = unmasked(name, values)
    if array.dtype.kind in "iub" or array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if array.dtype == np.float16:
        # Products of half precision leave its range.
        array = array.astype(np.float32)
    if array.dtype.kind != "f" or array.ndim != 2 or 0 in array.shape:
        message = f"{name} is {array.dtype} of shape {array.shape}; (n, d) real numbers are needed."
        raise ValueError(message)
    if not np.isfinite(array).all():
        message = f"{name} holds a value that is not finite."
        raise ValueError(message)
    return array


def number(name: str, value: object) -> float:
    """Return one real, finite number; an array or tensor may hold it alone.

    Raises
    ------
    ValueError
        If it is anything else; True is no number.
    """
    if type(value) not in (float, int):
        found = unmasked(name, value)
        if found.size != 1 or found.dtype.kind == "b":
            message = f"{name}={value!r} must be a single number."
            raise ValueError(message)
        value = real(name, value).item()
    if not math.isfinite(value):
        message = f"{name}={value!r} must be finite."
        raise ValueError(message)
    return float(value)


def positive(name: str, value: object) -> float:
    """Return one positive, finite number.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    found = number(name, value) if type(value) is not float else value
    if not 0.0 < found < math.inf:
        message = f"{name}={value!r} must be a positive finite number."
        raise ValueError(message)
    return found


def whole(name: str, value: object) -> int:
    """Return a whole number of any integer type.

    Raises
    ------
    ValueError
        If it is of another type: neither 3.0 nor True is taken for a count.
    """
    try:
        if not isinstance(value, bool | np.bool_):
            return operator.index(value)
    except TypeError:
        pass
    message = f"{name}={value!r} must be a whole number (int)."
    raise ValueError(message)


def unmasked(name: str, values: ArrayLike) -> NDArray:
    """Return values as an array of their own type, of any shape.

    Raises
    ------
    ValueError
        If an entry is masked, values are sparse, nested, quantized or nowhere, or rows differ in
        length.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        return _of_tensor(values, name)
    if hasattr(values, "nnz"):
        for mend in ("toarray", "todense"):
            # A table may have columns of these names.
            if callable(getattr(values, mend, None)):
                raise ValueError(_sparse(name, type(values).__name__, mend))
    if np.ma.is_masked(values):
        message = (
            f"{name} has {np.ma.count_masked(values)} masked entries; fill them or leave their "
            "rows out first."
        )
        raise ValueError(message)
    if isinstance(values, list | tuple) and _holds_masked(values, _DEPTH):
        message = f"{name} holds rows with masked entries; fill them or leave those rows out first."
        raise ValueError(message)
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        message = f"{name} is no array of numbers ({' '.join(str(error).split())})."
        raise ValueError(message) from error


def _of_tensor(data: object, name: str) -> NDArray:
    torch = sys.modules["torch"]

    told = ""
    if hasattr(data, "get_mask"):
        told = f"{name} is a masked tensor; fill it or leave its masked rows out first"
    elif data.is_nested:
        told = f"{name} is a nested tensor; data of one shape are needed"
    elif data.is_quantized:
        told = f"{name} is a quantized tensor; say {name}.dequantize()"
    elif data.layout != torch.strided:
        told = _sparse(name, str(data.layout), "to_dense")
    elif data.is_meta:
        told = f"{name} is a tensor on device meta, without values"
    if told:
        raise ValueError(told)
    data = data.detach().cpu().resolve_conj().resolve_neg()
    if data.is_floating_point() and data.dtype not in (torch.float16, torch.float32, torch.float64):
        # NumPy has neither bfloat16 nor floats of 8 bits.
        data = data.float()
    return data.numpy()


def _sparse(name: str, kind: str, mend: str) -> str:
    return f"{name} is sparse ({kind}); a dense array is needed: say {name}.{mend}()"


def _holds_masked(data: object, depth: int) -> bool:
    """Whether some entry is masked: of an array, or of one that a list holds."""
    if isinstance(data, np.ma.MaskedArray):
        return bool(np.ma.is_masked(data))
    nested = isinstance(data, list | tuple) and depth > 0
    return nested and any(_holds_masked(part, depth - 1) for part in data)
