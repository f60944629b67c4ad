"""Images per second of deep VAE training, against a plain PyTorch loop and the bare products.

The plain loop is the textbook one: a TensorDataset of preprocessed images, a shuffling DataLoader,
the same network and batches, `torch.optim.Adam` as it comes. The third speed bounds both: the
matrix products of a step and one fused Adam, with nothing around them.

Usage: python benchmarks/deep.py
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from parts import Part, interleaved, logit_rows
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.threads import one_blas_thread
from linvae.training.adam import Adam, Group
from linvae.training.loop import fit
from linvae.training.models import GaussianVAE, build

__all__ = ["PAPER", "PlainVAE", "Shape", "linvae_vae", "part", "speeds"]

NOISE_VARIANCE = 3.0
BATCH_SIZE = 64

TEXT = """\
Images a second of an epoch of {n:,} logit images in batches of {batch}, float32; medians of
{rounds} epochs, the loops taking turns. The plain loop is a TensorDataset, a shuffling
DataLoader without workers and `torch.optim.Adam` as it comes, with the same network. The bare
products are those of a step, forward and backward, with one fused Adam and nothing around them:
an upper bound."""


class Shape(NamedTuple):
    """Features, the encoder's hidden layers (the decoder's are the same backwards), latents."""

    n_features: int
    hidden: tuple[int, ...]
    n_latent: int


PAPER = Shape(784, (1024, 512), 200)
SMALL = Shape(784, (256, 256), 100)


class PlainVAE(nn.Module):
    """The network as one would write it down."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        d, hidden, k = shape
        self.encoder = _perceptron((d, *hidden, 2 * k))
        self.decoder = _perceptron((k, *hidden[::-1], d))

    def loss(self, x: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Negative ELBO up to a constant, in nats per datum, for standard normal noise (n, k)."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * noise
        error = ((x - self.decoder(z)) ** 2).sum(1)
        kl = 0.5 * (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(1)
        return (error / (2 * NOISE_VARIANCE) + kl).mean()


def part(
    n: int = 4000, shapes: tuple[Shape, ...] = (PAPER, SMALL), batch: int = BATCH_SIZE
) -> Part:
    """Time the three loops on networks of the paper's size and of the default study's."""
    rows, rounds = logit_rows(n, ["train"]), 3
    table = []
    for shape in shapes:
        found = speeds(rows, shape, batch, rounds=rounds)
        widths = "-".join(map(str, (shape.n_features, *shape.hidden)))
        table.append(
            {
                "network": f"{widths}, k = {shape.n_latent}",
                **{f"{name}, images/s": f"{value:,.0f}" for name, value in found.items()},
                "linvae / plain": f"{found['linvae'] / found['plain loop']:.2f}",
                "linvae / bare": f"{found['linvae'] / found['bare products']:.2f}",
            }
        )
    text = TEXT.format(n=n, batch=batch, rounds=rounds)
    return Part("Deep training", text, pd.DataFrame(table))


def speeds(
    rows: np.ndarray, shape: Shape, batch_size: int, precision: str = "float32", rounds: int = 3
) -> dict[str, float]:
    """Return images per second of each loop on rows (n, d)."""
    makers = {"linvae": linvae_loop, "plain loop": plain_loop, "bare products": bare_loop}
    loops = {name: make(rows, shape, batch_size, precision) for name, make in makers.items()}
    return {name: len(rows) / seconds for name, seconds in interleaved(loops, rounds).items()}


def plain_loop(
    rows: np.ndarray, shape: Shape, batch_size: int, precision: str
) -> Callable[[], None]:
    """Return one epoch of the plain loop."""
    model = PlainVAE(shape)
    images = TensorDataset(torch.as_tensor(rows, dtype=torch.float32))
    loader = DataLoader(images, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        total = 0.0
        for (x,) in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = model.loss(x, torch.randn(len(x), shape.n_latent))
            loss.backward()
            optimizer.step()
            total += loss.item()

    return epoch


def linvae_vae(
    spectrum: Spectrum, shape: Shape, batch_size: int, precision: str = "float32"
) -> tuple[GaussianVAE, ModelSettings]:
    """Return linvae's VAE of a shape, and its settings."""
    training = {"objective": "stochastic", "epochs": 1, "batch_size": batch_size}
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": shape.hidden, "posterior": "amortised"},
            "decoder": {"hidden": shape.hidden[::-1]},
            "training": training | {"precision": precision},
            "start": {"standardize": True},
        }
    )
    noise = parse_noise(f"fixed-{NOISE_VARIANCE:g}")
    return build(settings, spectrum, shape.n_latent, noise, 0), settings


def linvae_loop(
    rows: np.ndarray, shape: Shape, batch_size: int, precision: str
) -> Callable[[], None]:
    """Return one epoch of `linvae.training.loop.fit`, its preparation of the data included."""
    spectrum = Spectrum.from_data(rows)
    model, settings = linvae_vae(spectrum, shape, batch_size, precision)

    def epoch() -> None:
        fit(model, settings, 0, data=rows)

    return epoch


def bare_loop(
    rows: np.ndarray, shape: Shape, batch_size: int, precision: str
) -> Callable[[], None]:
    """Return the matrix products and Adam steps of one epoch, which no training loop can spare."""
    dtype = getattr(torch, precision)
    d, hidden, k = shape
    widths = ((d, *hidden, 2 * k), (k, *hidden[::-1], d))
    sizes = [pair for one in widths for pair in zip(one, one[1:], strict=False)]
    weights = [torch.randn(fan_out, fan_in) / fan_in for fan_in, fan_out in sizes]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    inputs = [torch.randn(batch_size, fan_in, dtype=dtype) for fan_in, _ in sizes]
    errors = [torch.randn(batch_size, fan_out, dtype=dtype) for _, fan_out in sizes]
    optimizer = Adam([Group(weights)])

    def epoch() -> None:
        for _ in range(0, len(rows), batch_size):
            for layer, weight in enumerate(weights):
                held = weight.to(dtype)
                _ = inputs[layer] @ held.T
                _ = errors[layer].T @ inputs[layer]
                if layer > 0:  # nobody asks for the gradient of the images
                    _ = errors[layer] @ held
            optimizer.step(1e-3)

    return epoch


def _perceptron(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


if __name__ == "__main__":
    torch.set_num_threads(1)
    with one_blas_thread():
        print(part().markdown())
