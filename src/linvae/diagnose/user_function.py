"""Calls of a user's function: with what it takes, in batches that it takes, or one clear line."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Given", "UserFunction", "as_tensor", "kind_of"]

# What a function is given: of which type, and on which device; None for NumPy arrays.
Given = tuple[torch.dtype, torch.device | None]

# Values, 1 GB, up to which a batch is filled up.
_FILLED = 250_000_000


class UserFunction:
    """An encoder or decoder, as it can be called.

    Parameters
    ----------
    name
        For messages.
    call
        Of a batch (m, ...).
    check
        Makes tensors (m, ...) of what it gives of m rows, or raises ValueError.
    batch_size
        The number of rows that it takes, if it takes no other.
    """

    def __init__(
        self,
        name: str,
        call: Callable,
        check: Callable[[object, int], tuple[Tensor, ...]],
        batch_size: int,
    ) -> None:
        self.name, self.call, self.check, self.batch_size = name, call, check, batch_size
        # What it took when it first worked, and the batches that it did not take.
        self.given: Given | None = None
        self.refused: set[int] = set()

    def __call__(
        self, rows: Tensor, shape: tuple[int, ...], ways: Iterator[Given]
    ) -> tuple[Tensor, ...]:
        """Return what the function gives of rows: of a full batch where it takes no other.

        Parameters
        ----------
        rows
            Shape (m, d), m no more than a batch.
        shape
            Of one of them, as the function sees it.
        ways
            What it may take. They are tried in turn until one works, which is then kept.

        Raises
        ------
        ValueError
            In one line, with what the first way failed by, or if values are not finite.
        """
        first = None
        for given in (self.given,) if self.given else ways:
            for size in self._sizes(rows):
                filled = torch.cat([rows, rows[-1:].expand(size - len(rows), -1)])
                try:
                    found = self.check(self._called(_outward(filled, shape, given)), size)
                except ValueError as error:
                    first = first or error
                    continue
                self.given = given
                if size > len(rows):
                    self.refused.add(len(rows))
                return self._finite(found, len(rows))
        raise first

    def _sizes(self, rows: Tensor) -> list[int]:
        n, full = len(rows), self.batch_size
        fills = [full] if n < full and full * rows.shape[1] <= _FILLED else []
        return fills if n in self.refused else [n, *fills]

    def _called(self, given: Tensor | NDArray) -> object:
        """Call the function; what it raises is told with what it was given."""
        try:
            return self.call(given)
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            hint = ""
            if isinstance(given, np.ndarray):
                hint = "; where it uses torch modules, name them in modules="
            msg = (
                f"{self.name} fails on a batch {tuple(given.shape)} of {given.dtype}:"
                f" {type(error).__name__}: {first}."
                f" Wrap what needs another shape, or more than that, in a function{hint}"
            )
            raise ValueError(msg) from error

    def _finite(self, found: tuple[Tensor, ...], n: int) -> tuple[Tensor, ...]:
        found = tuple(part[:n] for part in found)
        if not all(map(_is_finite, found)):
            msg = f"{self.name} gives values that are not finite: did training diverge?"
            raise ValueError(msg)
        return found


def _is_finite(values: Tensor) -> bool:
    # A sum is not finite if an entry is not: one pass without a mask, as a rule.
    return bool(torch.isfinite(values.sum())) or bool(torch.isfinite(values).all())


def _outward(rows: Tensor, shape: tuple[int, ...], given: Given) -> Tensor | NDArray:
    dtype, device = given
    rows = rows.reshape(len(rows), *shape).to(dtype)
    return rows.numpy() if device is None else rows.to(device)


def as_tensor(found: object, name: str) -> Tensor:
    """Return what a function gives as a tensor on the CPU, of single or double precision.

    Raises
    ------
    ValueError
        If it is neither an array nor a tensor.
    """
    if isinstance(found, Tensor):
        found = found.detach().cpu()
    elif isinstance(found, np.ndarray):
        found = torch.as_tensor(found)
    else:
        msg = f"{name} must give arrays or tensors, not {kind_of(found)}"
        raise ValueError(msg)
    if found.dtype not in (torch.float32, torch.float64):
        found = found.to(torch.float64 if not found.is_floating_point() else torch.float32)
    return found


def kind_of(found: object) -> str:
    """Return words for what a function gives."""
    kind = type(found).__name__
    if isinstance(found, tuple | list):
        return f"a {kind} of {len(found)}"
    return f"a {kind}"
