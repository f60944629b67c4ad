"""All figures that set finished studies side by side, with one look for a recipe in all of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import pandas as pd
from matplotlib.figure import Figure

from linvae.plots.questions import compared_variances, draw_used
from linvae.plots.recipe_looks import looks_of
from linvae.plots.studies import draw_collapse, draw_held_out

__all__ = ["Drawn", "StudyTables", "figures_of"]


class StudyTables(Protocol):
    """What is drawn of a study, as `linvae.report.finished.FinishedStudy` has it."""

    name: str
    collapse: pd.DataFrame | None
    residual: pd.DataFrame | None
    recipes: pd.DataFrame | None

    def used_by_theory(self) -> Mapping[float, float]:
        """Return by sigma^2 the number of latents that the linear optimum uses."""


class Drawn(NamedTuple):
    """A figure, and the names of the studies that are in it."""

    figure: Figure
    studies: list[str]


def figures_of(studies: Sequence[StudyTables]) -> dict[str, Drawn]:
    """Draw what the studies have to show, by the names of the files.

    Parameters
    ----------
    studies
        Those without deep VAEs are in no figure.
    """
    recipes = {study.name: study.recipes for study in studies if study.recipes is not None}
    collapse = {study.name: study.collapse for study in studies if study.collapse is not None}
    residual = {study.name: study.residual for study in studies if study.residual is not None}
    theory = {study.name: study.used_by_theory() for study in studies}
    looks = looks_of([*recipes.values(), *collapse.values(), *residual.values()])
    found: dict[str, Drawn] = {}
    if collapse:
        found["collapse"] = Drawn(draw_collapse(collapse, residual, looks), [*collapse])
    if recipes:
        found["held_out"] = Drawn(draw_held_out(recipes, looks), [*recipes])
    if compared_variances(recipes):
        found["used"] = Drawn(draw_used(recipes, theory, looks), [*recipes])
    return found
