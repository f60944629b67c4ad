"""Section of the study on whether the ELBO leaves latents unused that the likelihood would use."""

from typing import NamedTuple, Self

from pydantic import Field

from linvae.naming import Product, Run
from linvae.noise import number
from linvae.settings.likelihood_job import BOUNDS, Bound
from linvae.settings.values import Real, Whole
from linvae.study.names import Names
from linvae.study.trained_on import TrainedOn

__all__ = ["Likelihood", "WayOn"]


class WayOn(NamedTuple):
    """How a run is trained on by a bound, and its name in paths, such as ``iwae-8-1000-0.1``."""

    bound: Bound
    draws: int
    updates: int
    rate: float

    def __str__(self) -> str:
        return f"{self.bound}-{self.draws}-{self.updates}-{number(self.rate)}"

    @classmethod
    def parse(cls, variant: str) -> Self | None:
        """Read the name; None of one that names something else."""
        bound, *numbers = variant.split("-")
        if bound not in BOUNDS:
            return None
        draws, updates, rate = numbers
        return cls(bound, int(draws), int(updates), float(rate))


class Likelihood(TrainedOn):
    """Finished runs trained on by the importance-weighted bound, and by the ELBO as control."""

    rate: Real = Field(0.1, gt=0, le=1, description="share of the recipe's own learning rate")
    draws: Whole = Field(8, ge=2, description="of z for each image and update, K of the bound")

    def file(self, run: Run, bound: Bound) -> Product:
        """Return what a run comes to by a bound."""
        variant = str(WayOn(bound, self.draws, self.updates, self.rate))
        return Product("likelihood.json", run=run, variant=variant)

    def evidence(self, names: Names) -> list[Product]:
        """Return what both bounds come to, too."""
        files = [self.file(run, bound) for run in self.runs(names) for bound in BOUNDS]
        return super().evidence(names) + files
