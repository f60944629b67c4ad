"""All figures that set finished studies side by side, with one look for a recipe in all of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd
from matplotlib.figure import Figure

from linvae.plots.questions import compared_variances, draw_grafts, draw_sizes, draw_used
from linvae.plots.recipe_looks import looks_of
from linvae.plots.studies import draw_collapse, draw_held_out

__all__ = ["Study", "figures_of"]

_GRAFTS, _SIZES = 13, 15


class Study(Protocol):
    """What is drawn of a study, as `linvae.report.finished.FinishedStudy` has it."""

    name: str
    claims: Mapping[int, Mapping]
    collapse: pd.DataFrame | None
    residual: pd.DataFrame | None
    recipes: pd.DataFrame | None

    def used_by_theory(self) -> Mapping[float, float]:
        """Return by sigma^2 the number of latents that the linear optimum uses."""


def figures_of(studies: Sequence[Study]) -> dict[str, Figure]:
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
    grafts, sizes = (_numbers(studies, claim) for claim in (_GRAFTS, _SIZES))
    found = {}
    if collapse:
        found["collapse"] = draw_collapse(collapse, residual, looks)
    if recipes:
        found["held_out"] = draw_held_out(recipes, looks)
    if compared_variances(recipes):
        found["used"] = draw_used(recipes, theory, looks)
    if grafts:
        found["grafts"] = draw_grafts(grafts)
    if sizes:
        found["sizes"] = draw_sizes(sizes)
    return found


def _numbers(studies: Sequence[Study], claim: int) -> dict[str, Mapping]:
    """Take the numbers of a claim from the studies that have some."""
    found = {study.name: study.claims.get(claim, {}).get("numbers") for study in studies}
    return {name: numbers for name, numbers in found.items() if numbers}
