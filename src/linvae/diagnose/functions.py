"""A user's encoder and decoder as functions of rows, whatever they are written in.

The evaluation of the study takes ``encode`` and ``decode`` of tensors (m, d) and (m, k) on the CPU.
Models come with images of any shape, on any device, for NumPy arrays or torch tensors, and in
training mode.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from linvae.arrays import whole
from linvae.diagnose.module_search import modules_of
from linvae.diagnose.stages import Stages
from linvae.diagnose.user_function import Given, UserFunction, as_tensor, kind_of

__all__ = ["Posterior", "Rows", "adapted"]

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
        Those that were found in the functions; more are added as they show themselves.
    own_dtype : torch.dtype
        That the model computes in.
    device : torch.device
        Where it does so; None of functions of NumPy arrays.
    arrays : torch.dtype
        That of the data, where these are no tensor; None where they are.
    latent_shape : tuple of int
        Of the latents of one datum, known after the first call of ``encode``.
    stages : Stages
        Told of every batch.
    """

    user_encode: Callable
    user_decode: Callable
    shape: tuple[int, ...]
    posterior: Posterior
    batch_size: int
    modules: list[nn.Module]
    own_dtype: torch.dtype
    device: torch.device | None
    arrays: torch.dtype | None = None
    latent_shape: tuple[int, ...] = field(default=())
    stages: Stages = field(default_factory=lambda: Stages(shown=False))

    def __post_init__(self) -> None:
        self._encoder = UserFunction("encode", self.user_encode, self._pair, self.batch_size)
        self._decoder = UserFunction("decode", self.user_decode, self._means, self.batch_size)

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
        self.stages.tick()
        mean, second = self._encoder(x, self.shape, self._ways())
        # What the encoder has taken is likeliest for the decoder.
        self.own_dtype, self.device = self._encoder.given
        self.latent_shape = tuple(mean.shape[1:])
        return mean.flatten(1), second.flatten(1)

    def _pair(self, found: object, n: int) -> tuple[Tensor, Tensor]:
        if not isinstance(found, tuple | list) or len(found) != 2:
            msg = (
                "encode must give a pair, mean and log variance of q(z|x), each (n, k);"
                f" it gives {kind_of(found)}"
            )
            raise ValueError(msg)
        mean, second = (as_tensor(part, "encode") for part in found)
        if mean.ndim < 2 or len(mean) != n or second.shape != mean.shape:
            msg = (
                f"encode gives mean {tuple(mean.shape)} and {self.posterior} {tuple(second.shape)}"
                f" of {n} data; both must be ({n}, k)"
            )
            raise ValueError(msg)
        return mean, second

    def _decode_batch(self, z: Tensor) -> Tensor:
        self.stages.tick()
        (x,) = self._decoder(z, self.latent_shape, self._ways())
        return x.flatten(1)

    def _means(self, found: object, n: int) -> tuple[Tensor]:
        x = as_tensor(found, "decode")
        if x.ndim == 0 or len(x) != n or x[0].numel() != int(np.prod(self.shape)):
            msg = (
                f"decode gives {tuple(x.shape)} of {n} latents; the means of data of shape"
                f" {self.shape} are needed, ({n}, {', '.join(map(str, self.shape))})"
            )
            raise ValueError(msg)
        return (x,)

    def _ways(self) -> Iterator[Given]:
        """Give what a function may take, the likeliest first."""
        yield self.own_dtype, self.device
        # A module that nobody knew of has shown itself, or one has a function of arrays around it.
        late = _computed_with(self.modules)
        if late and late != (self.own_dtype, self.device):
            yield late
        if self.arrays and self.device is not None:
            yield self.arrays, None


def _computed_with(modules: Sequence[nn.Module]) -> Given | None:
    """Return type and device of the first weights, unless these are no floating point numbers."""
    weights = next((p for m in modules for p in (*m.parameters(), *m.buffers())), None)
    if weights is None or not weights.is_floating_point():
        return None
    return weights.dtype, weights.device


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
    of NumPy arrays otherwise, or where tensors fail and arrays work.

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
    shape, arrays = tuple(data.shape[1:]) or (1,), None
    if isinstance(data, Tensor):
        of_data = data.dtype if data.is_floating_point() else torch.float32, data.device
    else:
        single = np.asarray(data[:0]).dtype == np.float32
        arrays = torch.float32 if single else torch.float64
        of_data = arrays, torch.device("cpu") if found else None
    dtype, device = _computed_with(found) or of_data
    return Rows(encode, decode, shape, posterior, batch_size, found, dtype, device, arrays)
