"""Adam, fused, without what the class of torch imports."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

__all__ = ["Adam", "Group"]


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
