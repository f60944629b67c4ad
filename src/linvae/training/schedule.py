"""Lengths and rates of a training job as plain functions of the step."""

import math
from dataclasses import dataclass

import numpy as np

from linvae.settings.model import Training

__all__ = ["Plan", "epoch_length", "kl_weight", "learning_rate", "plan_of", "record_steps"]


@dataclass(frozen=True)
class Plan:
    """Lengths of a training job in steps."""

    steps: int
    steps_per_epoch: int
    batch_size: int


def learning_rate(step: int, total: int, training: Training) -> float:
    """Learning rate of a step: linear warm-up, then constant or half a cosine to zero."""
    rate = training.learning_rate
    if step < training.warmup_steps:
        return rate * (step + 1) / (training.warmup_steps + 1)
    if training.schedule == "constant":
        return rate
    progress = (step - training.warmup_steps) / max(1, total - training.warmup_steps)
    return 0.5 * rate * (1 + math.cos(math.pi * progress))


def kl_weight(step: int, total: int, training: Training) -> float:
    """Weight of the KL term: rises linearly from 0 to 1 over the annealed share of training."""
    length = training.kl_annealing * total
    return 1.0 if step >= length else step / length


def epoch_length(training: Training, n: int) -> int:
    """Return the number of steps that see each of n data once; the last may be a smaller batch."""
    return math.ceil(n / min(training.batch_size or n, n))


def record_steps(total: int, records: int) -> list[int]:
    """Return the steps after which the curve is recorded: start, end, and more at first."""
    growing = np.geomspace(1, total, max(2, records // 2))
    even = np.linspace(0, total, max(2, records - records // 2))
    return sorted({int(round(step)) for step in (*growing, *even)})


def plan_of(training: Training, n: int) -> Plan:
    """Return the lengths of a job on n data; steps are rounded up to whole epochs."""
    batch_size = min(training.batch_size or n, n)
    steps_per_epoch = epoch_length(training, n)
    steps = training.steps or training.epochs * steps_per_epoch
    # Resuming happens at epoch ends only, so a budget in steps is whole epochs.
    return Plan(math.ceil(steps / steps_per_epoch) * steps_per_epoch, steps_per_epoch, batch_size)
