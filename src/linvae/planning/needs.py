"""What a job needs of the machine: nothing of it decides a result."""

from dataclasses import dataclass
from math import ceil

from linvae.naming import Run
from linvae.settings.model import ModelSettings
from linvae.study import cost

__all__ = ["Needs", "needs_of_measuring", "needs_of_training"]

# What fig1 shows comes first, then what else is linear: it takes minutes, deep training the rest.
_SHOWN_FIRST, _LINEAR, _LONGEST_DEEP = 30, 10, 4


@dataclass(frozen=True)
class Needs:
    """What a scheduler is asked for.

    Attributes
    ----------
    megabytes, minutes
        Of memory and time.
    threads, gpus
    priority
        Jobs with a larger one start earlier.
    """

    megabytes: int = 700
    minutes: int = 10
    threads: int = 1
    gpus: int = 0
    priority: int = 0


def needs_of_training(
    model: ModelSettings, costs: cost.Cost, threads: int, *, shown_first: bool = False
) -> Needs:
    """Ask for what training is estimated to take, and more: twice the time, and ten minutes.

    Nodes differ, and the queue is kinder than a time-out. Of deep runs the long ones start first:
    the end of a study shall not wait for one.
    """
    minutes = costs.cpu_seconds / 60
    priority = _SHOWN_FIRST if shown_first else _LINEAR
    if not model.decoder.is_linear:
        priority = min(_LONGEST_DEEP, int(minutes))
    return Needs(
        megabytes=ceil(1.3 * costs.peak_megabytes),
        minutes=10 + ceil(2 * minutes),
        threads=threads,
        gpus=int(model.job.device == "cuda"),
        priority=priority,
    )


def needs_of_measuring(
    model: ModelSettings, run: Run, threads: int, *, shown_first: bool = False
) -> Needs:
    """Ask for torch and the model; where data are read, these in two precisions, and residuals."""
    images = 0 if model.is_linear else cost.training_images(run.data)
    priority = _SHOWN_FIRST if shown_first else _LINEAR
    return Needs(
        megabytes=ceil(700 + 7 * cost.data_megabytes(images, cost.n_features(run.data))),
        # Encoding is cheap beside decoding every draw of z.
        minutes=2 + ceil(images / 10_000),
        threads=threads,
        priority=priority if model.decoder.is_linear else 0,
    )
