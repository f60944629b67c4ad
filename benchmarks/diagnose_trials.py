"""Three VAEs of MNIST, trained well and badly, and what their diagnoses say of them.

Usage: python benchmarks/diagnose_trials.py [folder of the MNIST image files]
Without a folder that of LINVAE_DATA_DIR is taken. The first 10,000 images in [0, 1], perceptrons
784-256-20-256-784 with a sigmoid at the end, Adam with batches of 128; held out are the 10,000 test
images. Prints a row of a Markdown table for each model and split. A few minutes on one core.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from linvae.diagnose import Diagnosis, diagnose, noise_variance_of
from linvae.diagnose.verdict import with_error
from linvae.images import load as data
from linvae.images import preprocess

D, K, HIDDEN, BATCH, N = 784, 20, 256, 128, 10_000
COLUMNS = (
    "loss",
    "sigma^2",
    "data",
    "latents in use",
    "linear theory",
    "rho_1 / sigma^2",
    "gain",
    "of it by the mean",
    "ELBO - linear",
    "verdict",
)


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL of each datum from N(0, I), meaned over the batch."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()


def weighing(weight: float) -> Callable[..., Tensor]:
    """Return a loss of some weight of the squared error's sum over the features."""

    def loss(x: Tensor, x_hat: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        return weight * (x - x_hat).square().sum(1).mean() + kl(mean, log_variance)

    return loss


@dataclass(frozen=True)
class Trial:
    """How one model is trained."""

    name: str
    error_weight: float
    rate: float
    epochs: int
    cosine: bool


TRIALS = (
    Trial("mean of squares + KL", 1 / D, 1e-3, 20, cosine=False),
    Trial("half sum + KL", 0.5, 2e-3, 80, cosine=True),
    Trial("sum + KL, at a rate of 0.1", 1.0, 0.1, 20, cosine=False),
)


class VAE(nn.Module):
    """Perceptrons with one hidden layer, and a sigmoid at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Linear(D, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * K))
        self.decode = nn.Sequential(
            nn.Linear(K, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, D), nn.Sigmoid()
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x)."""
        return self.front(x).chunk(2, dim=1)


def trained(trial: Trial, images: Tensor, seed: int = 0) -> VAE:
    """Train a model as a trial says."""
    torch.manual_seed(seed)
    model, loss = VAE(), weighing(trial.error_weight)
    optimizer = torch.optim.Adam(model.parameters(), trial.rate)
    steps = trial.epochs * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(trial.epochs):
        for batch in torch.randperm(len(images)).split(BATCH):
            mean, log_variance = model.encode(images[batch])
            z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            optimizer.zero_grad()
            loss(images[batch], model.decode(z), mean, log_variance).backward()
            optimizer.step()
            if trial.cosine:
                schedule.step()
    return model


def diagnosed(trial: Trial, model: VAE, train: Tensor, held_out: Tensor) -> Diagnosis:
    """Diagnose it at the noise variance that its loss has."""
    noise_variance = noise_variance_of(weighing(trial.error_weight), D, K)
    return diagnose(
        train, model.encode, model.decode, noise_variance, held_out=held_out, step=1 / 255
    )


def rows(trial: Trial, found: Diagnosis) -> list[str]:
    """Return the rows of the table.

    The gain by the mean is |b|^2 / (2 sigma^2) with the shift b of the bypass for the training
    data.
    """
    splits = {"train": found.train, "held out": found.held_out}
    by_mean = found.bypass.shift @ found.bypass.shift / (2 * found.noise_variance)
    return [
        _row(
            trial.name,
            f"{found.noise_variance:.3g}",
            name,
            f"{split.n_used} of {found.n_latent}",
            str(found.n_linear),
            f"{split.eigenvalues[0] / found.noise_variance:.3g}",
            with_error(split.gain, split.gain_error),
            f"{by_mean:.3g}" if name == "train" else "",
            with_error(split.above_linear, split.above_linear_error),
            found.kind,
        )
        for name, split in splits.items()
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(folder: str | None = None) -> None:
    """Train, diagnose, and print the table and the verdicts."""
    torch.set_num_threads(1)
    source = "local" if folder else "auto"
    train, held_out = (
        torch.as_tensor(preprocess.pixels(data.load("MNIST", split, N, source, folder)[0])).float()
        for split in ("train", "test")
    )
    print(_row(*COLUMNS), _row(*["---"] * len(COLUMNS)), sep="\n", flush=True)
    verdicts = []
    for trial in TRIALS:
        found = diagnosed(trial, trained(trial, train), train, held_out)
        print(*rows(trial, found), sep="\n", flush=True)
        verdicts.append(f"{trial.name}\n{found}\n")
    print("", *verdicts, sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
