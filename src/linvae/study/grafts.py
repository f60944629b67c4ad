"""Section of the study in which finished deep runs are trained on, with a linear bypass grafted."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from linvae.naming import Run
from linvae.noise import NoiseName
from linvae.settings.graft import ARMS, Arm
from linvae.settings.model import ModelSettings
from linvae.settings.values import Whole
from linvae.study.deep import DEEP
from linvae.study.fields import Latents, Models, Seeds, Variances, Variant
from linvae.study.names import Names
from linvae.study.section import Section

__all__ = ["Grafts"]


class Grafts(Section):
    """Finished runs trained on in three ways, all for the same updates."""

    models_named: ClassVar = {"models": DEEP}
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    models: Models
    noise_variances: Variances
    updates: Whole = Field(gt=0, description="of each arm, after those of the run")
    seeds: Seeds

    def runs(self, names: Names) -> list[Run]:
        """Return the runs that are trained on."""
        noises = [str(NoiseName("fixed", variance)) for variance in self.noise_variances]
        grid = (self.models, [self.data], [self.n_latent], noises, self.seeds)
        return list(names.runs(*grid))

    def file(self, names: Names, run: Run, arm: Arm) -> str:
        """Return the path of what an arm of a run gives."""
        return names.file(run, f"graft/{arm}-{self.updates}/graft.json")

    def evidence(self, names: Names) -> list[str]:
        """Return what the arms give, too."""
        arms = [self.file(names, run, arm) for run in self.runs(names) for arm in ARMS]
        return super().evidence(names) + arms

    def problems(self, models: Mapping[str, ModelSettings]) -> list[str]:
        """List updates that a warm-up leaves no room for, too."""
        return super().problems(models) + [
            f"updates: {self.updates} are no more than the warmup_steps of {name!r}"
            for name in self.models
            if name in models and models[name].training.warmup_steps >= self.updates
        ]
