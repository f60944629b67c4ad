"""What further jobs on one run are told, beside what its training is told."""

from typing import Annotated

from pydantic import Field

from linvae.settings.arms import Arm
from linvae.settings.measurement import Measurement
from linvae.settings.run_job import RunJob
from linvae.settings.values import Real, Whole

__all__ = ["GraftJob", "MeasurementJob"]


class MeasurementJob(RunJob):
    """A deep run, and how it is measured."""

    measurement: Measurement = Measurement()
    preprocessing: str
    logit_lambda: Real | None = None


class GraftJob(RunJob):
    """One arm of a graft of a deep run, and how it is measured."""

    arm: Arm
    updates: Annotated[Whole, Field(gt=0)]
    rate: Real | None = Field(None, description="share of the run's own learning rate; null: all")
    measurement: Measurement = Measurement()
