"""How a mistake in the configuration is reported: one line with path, finding and nearest name."""

import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel

__all__ = ["ConfigError", "brief", "error_lines", "nearest", "plain"]


# What YAML would have read as something else than a text, had it been written plainly.
_NOT_TEXT = re.compile(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?|true|false|null", re.IGNORECASE)
_TEXT = (
    ", a text: write it without quotes; what --config holds in brackets arrives as text, so give "
    "it in an overlay (--configfile my.yaml)"
)


class ConfigError(ValueError):
    """The configuration is not valid; the message lists every problem, one a line."""


def error_lines(root: type[BaseModel], details: Iterable[Mapping]) -> list[str]:
    """Put each problem that pydantic found into one line: where, what was found, what is allowed.

    Parameters
    ----------
    root
        Model of the whole configuration.
    details
        The `errors()` of a `ValidationError`.
    """
    details = list(details)
    paths = {detail["loc"] for detail in details}
    # A list whose items are wrong counts as too short as well: that says nothing new.
    told = [
        detail
        for detail in details
        if detail["type"] != "too_short"
        or not any(path[: len(detail["loc"])] == detail["loc"] for path in paths - {detail["loc"]})
    ]
    return list(dict.fromkeys(line for detail in told for line in _lines(root, detail)))


def _lines(root: type[BaseModel], detail: Mapping) -> list[str]:
    path, found = detail["loc"], detail["input"]
    where = ".".join(plain(part) for part in path if part != "[key]") or "configuration"
    if detail["type"] == "extra_forbidden":
        allowed = _keys(root, path[:-1])
        hint = nearest(str(path[-1]), allowed)
        return [f"{where}: unknown key{hint}; allowed: {', '.join(allowed)}"]
    if detail["type"] == "missing":
        return [f"{where}: this key is required"]
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "too_short":
        message = "give at least one"
    if not path:  # checks of the whole configuration name the keys themselves
        return message.splitlines()
    if detail["type"] == "tuple_type":
        message = "give a list in brackets"
    if isinstance(found, Mapping | list | tuple | BaseModel):
        return [f"{where}: {message}"]
    hint = ""
    if detail["type"] == "literal_error":
        hint = nearest(str(found), typing.get_args(_annotation(root, path)))
    if isinstance(found, str) and ("number" in message or detail["type"] == "model_type"):
        hint = _TEXT if _NOT_TEXT.fullmatch(found) else ""
    message = message.replace(repr(found), brief(found))
    return [f"{where}: {message} (found {brief(found)}){hint}"]


def brief(value: object) -> str:
    """Return a value as Python writes it, cut to what fits into a line."""
    text = repr(value)
    return text if len(text) < 80 else f"{text[:76]} ..."


def plain(part: object) -> str:
    """Part of a path; one that would break the line is quoted, and cut."""
    return str(part) if str(part).isprintable() and len(str(part)) < 80 else brief(part)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return a hint at the allowed name that resembles `name`, or nothing."""
    lowered = {str(item).lower(): str(item) for item in allowed}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    return f", did you mean {lowered[close[0]]!r}?" if close else ""


def _keys(root: type[BaseModel], path: tuple) -> list[str]:
    section = _annotation(root, path)
    return list(section.model_fields) if hasattr(section, "model_fields") else []


def _annotation(root: type[BaseModel], path: tuple) -> object:
    """Type that the configuration declares at a path; `object` where it declares none."""
    current: object = root
    for part in path:
        current = _unwrapped(current)
        if isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(str(part))
            current = field.annotation if field else object
        elif typing.get_origin(current) is dict:
            current = typing.get_args(current)[1]
        elif typing.get_origin(current) is tuple:
            current = typing.get_args(current)[0]
        else:
            return object
    return _unwrapped(current)


def _unwrapped(annotation: object) -> object:
    """Drop `Annotated[...]` and `... | None`."""
    while True:
        if typing.get_origin(annotation) is Annotated:
            annotation = typing.get_args(annotation)[0]
        elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation
