"""Muon: steps along the polar factor of each weight matrix's gradient, beside Adam for the rest.

With G = U S V^T the momentum of a gradient, a step goes along U V^T, which has the singular values
of G all set to one. It is found by a few polynomials of G, in the precision of the weights.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from linvae.training.adam import Adam

__all__ = ["Muon", "coefficients", "polar_factor"]

Quintic = tuple[float, float, float]
# Singular values, over the root of the sum of their squares, from which on some steps bring them
# near one: larger ones for fewer steps.
_SMALLEST = {3: 1e-2, 4: 3e-3, 5: 1e-3}


class Muon:
    """Muon for matrices, with Nesterov momentum, and Adam for all other parameters.

    Parameters
    ----------
    matrices
        Parameters of two dimensions.
    adam
        Of the others; its rate is a factor times that of the matrices.
    n_steps
        Polynomials to the polar factor: 3, 4 or 5.
    momentum
        Share of the past in the mean of the gradients.

    References
    ----------
    Jordan et al. (2024), *Muon: an optimizer for hidden layers in neural networks*.
    """

    def __init__(
        self, matrices: Sequence[Tensor], adam: Adam, n_steps: int = 5, momentum: float = 0.95
    ) -> None:
        self.matrices, self.adam, self.momentum = list(matrices), adam, momentum
        self.quintics = coefficients(n_steps)
        self._means = [torch.zeros_like(matrix, requires_grad=False) for matrix in self.matrices]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for matrix in self.matrices:
            matrix.grad = None
        self.adam.zero_grad()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change every parameter that has a gradient."""
        for matrix, mean in zip(self.matrices, self._means, strict=True):
            if matrix.grad is None:
                continue
            mean.lerp_(matrix.grad, 1 - self.momentum)
            ahead = matrix.grad.lerp(mean, self.momentum)
            n_rows, n_columns = matrix.shape
            # So that outputs move as far whatever the number of inputs.
            rate = learning_rate * max(1.0, n_rows / n_columns) ** 0.5
            matrix.add_(polar_factor(ahead, self.quintics), alpha=-rate)
        self.adam.step(learning_rate)

    def tensors(self) -> dict[str, Tensor]:
        """Return the state for a checkpoint."""
        means = {f"muon.{index}.mean": mean for index, mean in enumerate(self._means)}
        return means | self.adam.tensors()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        for name, value in self.tensors().items():
            value.copy_(tensors[name])


def polar_factor(matrix: Tensor, quintics: Sequence[Quintic]) -> Tensor:
    r"""Return nearly U V^T of a matrix U S V^T: its singular vectors, with values near one.

    .. math:: X \leftarrow a X + b (X X^T) X + c (X X^T)^2 X

    for each quintic in turn. All are polynomials in G = X X^T times X, so that they are multiplied
    for G, the smaller of the two Gram matrices, and X is multiplied once.

    Parameters
    ----------
    matrix
        Shape (m, n).
    quintics
        (a, b, c) of each, as `coefficients` gives them.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / wide.norm().clamp_min(torch.finfo(wide.dtype).tiny ** 0.5)
    gram, product = x @ x.T, None
    for index, (a, b, c) in enumerate(quintics):
        quintic = torch.addmm(gram, gram, gram, beta=b, alpha=c)
        quintic.diagonal().add_(a)
        product = quintic if product is None else quintic @ product
        if index < len(quintics) - 1:
            gram = quintic @ (quintic @ gram)
    found = product @ x
    return found if wide is matrix else found.T


def coefficients(n_steps: int) -> list[Quintic]:
    """Return quintics a x + b x^3 + c x^5 that together bring values of (0, 1] near one.

    Each has the smallest largest distance from one on the interval that those before it leave, of
    values from 1e-2 on for three steps and 1e-3 for five: 0.27 and 0.11 in the end.

    Parameters
    ----------
    n_steps
        3, 4 or 5.

    References
    ----------
    Amsel, Persson, Musco and Gower (2025), *The Polar Express*, on the greedy composition.
    """
    low, high, found = _SMALLEST[n_steps], 1.0, []
    for _ in range(n_steps):
        quintic, distance = _minimax(low, high)
        found.append(quintic)
        low, high = 1 - distance, 1 + distance
    return found


def _minimax(low: float, high: float) -> tuple[Quintic, float]:
    """Return the odd quintic nearest to one on an interval, and its distance, by Remez exchange."""
    inner = np.array([(3 * low + high) / 4, (low + 3 * high) / 4])
    for _ in range(50):
        x = np.array([low, *inner, high])
        table = np.column_stack([x, x**3, x**5, [1, -1, 1, -1]])
        a, b, c, distance = np.linalg.solve(table, np.ones(4))
        # Where a + 3 b x^2 + 5 c x^4 = 0.
        root = np.sqrt(9 * b * b - 20 * a * c)
        inner = np.sqrt(np.sort([(-3 * b - root) / (10 * c), (-3 * b + root) / (10 * c)]))
    return (float(a), float(b), float(c)), abs(float(distance))
