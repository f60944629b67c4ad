"""By which bounds a finished run is trained on, and what such a job is told."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from linvae.settings.measurement import Measurement
from linvae.settings.run_job import RunJob
from linvae.settings.values import Real, Whole

__all__ = ["BOUNDS", "Bound", "LikelihoodJob"]

# What is maximised: the ELBO, or the importance-weighted bound on log p(x).
Bound = Literal["elbo", "iwae"]
BOUNDS: tuple[Bound, ...] = get_args(Bound)


class LikelihoodJob(RunJob):
    """A deep run with a fixed sigma^2 that is trained on by a bound, and how it is measured."""

    bound: Bound
    draws: Annotated[Whole, Field(gt=0)] = Field(description="of z for each image and update, K")
    updates: Annotated[Whole, Field(gt=0)]
    rate: Real = Field(gt=0, le=1, description="share of the run's own learning rate")
    measurement: Measurement = Measurement()

    @model_validator(mode="after")
    def _noise_is_fixed(self) -> Self:
        if self.noise_model.kind != "fixed":
            msg = f"noise {self.noise!r} must be fixed: sigma^2 is the same for both bounds"
            raise ValueError(msg)
        return self
