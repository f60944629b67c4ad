"""Recipes apart from their size: models that differ in start and hidden layers alone."""

from collections.abc import Mapping

import pandas as pd

from linvae.settings.model import JobSettings, ModelSettings, Start

__all__ = ["recipes_apart_from_size"]


def recipes_apart_from_size(
    models: pd.Series, settings: Mapping[str, ModelSettings]
) -> pd.DataFrame:
    """Tell of each run's model the recipe without start and hidden layers, and those two.

    Returns
    -------
    DataFrame
        Columns ``recipe`` (the first model of its kind with a random start), ``start`` and
        ``layers``, with the index of `models`.
    """
    kinds = {name: _without_size(settings[name]) for name in models.unique()}
    plain = [name for name in kinds if settings[name].start.weights == "random"]
    firsts = [*plain, *kinds]
    rows = {
        name: {
            "recipe": next(first for first in firsts if kinds[first] == kind),
            "start": settings[name].start.weights,
            "layers": settings[name].encoder.size,
        }
        for name, kind in kinds.items()
    }
    return pd.DataFrame([rows[name] for name in models], index=models.index)


def _without_size(model: ModelSettings) -> ModelSettings:
    start = model.start.model_copy(update={"weights": Start().weights})
    return model.without_size().model_copy(update={"start": start, "job": JobSettings()})
