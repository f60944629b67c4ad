"""Faults that cost a model nats wherever its weights are: its range, its running statistics."""

from dataclasses import dataclass

from numpy.typing import NDArray

from linvae.diagnose.functions import Rows
from linvae.diagnose.lookalikes import out_of_reach
from linvae.diagnose.output_range import range_text
from linvae.diagnose.stale_statistics import stale_statistics
from linvae.diagnose.verdict import Facts, short

__all__ = ["ModelFault", "first_to_mend", "model_faults"]

_NATS = 1.0
# Of what is left to the model: a fault of as much is what to mend first.
_SHARE = 0.5


@dataclass(frozen=True)
class ModelFault:
    """A fault that is not one of training.

    Attributes
    ----------
    nats : float
        What it costs per datum.
    note, mend : str
        What it is, and what to do.
    """

    nats: float
    note: str
    mend: str


def model_faults(
    model: Rows,
    data: NDArray,
    bounds: tuple[float, float] | None,
    noise_variance: float,
    seed: int,
) -> list[ModelFault]:
    """Find such faults, of more than a nat per datum each.

    Parameters
    ----------
    model
        In evaluation mode.
    data
        Shape (n, d).
    bounds
        Of the decoder's range, where it has one.
    noise_variance
        sigma^2.
    seed
        Of what is drawn.
    """
    found = []
    nats, note = stale_statistics(model, data, noise_variance, seed)
    if note:
        found.append(ModelFault(nats, note, "Refresh the running statistics, and diagnose again."))
    lost = out_of_reach(data, bounds, noise_variance) if bounds else 0.0
    if bounds and lost > _NATS:
        note = (
            f"The decoder's range, {range_text(bounds)}, does not reach the data's: that alone"
            f" costs {short(lost)} nats per datum at this sigma^2."
        )
        mend = (
            "Let the decoder reach the data: leave out its last activation, or scale the data into"
            " its range."
        )
        found.append(ModelFault(lost, note, mend))
    return found


def first_to_mend(faults: list[ModelFault], facts: Facts) -> str:
    """Say what to mend before training anew: what costs half of what is left, or nothing."""
    left = max(facts.gain, facts.below_linear)
    worst = max(faults, key=lambda fault: fault.nats, default=None)
    return worst.mend if worst and worst.nats >= _SHARE * left else ""
