"""Adam, what it is told about a model, and where it runs."""

import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

from linvae.settings.model import Training
from linvae.training.models import GaussianVAE

__all__ = ["Adam", "Group", "device_of", "make_deterministic", "parameter_groups"]


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
    """Weights, and the noise variance at its own learning rate where one is set."""
    noise = model.log_noise_variance
    weights = Group([p for p in model.parameters() if p is not noise])
    if not noise.requires_grad:
        return [weights]
    if training.noise_learning_rate is None:
        return [weights, Group([noise])]
    # Its gradient shrinks with the variance's distance from the squared error, by orders of
    # magnitude: a memory longer than that takes would stop it on its way.
    factor = training.noise_learning_rate / training.learning_rate
    return [weights, Group([noise], factor, (0.9, 0.9))]


def device_of(name: str) -> torch.device:
    """Device of a training job.

    Raises
    ------
    ValueError
        If cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        msg = "training.device is cuda, but torch sees no GPU; set it to auto or cpu"
        raise ValueError(msg)
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def make_deterministic(device: torch.device) -> None:
    """Let a GPU use only algorithms that repeat their bytes; those of a CPU that linvae calls do.

    Asking for it on a CPU would import torch's compiler, which takes longer than many jobs.
    """
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
