"""Sections of the study in which finished deep runs are trained on."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from linvae.naming import Run
from linvae.noise import NoiseName
from linvae.settings.model import ModelSettings
from linvae.settings.values import Whole
from linvae.study.deep import DEEP, Cells
from linvae.study.fields import Latents, Seeds, Variant
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["TrainedOn"]


class TrainedOn(Section):
    """Finished runs trained on in several ways, all for the same updates."""

    models_named: ClassVar = {"runs_of": DEEP}
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    runs_of: Annotated[tuple[Cells, ...], Field(min_length=1)] = Field(
        description="recipes and values of a fixed sigma^2, whose runs are trained on"
    )
    updates: Whole = Field(gt=0, description="of each arm, after those of the run")
    seeds: Seeds

    def runs(self, names: Names) -> list[Run]:
        """Return the runs that are trained on."""
        found: list[Run] = []
        for cells in self.runs_of:
            noises = [str(NoiseName("fixed", variance)) for variance in cells.noise_variances]
            seeds = cells.seeds or self.seeds
            grid = (cells.models, [self.data], [self.n_latent], noises, seeds)
            found += names.runs(*grid)
        return found

    def named(self, key: str) -> Iterator[str]:
        """Give the models of all cells."""
        for cells in self.runs_of:
            yield from cells.models

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List updates that a warm-up leaves no room for, too."""
        return super().problems(models) + [
            f"updates: {self.updates} are no more than the warmup_steps of {name!r}"
            for name in dict.fromkeys(self.named("runs_of"))
            if name in models and models[name].training.warmup_steps >= self.updates
        ]
