"""Every key of the configuration in tables: made from the schema, hence from the models."""

import json
from collections.abc import Iterator, Mapping

from linvae.config.schema import schema

__all__ = ["reference"]

_HEAD = """\
# The keys of the configuration

Made by `make schema` from the models that validate `config.yaml`, as is `config/schema.json`, by
which an editor completes and checks these files: their first line names it. An overlay holds the
keys that it changes. A default here holds where `config.yaml` does not have the key either.

A key with `[]` is of each entry of a list.
"""
_COLUMNS = "| key | value | default | meaning |\n|---|---|---|---|"
_BOUNDS = {
    "exclusiveMinimum": ">",
    "minimum": "at least",
    "exclusiveMaximum": "<",
    "maximum": "at most",
}


def reference() -> str:
    """Return the text of `docs/configuration.md`."""
    whole = schema(partial=False)
    definitions, top = whole["$defs"], whole["properties"]
    plain = {key: node for key, node in top.items() if _section(node, definitions) is None}
    parts = [_HEAD, _table(_rows(plain, whole.get("required", ()), definitions))]
    for key, node in top.items():
        section = _section(node, definitions)
        if section is None:
            continue
        nested = {
            name: part
            for name, part in section["properties"].items()
            if key == "study" and _section(part, definitions)
        }
        parts.append(f"## `{key}{'.<name>' if 'type' in node else ''}`\n\n{_sentence(node)}")
        if nested:
            parts += [_study_part(name, part, definitions) for name, part in nested.items()]
        else:
            rows = _rows(section["properties"], section.get("required", ()), definitions)
            parts.append(_table(rows))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _study_part(name: str, node: Mapping, definitions: Mapping) -> str:
    section = _section(node, definitions)
    head = (
        f"### `study.{name}`\n\n{section['description'].splitlines()[0]} For {node['description']}."
    )
    rows = _rows(section["properties"], section.get("required", ()), definitions)
    return f"{head}\n\n{_table(rows)}"


def _rows(
    properties: Mapping, required: tuple[str, ...], definitions: Mapping, prefix: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    """Give key, value, default and meaning of each key, those of parts by their path."""
    for key, node in properties.items():
        listed = node.get("type") == "array"
        inner = _section(node.get("items", {}) if listed else node, definitions)
        path = f"{prefix}{key}{'[]' if listed and inner else ''}"
        if inner is None or listed:
            default = "required" if key in required else _json(node.get("default"))
            meaning = node.get("description", "").replace("<", "&lt;")
            yield f"`{path}`", _value(node, definitions), default, meaning
        if inner is not None:
            yield from _rows(
                inner["properties"], inner.get("required", ()), definitions, f"{path}."
            )


def _section(node: Mapping, definitions: Mapping) -> Mapping | None:
    """Return the section that a key holds, by itself, by name or unless it is null; or None."""
    options = [node, *node.get("anyOf", ()), *node.get("patternProperties", {}).values()]
    extra = node.get("additionalProperties")
    options += [extra] if isinstance(extra, Mapping) else []
    names = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    return definitions[names[0]] if names else None


def _value(node: Mapping, definitions: Mapping) -> str:
    """Say which values a key takes."""
    if "anyOf" in node:
        rest = {key: value for key, value in node.items() if key in _BOUNDS}
        return " or ".join(_value({**rest, **option}, definitions) for option in node["anyOf"])
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if "$ref" in node:
        return "keys below"
    if node.get("type") == "array":
        if "prefixItems" in node:
            return f"[{', '.join(_value(item, definitions) for item in node['prefixItems'])}]"
        return f"list of {_value(node['items'], definitions)}"
    kind = {"string": "text", "integer": "whole number", "boolean": "`true`, `false`"}
    told = kind.get(node.get("type"), node.get("type", ""))
    if node.get("type") == "null":
        return "`null`"
    bounds = [f"{word} {_json(node[key])}" for key, word in _BOUNDS.items() if key in node]
    return " ".join([told, *([", ".join(bounds)] if bounds else [])])


def _table(rows: Iterator[tuple[str, str, str, str]]) -> str:
    cells = ("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows)
    return "\n".join([_COLUMNS, *cells])


def _json(value: object) -> str:
    return "`null`" if value is None else f"`{json.dumps(value)}`"


def _sentence(node: Mapping) -> str:
    text = node.get("description", "")
    return f"{text[:1].upper()}{text[1:]}."
