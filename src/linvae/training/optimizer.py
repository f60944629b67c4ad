"""Adam, what it is told about a model, and its rate, KL weight and records over the steps."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.optim.adam import adam

from linvae.settings.model import Training
from linvae.training.models import GaussianVAE

__all__ = [
    "Adam",
    "Group",
    "Budget",
    "epoch_length",
    "kl_weight",
    "learning_rate",
    "budget_of",
    "parameter_groups",
    "record_steps",
]


@dataclass(frozen=True)
class Group:
    """Parameters that share settings; their rate is `rate_factor` times the model's."""

    parameters: list[Tensor]
    rate_factor: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)


class Adam:
    """The steps of `torch.optim.Adam`, fused, through the function that it calls itself.

    The class imports torch's compiler when it is made, which takes a second of every job.

    Parameters
    ----------
    groups
        Parameters and their settings.

    References
    ----------
    Kingma and Ba (2015), algorithm 1.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups = list(groups)
        self._states = [list(map(_initial_state, group.parameters)) for group in self.groups]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        for group, states in zip(self.groups, self._states, strict=True):
            # The reconstruction alone, say, does not depend on the posterior's variance.
            used = [
                (parameter, parameter.grad, state["exp_avg"], state["exp_avg_sq"], state["step"])
                for parameter, state in zip(group.parameters, states, strict=True)
                if parameter.grad is not None
            ]
            if not used:
                continue
            parameters, gradients, means, squares, steps = map(list, zip(*used, strict=True))
            adam(
                parameters,
                gradients,
                means,
                squares,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=group.betas[0],
                beta2=group.betas[1],
                lr=learning_rate * group.rate_factor,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )

    def tensors(self) -> dict[str, Tensor]:
        """Return the state for a checkpoint."""
        return {
            f"optimizer.{index}.{name}": value
            for index, state in enumerate(itertools.chain.from_iterable(self._states))
            for name, value in state.items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])


def _initial_state(parameter: Tensor) -> dict[str, Tensor]:
    return {
        "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
        "exp_avg": torch.zeros_like(parameter, requires_grad=False),
        "exp_avg_sq": torch.zeros_like(parameter, requires_grad=False),
    }


def parameter_groups(model: GaussianVAE, training: Training) -> list[Group]:
    """Weights, and noise and posterior variance at learning rates of their own where set."""
    noise, groups = model.log_noise_variance, []
    if noise.requires_grad:
        groups.append(_noise_group(noise, training))
    if training.variance_learning_rate is not None and model.encoder.log_variance.requires_grad:
        factor = training.variance_learning_rate / training.learning_rate
        groups.append(Group([model.encoder.log_variance], factor))
    apart = {id(parameter) for group in groups for parameter in group.parameters}
    return [Group([p for p in model.parameters() if id(p) not in apart]), *groups]


def _noise_group(noise: Tensor, training: Training) -> Group:
    if training.noise_learning_rate is None:
        return Group([noise])
    # Its gradient shrinks with the variance's distance from the squared error, by orders of
    # magnitude: a memory longer than that takes would stop it on its way.
    return Group([noise], training.noise_learning_rate / training.learning_rate, (0.9, 0.9))


@dataclass(frozen=True)
class Budget:
    """Budget of a training job in steps."""

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


def budget_of(training: Training, n: int) -> Budget:
    """Return the lengths of a job on n data; steps are rounded up to whole epochs."""
    batch_size = min(training.batch_size or n, n)
    steps_per_epoch = epoch_length(training, n)
    steps = training.steps or training.epochs * steps_per_epoch
    # Resuming happens at epoch ends only, so a budget in steps is whole epochs.
    return Budget(math.ceil(steps / steps_per_epoch) * steps_per_epoch, steps_per_epoch, batch_size)
