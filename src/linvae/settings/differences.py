"""In which settings two models differ."""

from collections.abc import Mapping

from linvae.settings.model import ModelSettings

__all__ = ["differences"]


def differences(one: ModelSettings, other: ModelSettings) -> dict[str, tuple[object, object]]:
    """Return the settings in which two models differ, by dotted name, with both values.

    How the job is run (``job``) is no part of the model and left out.
    """
    first, second = (_flat(model.model_dump(exclude={"job"})) for model in (one, other))
    return {
        name: (first.get(name), second.get(name))
        for name in {**first, **second}
        if first.get(name) != second.get(name)
    }


def _flat(told: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in told.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": inner for key, inner in _flat(value).items()}
        else:
            found[name] = value
    return found
