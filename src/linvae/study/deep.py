"""Sections of the study with deep Gaussian VAEs, each trained by several recipes."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from linvae.naming import Product, Run
from linvae.noise import NoiseName
from linvae.settings.model import ModelSettings
from linvae.settings.values import Strict
from linvae.study.fields import Latents, ModelName, Models, Noise, Seeds, Variances, Variant
from linvae.study.names import Names
from linvae.study.section import Requirement, Section

__all__ = ["DEEP", "Case", "Cells", "Recipes", "Sizes"]

DEEP = Requirement(
    lambda model: not model.decoder.is_linear,
    "with a decoder that is not linear (decoder.hidden and an activation)",
)
_Pairs = tuple[tuple[ModelName, ModelName], ...]


class Cells(Strict):
    """Some recipes at some noise variances."""

    models: Models
    noise_variances: Variances
    seeds: Seeds | None = Field(None, description="null: the section's")


class Recipes(Section):
    """Deep VAEs over the noise variance, fixed and learned, by several recipes."""

    models_named: ClassVar = {"fixed": DEEP, "learned": DEEP, "annealing": DEEP}
    claim_files: ClassVar = ("metrics.json", "kl.npz")

    data: Variant
    n_latent: Latents
    fixed: Annotated[tuple[Cells, ...], Field(min_length=1)] = Field(
        description="recipes, and the values of sigma^2 at which they are trained with it fixed"
    )
    learned: tuple[Cells, ...] = Field(
        (), description="recipes, and initial values of a sigma^2 that is learned"
    )
    annealing: _Pairs = Field((), description="a recipe, and the same with the KL annealed")
    as_in_paper: ModelName | None = Field(
        None, description="recipe nearest to the paper's: the headline of claims that it makes"
    )
    seeds: Seeds

    @property
    def models(self) -> tuple[str, ...]:
        """Return the recipes, in order."""
        return tuple(dict.fromkeys((*self.named("fixed"), *self.named("learned"))))

    def first_seed(self, model: str) -> int:
        """Return the first seed of a recipe."""
        cells = next(cells for cells in (*self.fixed, *self.learned) if model in cells.models)
        return (cells.seeds or self.seeds)[0]

    def named(self, key: str) -> Iterator[str]:
        """Give the models of all cells, too."""
        if key == "annealing":
            yield from super().named(key)
        else:
            for cells in getattr(self, key):
                yield from cells.models

    def runs(self, names: Names) -> list[Run]:
        """Return a run for each recipe, noise and seed."""
        found: list[Run] = []
        for kind, all_cells in (("fixed", self.fixed), ("learned", self.learned)):
            for cells in all_cells:
                noises = [str(NoiseName(kind, variance)) for variance in cells.noise_variances]
                seeds = cells.seeds or self.seeds
                grid = (cells.models, [self.data], [self.n_latent], noises, seeds)
                found += names.runs(*grid)
        return found

    def annealing_runs(self, names: Names) -> dict[str, list[Run]]:
        """Return, by annealed recipe, its runs and those without annealing at a sigma^2 of both."""
        found = {}
        for pair in self.annealing:
            shared = set.intersection(*map(self._fixed_at, pair))
            noises = {str(NoiseName("fixed", variance)) for variance in shared}
            found[pair[1]] = [
                run for run in self.runs(names) if run.model in pair and run.noise in noises
            ]
        return found

    def evidence(self, names: Names) -> list[Product]:
        """Return the curves of runs with and without annealing, too."""
        compared = [run for runs in self.annealing_runs(names).values() for run in runs]
        curves = [Product("curve.csv", run=run) for run in dict.fromkeys(compared)]
        return super().evidence(names) + curves

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List pairs that cannot be compared, too."""
        problems = super().problems(models)
        if self.as_in_paper not in (None, *self.models):
            problems.append(f"as_in_paper: {self.as_in_paper!r} is no recipe of this section")
        for without, annealed in self.annealing:
            pair = f"annealing: [{without}, {annealed}]"
            if models[without].training.kl_annealing or not models[annealed].training.kl_annealing:
                problems.append(f"{pair} must be a recipe without and one with kl_annealing")
            elif not self._fixed_at(without) & self._fixed_at(annealed):
                problems.append(f"{pair} have no noise variance in common in `fixed`")
        return problems

    def _fixed_at(self, model: str) -> set[float]:
        cells = (cells for cells in self.fixed if model in cells.models)
        return {variance for cell in cells for variance in cell.noise_variances}


class Case(Strict):
    """Recipes at one size of network, number of latents and number of images."""

    models: Models
    data: Variant
    n_latent: Latents
    noise: Noise
    seeds: Seeds


class Sizes(Section):
    """The same recipes at other sizes: what the number of used latents depends on."""

    models_named: ClassVar = {"cases": DEEP}
    claim_files: ClassVar = ("metrics.json",)

    cases: Annotated[tuple[Case, ...], Field(min_length=1)] = Field(
        description="recipes, each at one size"
    )

    def runs(self, names: Names) -> list[Run]:
        """Return the runs of every case."""
        found: list[Run] = []
        for case in self.cases:
            found += names.runs(case.models, [case.data], [case.n_latent], [case.noise], case.seeds)
        return found

    def variants(self) -> tuple[str, ...]:
        """Return the data of all cases."""
        return tuple(dict.fromkeys(case.data for case in self.cases))

    def named(self, key: str) -> Iterator[str]:
        """Give the models of all cases."""
        for case in self.cases:
            yield from case.models

    def counts(self, variant: str) -> dict[str, int]:
        """Return the largest number of latents of the cases with some data."""
        return {"cases": max(case.n_latent for case in self.cases if case.data == variant)}
