"""Recipes apart from their size: models that differ in start and hidden layers alone."""

from collections.abc import Mapping

import pandas as pd

from linvae.settings.model import Job, ModelSettings, Start

__all__ = ["recipes_apart_from_size"]


def recipes_apart_from_size(
    models: pd.Series, settings: Mapping[str, ModelSettings]
) -> pd.DataFrame:
    """Tell of each run's model the recipe without start and hidden layers, and those two.

    Returns
    -------
    DataFrame
        Columns ``recipe`` (the first model of its kind with a random start), ``start`` and
        ``hidden``, with the index of `models`.
    """
    kinds = {name: _without_size(settings[name]) for name in models.unique()}
    plain = [name for name in kinds if settings[name].start.weights == "random"]
    firsts = [*plain, *kinds]
    rows = {
        name: {
            "recipe": next(first for first in firsts if kinds[first] == kind),
            "start": settings[name].start.weights,
            "hidden": "-".join(map(str, settings[name].encoder.hidden)),
        }
        for name, kind in kinds.items()
    }
    return pd.DataFrame([rows[name] for name in models], index=models.index)


def _without_size(model: ModelSettings) -> ModelSettings:
    parts: dict[str, object] = {
        part: getattr(model, part).model_copy(update={"hidden": ()})
        for part in ("encoder", "decoder")
    }
    start = model.start.model_copy(update={"weights": Start().weights})
    return model.model_copy(update={**parts, "start": start, "job": Job()})
