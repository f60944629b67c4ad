"""How results show themselves: by the shapes of their arrays, on one line."""

from dataclasses import fields, is_dataclass

import numpy as np

__all__ = ["short_repr"]

_LONGEST = 60
_MOST_ITEMS = 6


def short_repr(result: object) -> str:
    """Return a dataclass as it is written, with types and shapes in place of what is long.

    To be a class's ``__repr__``. A notebook that shows a result by name would print its arrays.
    """
    told = (f"{field.name}={_value(getattr(result, field.name))}" for field in fields(result))
    return f"{type(result).__name__}({', '.join(told)})"


def _value(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"<{value.dtype} {value.shape}>"
    if isinstance(value, float):
        return f"{value:.6g}"
    if is_dataclass(value):
        return f"{type(value).__name__}(...)"
    if isinstance(value, list | tuple) and len(value) > _MOST_ITEMS:
        return f"<{type(value).__name__} of {len(value)}>"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."
