"""A user's encoder and decoder as functions of rows, whatever they are written in.

The evaluation of the study takes ``encode`` and ``decode`` of tensors (m, d) and (m, k) on the CPU.
Models come with images of any shape, on any device, for NumPy arrays or torch tensors, and in
training mode.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from linvae.arrays import whole

__all__ = ["Posterior", "Rows", "adapted", "evaluation_mode", "modules_of"]

Posterior = Literal["log_variance", "variance", "standard_deviation"]

_KINDS = ("log_variance", "variance", "standard_deviation")


@dataclass(eq=False)
class Rows:
    """A VAE as a pair of functions of rows, as `linvae.measure.gaussian` takes them.

    Attributes
    ----------
    shape : tuple of int
        Of one datum, as the model sees it.
    modules : list of torch.nn.Module
        Those that were found in the functions.
    own_dtype : torch.dtype
        That the model computes in.
    device : torch.device
        Where it does so; None of functions of NumPy arrays.
    latent_shape : tuple of int
        Of the latents of one datum, known after the first call of ``encode``.
    """

    user_encode: Callable
    user_decode: Callable
    shape: tuple[int, ...]
    posterior: Posterior
    batch_size: int
    modules: list[nn.Module]
    own_dtype: torch.dtype
    device: torch.device | None
    latent_shape: tuple[int, ...] = field(default=())

    @property
    def dtype(self) -> torch.dtype:
        """That what the model gives is measured in: single precision at least."""
        return torch.float64 if self.own_dtype == torch.float64 else torch.float32

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), each (m, k), of rows (m, d)."""
        mean, second = self.raw(x)
        if self.posterior == "log_variance":
            return mean, second
        if not bool((second > 0).all()):
            msg = (
                f"encode gives a {self.posterior.replace('_', ' ')} of {float(second.min()):g},"
                " which must be positive: is it a log variance? Then leave out posterior="
            )
            raise ValueError(msg)
        log = second.double().log()
        return mean, log if self.posterior == "variance" else 2 * log

    def raw(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs of the user's encoder as they are, each (m, k)."""
        parts = [self._encode_batch(part) for part in x.split(self.batch_size)]
        means, seconds = zip(*parts, strict=True)
        return torch.cat(means), torch.cat(seconds)

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x|z), shape (m, d), of latents (m, k)."""
        return torch.cat([self._decode_batch(part) for part in z.split(self.batch_size)])

    def _encode_batch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = _called(self.user_encode, "encode", self._outward(x, self.shape))
        if not isinstance(found, tuple | list) or len(found) != 2:
            msg = (
                "encode must give a pair, mean and log variance of q(z|x), each (n, k);"
                f" it gives {_kind_of(found)}"
            )
            raise ValueError(msg)
        mean, second = (_tensor(part, "encode") for part in found)
        if len(mean) != len(x) or mean.ndim < 2 or second.shape != mean.shape:
            msg = (
                f"encode gives mean {tuple(mean.shape)} and {self.posterior} {tuple(second.shape)}"
                f" of {len(x)} data; both must be ({len(x)}, k)"
            )
            raise ValueError(msg)
        self.latent_shape = tuple(mean.shape[1:])
        return mean.flatten(1), second.flatten(1)

    def _decode_batch(self, z: Tensor) -> Tensor:
        found = _called(self.user_decode, "decode", self._outward(z, self.latent_shape))
        x = _tensor(found, "decode")
        n_features = int(np.prod(self.shape))
        if len(x) != len(z) or x[0].numel() != n_features:
            msg = (
                f"decode gives {tuple(x.shape)} of {len(z)} latents; the means of data of shape"
                f" {self.shape} are needed, ({len(z)}, {', '.join(map(str, self.shape))})"
            )
            raise ValueError(msg)
        return x.flatten(1)

    def _outward(self, rows: Tensor, shape: tuple[int, ...]) -> object:
        given = rows.reshape(len(rows), *shape).to(self.own_dtype)
        return given.numpy() if self.device is None else given.to(self.device)


def adapted(
    data: object,
    encode: Callable,
    decode: Callable,
    posterior: Posterior,
    batch_size: int,
    modules: Sequence[nn.Module] = (),
) -> Rows:
    """Return a user's functions as functions of rows, and what they compute with.

    Functions are of torch tensors where the data are a tensor, or a torch module is found in them;
    of NumPy arrays otherwise.

    Parameters
    ----------
    data
        Array or tensor of shape (n, ...).
    encode, decode, posterior, batch_size, modules
        As `linvae.diagnose.diagnose` takes them.

    Raises
    ------
    ValueError
        If `posterior` is unknown, or `batch_size` no positive number.
    """
    if whole("batch_size", batch_size) < 1:
        msg = f"batch_size={batch_size} must be 1 or more"
        raise ValueError(msg)
    if posterior not in _KINDS:
        msg = f"posterior={posterior!r} is unknown; allowed are {', '.join(_KINDS)}"
        raise ValueError(msg)
    found = modules_of((*modules, encode, decode))
    weights = next((p for m in found for p in (*m.parameters(), *m.buffers())), None)
    shape = tuple(data.shape[1:]) or (1,)
    if weights is not None and weights.is_floating_point():
        dtype, device = weights.dtype, weights.device
    elif isinstance(data, Tensor):
        dtype = data.dtype if data.is_floating_point() else torch.float32
        device = data.device
    else:
        dtype = torch.float32 if np.asarray(data[:0]).dtype == np.float32 else torch.float64
        device = torch.device("cpu") if found else None
    return Rows(encode, decode, shape, posterior, batch_size, found, dtype, device)


def modules_of(functions: Iterable[object]) -> list[nn.Module]:
    """Return the torch modules that functions are, belong to, or refer to by name."""
    found: list[nn.Module] = []
    for function in functions:
        for candidate in _referred(function):
            if isinstance(candidate, nn.Module) and not any(candidate is m for m in found):
                found.append(candidate)
    return found


@contextmanager
def evaluation_mode(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode, and every part of them back into its own afterwards."""
    modules = list(modules)
    parts = [part for module in modules for part in module.modules()]
    before = [part.training for part in parts]
    try:
        for part in modules:
            part.eval()
        yield
    finally:
        for part, training in zip(parts, before, strict=True):
            part.training = training


def _referred(function: object, depth: int = 2) -> Iterator[object]:
    yield function
    if isinstance(function, nn.Module) or depth == 0:
        return
    if isinstance(function, functools.partial):
        inner = [function.func, *function.args, *function.keywords.values()]
    elif inspect.ismethod(function):
        inner = [function.__self__]
    elif inspect.isfunction(function):
        inner = _named(function)
    else:
        inner = list(getattr(function, "__dict__", {}).values())
    for part in inner:
        if isinstance(part, nn.Module):
            yield part
        elif callable(part) and not inspect.isclass(part):
            yield from _referred(part, depth - 1)


def _named(function: Callable) -> list[object]:
    try:
        names = inspect.getclosurevars(function)
    except ValueError:  # A name of its closure has no value yet.
        return []
    return [*names.nonlocals.values(), *names.globals.values()]


def _called(function: Callable, name: str, given: Tensor | NDArray) -> object:
    """Call a user's function; what it raises is told with what it was given."""
    try:
        return function(given)
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        msg = (
            f"{name} fails on a batch {tuple(given.shape)} of {given.dtype}:"
            f" {type(error).__name__}: {first}."
            " Wrap what needs another shape, or more than that, in a function"
        )
        raise ValueError(msg) from error


def _tensor(found: object, name: str) -> Tensor:
    if isinstance(found, Tensor):
        found = found.detach().cpu()
    elif isinstance(found, np.ndarray):
        found = torch.as_tensor(found)
    else:
        msg = f"{name} must give arrays or tensors, not {_kind_of(found)}"
        raise ValueError(msg)
    if found.dtype not in (torch.float32, torch.float64):
        found = found.to(torch.float64 if not found.is_floating_point() else torch.float32)
    if not bool(torch.isfinite(found).all()):
        msg = f"{name} gives values that are not finite: did training diverge?"
        raise ValueError(msg)
    return found


def _kind_of(found: object) -> str:
    kind = type(found).__name__
    if isinstance(found, tuple | list):
        return f"a {kind} of {len(found)}"
    return f"a {kind}"
