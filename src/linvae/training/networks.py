"""The kinds of networks that encoders and decoders are made of.

A kind is a pair of functions in ``_ENCODERS`` and ``_DECODERS``, under the name that
`linvae.settings.model.Network.kind` gives it. They are told the shape of one datum, (h, w, c) of an
image or (d,), and their networks take and give data as rows (n, d).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from linvae.settings.model import Network

__all__ = ["Draw", "Shape", "Skip", "composed", "decoder_network", "encoder_body", "perceptron"]

_ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
}


# Of one datum.
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Draw:
    """Where initial weights come from: uniform in +-scale/sqrt(fan in)."""

    generator: torch.Generator
    scale: float = 1.0


def perceptron(sizes: Sequence[int], activation: str, draw: Draw, *, bias: bool) -> nn.Sequential:
    """Return linear maps with activations between them."""
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        if i > 0:
            layers.append(_ACTIVATIONS[activation]())
        layer = nn.Linear(fan_in, fan_out, bias=bias)
        bound = draw.scale / fan_in**0.5
        with torch.no_grad():
            layer.weight.uniform_(-bound, bound, generator=draw.generator)
            if bias:
                layer.bias.uniform_(-bound, bound, generator=draw.generator)
        layers.append(layer)
    return nn.Sequential(*layers)


class Skip(nn.Module):
    """A linear map A past a network, to be added to what the network gives.

    A starts at zero: at first a network computes what it does without a skip, from the same draws.
    A leaves zero with the first step, since the network beside it gives latents and errors that
    are not zero.

    Parameters
    ----------
    n_in, n_out
        Sizes of the network's input and output.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))

    def forward(self, x: Tensor) -> Tensor:
        """Return A x, shape (..., n_out)."""
        return nn.functional.linear(x, self.weight)


class Skipped(nn.Module):
    """A network and the linear way past it: network(x) + A x."""

    def __init__(self, network: nn.Module, n_in: int, n_out: int) -> None:
        super().__init__()
        self.network, self.skip = network, Skip(n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output (..., n_out) of x (..., n_in)."""
        return self.network(x) + self.skip(x)


def composed(network: nn.Sequential) -> Tensor | None:
    """Return the matrix of a perceptron whose activations are the identity; None of no layers."""
    product = None
    for layer in network:
        if isinstance(layer, nn.Linear):
            product = layer.weight if product is None else layer.weight @ product
    return product


def encoder_body(
    settings: Network, shape: Shape, draw: Draw
) -> tuple[nn.Sequential, nn.Module, int]:
    """Return an encoder up to its heads: layers, their last activation, and the output's width."""
    return _ENCODERS[settings.kind](settings, shape, draw)


def decoder_network(settings: Network, n_latent: int, shape: Shape, draw: Draw) -> nn.Module:
    """Return a network from latents (..., k) to features (..., d)."""
    network = _DECODERS[settings.kind](settings, n_latent, shape, draw)
    return Skipped(network, n_latent, math.prod(shape)) if settings.skip else network


def _perceptron_body(
    settings: Network, shape: Shape, draw: Draw
) -> tuple[nn.Sequential, nn.Module, int]:
    sizes = (math.prod(shape), *settings.hidden)
    layers = perceptron(sizes, settings.activation, draw, bias=not settings.is_linear)
    last = _ACTIVATIONS[settings.activation]() if settings.hidden else nn.Identity()
    return layers, last, sizes[-1]


def _perceptron_decoder(
    settings: Network, n_latent: int, shape: Shape, draw: Draw
) -> nn.Sequential:
    sizes = (n_latent, *settings.hidden, math.prod(shape))
    return perceptron(sizes, settings.activation, draw, bias=not settings.is_linear)


_ENCODERS = {"perceptron": _perceptron_body}
_DECODERS = {"perceptron": _perceptron_decoder}
