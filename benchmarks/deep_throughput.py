"""Images per second of deep VAE training on one core, against a plain PyTorch loop.

The plain loop is the textbook one: a Dataset that preprocesses each image when it is asked for, a
shuffling DataLoader, the same network, the same batches, `torch.optim.Adam` as it comes. The third
speed is the limit of both: the matrix products of a step and one fused Adam, with nothing around
them. The loops take turns, so that whatever else the machine does hurts all. Run by hand:

    python benchmarks/deep_throughput.py
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from linvae.noise import parse_noise
from linvae.preprocess import logit
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.loop import fit
from linvae.training.models import build
from linvae.training.optimizer import Adam, Group

D, K, NOISE_VARIANCE, LAM = 784, 200, 3.0, 1e-6


class Images(Dataset):
    """Bytes of images, dithered and mapped to logits when asked for."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = torch.as_tensor(images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        pixels = self.images[index].float()
        y = (pixels + torch.rand_like(pixels)) / 256
        return torch.logit(LAM + (1 - 2 * LAM) * y).flatten()


class PlainVAE(nn.Module):
    """The network as one would write it down."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(D, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 2 * K)
        )
        self.decoder = nn.Sequential(
            nn.Linear(K, 512), nn.ReLU(), nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, D)
        )

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """Negative ELBO up to a constant, in nats per datum."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = ((x - self.decoder(z)) ** 2).sum(1)
        kl = 0.5 * (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(1)
        return (error / (2 * NOISE_VARIANCE) + kl).mean()


def plain_loop(images: np.ndarray, batch_size: int, precision: str) -> Callable[[], None]:
    """Return one epoch of the plain loop."""
    model = PlainVAE()
    loader = DataLoader(Images(images), batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> None:
        total = 0.0
        for x in loader:
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = model.loss(x)
            loss.backward()
            optimizer.step()
            total += loss.item()

    return epoch


def linvae_loop(images: np.ndarray, batch_size: int, precision: str) -> Callable[[], None]:
    """Return one epoch of `linvae.training.loop.fit`, its preparation of the data included."""
    data = logit(images)
    spectrum = Spectrum.from_data(data)
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [1024, 512], "posterior": "amortised"},
            "decoder": {"hidden": [512, 1024]},
            "training": {
                "objective": "stochastic",
                "epochs": 1,
                "batch_size": batch_size,
                "precision": precision,
            },
            "start": {"standardize": True},
        }
    )
    model = build(settings, spectrum, K, parse_noise(f"fixed-{NOISE_VARIANCE:g}"), 0)

    def epoch() -> None:
        fit(model, settings, 0, data=data)

    return epoch


def bare_loop(images: np.ndarray, batch_size: int, precision: str) -> Callable[[], None]:
    """Return the matrix products and Adam steps of one epoch, which no training loop can spare."""
    dtype = getattr(torch, precision)
    sizes = ((D, 1024), (1024, 512), (512, 2 * K), (K, 512), (512, 1024), (1024, D))
    weights = [torch.randn(fan_out, fan_in) / fan_in for fan_in, fan_out in sizes]
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    inputs = [torch.randn(batch_size, fan_in, dtype=dtype) for fan_in, _ in sizes]
    errors = [torch.randn(batch_size, fan_out, dtype=dtype) for _, fan_out in sizes]
    optimizer = Adam([Group(weights)])

    def epoch() -> None:
        for _ in range(0, len(images), batch_size):
            for layer, weight in enumerate(weights):
                held = weight.to(dtype)
                _ = inputs[layer] @ held.T
                _ = errors[layer].T @ inputs[layer]
                if layer > 0:  # nobody asks for the gradient of the images
                    _ = errors[layer] @ held
            optimizer.step(1e-3)

    return epoch


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # As many zeros as handwritten digits have; the values do not change the speed.
    rng = np.random.default_rng(0)
    shape = (arguments.images, 28, 28)
    images = (rng.integers(0, 256, shape) * (rng.random(shape) < 0.2)).astype(np.uint8)
    print("processor time, medians; images per second")
    print("precision  batch   plain   linvae   limit   ratio   of the limit")
    for precision in arguments.precisions:
        for batch_size in arguments.batch_sizes:
            makers = (plain_loop, linvae_loop, bare_loop)
            loops = [make(images, batch_size, precision) for make in makers]
            times: list[list[float]] = [[] for _ in loops]
            for loop in loops:
                loop()
            for _ in range(arguments.rounds):
                for kept, loop in zip(times, loops, strict=True):
                    start = time.process_time()
                    loop()
                    kept.append(time.process_time() - start)
            plain, ours, limit = (arguments.images / statistics.median(kept) for kept in times)
            speeds = f"{plain:7.0f} {ours:8.0f} {limit:7.0f}"
            ratios = f"{ours / plain:7.2f} {ours / limit:14.2f}"
            print(f"{precision:9s} {batch_size:6d} {speeds} {ratios}")


if __name__ == "__main__":
    main()
