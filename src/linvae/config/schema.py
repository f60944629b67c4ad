"""The JSON schema of configuration files, for editors: made from the models that validate them.

What spans several keys (a model that is not there, k beyond the number of images) no schema says;
`linvae.config.configuration` does, before anything is planned.
"""

import json
from collections.abc import Mapping

from linvae.config.configuration import StudyConfig
from linvae.naming import MODEL_PATTERN
from linvae.study.figures import FIGURES

__all__ = ["schema", "schema_text"]

# A constraint of a value that a function looks at first keeps pydantic's own name for it.
_KEYWORDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
_EXTENDS = {
    "type": "string",
    "pattern": f"^{MODEL_PATTERN}$",
    "description": "name of the model whose settings are the base of this one's",
}


def schema(*, partial: bool = True) -> dict[str, object]:
    """Return the schema (draft 2020-12) of `config.yaml` and of overlays.

    Parameters
    ----------
    partial
        Whether keys may be left out, as in an overlay, which changes single ones, and in a model
        that extends another. Otherwise ``required`` lists what the whole configuration must have.
    """
    found = _adapted(StudyConfig.model_json_schema(), partial=partial)
    definitions = found["$defs"]
    model = definitions["ModelSettings"]
    model["properties"] = {"extends": dict(_EXTENDS), **model["properties"]}
    found["properties"]["models"]["additionalProperties"] = False
    found["properties"]["figures"]["propertyNames"] = {"enum": list(FIGURES)}
    if partial:
        found["properties"]["models"].pop("minProperties")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of linvae: config.yaml, and overlays that change keys of it",
        **found,
    }


def schema_text() -> str:
    """Return the text of `config/schema.json`."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _adapted(node: Mapping, *, partial: bool) -> dict[str, object]:
    """Return a schema without what is said elsewhere, in the words of the standard."""
    found: dict[str, object] = {}
    for key, value in node.items():
        if key == "title" or (key == "required" and partial):
            continue
        # A section's default are the defaults of its keys, and null is in the type.
        if key == "default" and (value is None or isinstance(value, Mapping)):
            continue
        if key in ("properties", "patternProperties", "$defs"):
            found[key] = {name: _adapted(part, partial=partial) for name, part in value.items()}
        elif isinstance(value, Mapping):
            found[key] = _adapted(value, partial=partial)
        elif key in ("anyOf", "prefixItems"):
            found[key] = [_adapted(part, partial=partial) for part in value]
        elif key == "minLength" and node.get("type") == "array":
            found["minItems"] = value
        else:
            found[_KEYWORDS.get(key, key)] = value
    return found
