"""What counts as a difference when claims about deep VAEs are judged, fixed before they are run."""

from typing import Annotated

from pydantic import Field

from linvae.settings.values import Real, Strict

__all__ = ["Margins"]

_Positive = Annotated[Real, Field(gt=0)]
_Share = Annotated[Real, Field(gt=0, lt=1)]


class Margins(Strict):
    """Differences below which nothing is claimed; `config.yaml` gives the reason of each."""

    elbo: _Positive = Field(2.0, description="nats per image, between means over seeds")
    latents: _Positive = Field(
        5.0, description="percent of the latents, of collapse curves and numbers of used latents"
    )
    theory: _Positive = Field(
        10.0, description="percentage points between a collapse curve and the linear optimum's own"
    )
    near: _Positive = Field(
        10.0, description="nats below the linear bound at which a run still counts as trained"
    )
    log_likelihood: _Positive = Field(
        0.5, description="nats per image by which log p(x) may exceed its estimate"
    )
    none: _Share = Field(
        0.1, description="share of a margin within which an interval shows that nothing differs"
    )
    level: _Share = Field(0.95, description="of the intervals")
