"""The optimiser of a model, and its rate, KL weight and records over the steps."""

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from linvae.settings.model import Training
from linvae.training.adam import Adam, Group
from linvae.training.models import GaussianVAE
from linvae.training.muon import Muon

__all__ = [
    "Budget",
    "budget_of",
    "epoch_length",
    "kl_weight",
    "learning_rate",
    "optimizer_of",
    "parameter_groups",
    "record_steps",
]

# Of Adam beside Muon, for what is no matrix.
ADAM_LEARNING_RATE = 1e-3
NEWTON_SCHULZ_STEPS = 5


def optimizer_of(model: GaussianVAE, training: Training) -> Adam | Muon:
    """Return the optimiser of a model's parameters."""
    groups = parameter_groups(model, training)
    if training.optimizer != "muon":
        return Adam(groups)
    weights, *others = groups
    matrices = [p for p in weights.parameters if p.ndim == 2]
    rest = [p for p in weights.parameters if p.ndim != 2]
    adam = Adam([Group(rest, weights.rate_factor), *others])
    return Muon(matrices, adam, training.newton_schulz_steps or NEWTON_SCHULZ_STEPS)


def parameter_groups(model: GaussianVAE, training: Training) -> list[Group]:
    """Weights, and noise and posterior variance at learning rates of their own where set.

    All for Adam but the matrices among the weights, which come first: those are Muon's if it is the
    optimiser, and Adam has a rate of its own for the rest then.
    """
    base = 1.0
    if training.optimizer == "muon":
        base = (training.adam_learning_rate or ADAM_LEARNING_RATE) / training.learning_rate
    noise, groups = model.log_noise_variance, []
    if noise.requires_grad:
        groups.append(_noise_group(noise, training, base))
    if training.variance_learning_rate is not None and model.encoder.log_variance.requires_grad:
        factor = training.variance_learning_rate / training.learning_rate
        groups.append(Group([model.encoder.log_variance], factor))
    apart = {id(parameter) for group in groups for parameter in group.parameters}
    return [Group([p for p in model.parameters() if id(p) not in apart], base), *groups]


def _noise_group(noise: Tensor, training: Training, base: float) -> Group:
    if training.noise_learning_rate is None:
        return Group([noise], base)
    # Its gradient shrinks with the variance's distance from the squared error, by orders of
    # magnitude: a memory longer than that takes would stop it on its way.
    return Group([noise], training.noise_learning_rate / training.learning_rate, (0.9, 0.9))


@dataclass(frozen=True)
class Budget:
    """Budget of a training job in steps."""

    steps: int
    steps_per_epoch: int
    batch_size: int
    n_data: int

    def images_seen(self, step: int) -> int:
        """Return how many data the steps up to one have seen, each counted whenever it is seen."""
        epochs, within = divmod(step, self.steps_per_epoch)
        return epochs * self.n_data + min(within * self.batch_size, self.n_data)


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


def budget_of(training: Training, n: int) -> Budget:
    """Return the lengths of a job on n data; steps are rounded up to whole epochs."""
    batch_size = min(training.batch_size or n, n)
    steps_per_epoch = epoch_length(training, n)
    steps = training.steps or training.epochs * steps_per_epoch
    # Resuming happens at epoch ends only, so a budget in steps is whole epochs.
    return Budget(
        math.ceil(steps / steps_per_epoch) * steps_per_epoch, steps_per_epoch, batch_size, n
    )
