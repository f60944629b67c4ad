"""What the training of one run is told: frozen, and kept as JSON under the address it decides."""

from typing import Annotated

from pydantic import AfterValidator, Field

from linvae.noise import NoiseName, parse_noise
from linvae.settings.model import ModelSettings
from linvae.settings.values import Strict, Whole

__all__ = ["RunJob"]


def _noise(name: str) -> str:
    parse_noise(name)
    return name


class RunJob(Strict):
    """A run: what is trained, from which seed, with how many threads."""

    model: ModelSettings
    n_latent: Annotated[Whole, Field(gt=0)]
    noise: Annotated[str, AfterValidator(_noise)] = Field(
        description="sigma^2: fixed-<value>, or learned-<initial value>"
    )
    seed: Annotated[Whole, Field(ge=0)]
    image_shape: tuple[Annotated[Whole, Field(gt=0)], ...] | None = Field(
        None, description="height, width and channels of an image; null: rows of numbers"
    )
    threads: Annotated[Whole, Field(gt=0)] = 1

    @property
    def noise_model(self) -> NoiseName:
        """Whether sigma^2 is learned, and its (initial) value."""
        return parse_noise(self.noise)

    def metadata(self) -> dict[str, object]:
        """Return what a file of weights says of its run."""
        told = self.identity()
        keys = ("model", "n_latent", "noise", "seed", "image_shape")
        return {key: told[key] for key in keys if key in told}
