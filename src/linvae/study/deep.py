"""Sections of the study with deep Gaussian VAEs."""

from typing import TYPE_CHECKING, ClassVar

from linvae.naming import Run
from linvae.noise import NoiseName
from linvae.study.fields import Latents, ModelName, Models, Seeds, Variances, Variant
from linvae.study.names import Names
from linvae.study.section import Requirement, Section

if TYPE_CHECKING:
    from linvae.study.study import Study

__all__ = ["Collapse", "Variations"]

_DEEP = Requirement(
    lambda model: not model.decoder.is_linear,
    "with a decoder that is not linear (decoder.hidden and an activation)",
)


class Collapse(Section):
    """Deep Gaussian VAEs over the observation noise variance, fixed and learned."""

    models_named: ClassVar = {"model": _DEEP}
    claim_files: ClassVar = ("metrics.json",)

    data: Variant
    n_latent: Latents
    model: ModelName
    noise_variances: Variances
    seeds: Seeds

    def runs(self, study: "Study", names: Names) -> list[Run]:
        """Return a run for each noise variance, fixed and as the start of a learned one."""
        noises = [
            str(NoiseName(kind, variance))
            for kind in ("fixed", "learned")
            for variance in self.noise_variances
        ]
        return list(names.runs([self.model], [self.data], [self.n_latent], noises, self.seeds))


class Variations(Section):
    """The deep VAE of `collapse` at chosen fixed noise variances, trained in other ways."""

    models_named: ClassVar = {"models": _DEEP}
    claim_files: ClassVar = ("metrics.json",)

    models: Models
    noise_variances: Variances
    seeds: Seeds

    def runs(self, study: "Study", names: Names) -> list[Run]:
        """Return the runs of every way, on the data and with the latents of `collapse`."""
        base = study.collapse
        noises = [str(NoiseName("fixed", variance)) for variance in self.noise_variances]
        return list(names.runs(self.models, [base.data], [base.n_latent], noises, self.seeds))

    def variants(self, study: "Study") -> tuple[str, ...]:
        """Return the data of `collapse`."""
        return (study.collapse.data,)
