"""How finished deep VAEs are measured: one definition for every section of the study."""

from typing import Annotated

from pydantic import Field

from linvae.settings.values import Real, Strict, Whole

__all__ = ["EPSILONS", "Measurement"]

# Thresholds of collapse that every measurement holds, in nats.
EPSILONS = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 10.0)


class Measurement(Strict):
    """What counts as collapsed, and how many draws expectations take."""

    epsilon: Annotated[Real, Field(gt=0)] = Field(
        0.1, description="a dimension is collapsed if KL < epsilon nats"
    )
    delta: Annotated[Real, Field(ge=0, lt=1)] = Field(
        0.01, description="for a share 1 - delta of the images at least"
    )
    draws: Annotated[Whole, Field(gt=0)] = Field(4, description="of z for each image")
    inference_images: Annotated[Whole, Field(ge=2)] = Field(
        100, description="of each split, for which q is optimised and log p(x) estimated"
    )
    importance_draws: Annotated[Whole, Field(gt=0)] = Field(
        1000, description="of z for each of these in the estimate of log p(x)"
    )
