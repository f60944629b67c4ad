"""Training by the importance-weighted bound on log p(x), and by the ELBO with the same draws.

Both are objectives for `linvae.training.loop.fit`. The draws of a step follow from the seed and the
number of the step, so that the two see the same ones, and a training that was killed goes on with
those that it would have seen.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from linvae.seeds import derive_seed
from linvae.settings.likelihood_job import Bound, LikelihoodJob
from linvae.training.checkpoint import Checkpoint
from linvae.training.loop import Terms
from linvae.training.models import GaussianVAE
from linvae.training.objectives import negative_elbo, sampled_terms
from linvae.training.shared import checkpoint_of

__all__ = ["FollowedCheckpoint", "StepNoise", "followed", "importance_terms", "terms_of"]


class StepNoise:
    """Standard normal draws, of each step those of (seed, number of the step).

    Parameters
    ----------
    seed
        Of the training.
    draws
        K, for each datum.

    Attributes
    ----------
    step
        Number of the next step; every call counts as one.
    """

    def __init__(self, seed: int, draws: int) -> None:
        self.seed, self.draws, self.step = seed, draws, 0

    def __call__(self, batch: Tensor, n_latent: int) -> Tensor:
        """Return the draws of the next step for a batch (n, d), shape (K, n, k)."""
        generator = torch.Generator(batch.device)
        generator.manual_seed(derive_seed(self.seed, f"bound/{self.step}"))
        self.step += 1
        shape = (self.draws, len(batch), n_latent)
        return torch.randn(shape, generator=generator, dtype=batch.dtype, device=batch.device)


def terms_of(bound: Bound, noise: StepNoise) -> Terms:
    """Return the objective that maximises a bound by the draws of `noise`.

    The ELBO has its KL in closed form, as in every other training here.
    """
    terms = importance_terms if bound == "iwae" else sampled_terms

    def drawn(model: GaussianVAE, y: Tensor) -> tuple[Tensor, Tensor]:
        return terms(model, y, noise(y, model.n_latent))

    return drawn


def importance_terms(model: GaussianVAE, y: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return terms whose negative ELBO is minus the importance-weighted bound.

    .. math:: \log \frac{1}{K} \sum_j \frac{p(y|z_j) p(z_j)}{q(z_j|y)}, \quad z_j \sim q(z|y)

    It is averaged over the batch. With one draw it is the ELBO whose KL is sampled too.

    Parameters
    ----------
    model
    y
        Data in the network's units, shape (n, d), as ``model.units.inward`` gives them.
    noise
        Standard normal, shape (K, n, k).

    Returns
    -------
    tuple
        The mean squared error over draws and data, for the record and without a gradient; and in
        place of the KL all else that the bound is short of: it is no divergence, and may be
        negative.

    References
    ----------
    Burda, Grosse and Salakhutdinov (2016), *Importance weighted autoencoders*, equation 8.
    """
    mean, log_variance = model.encoder(y)
    z = mean + torch.exp(0.5 * log_variance) * noise
    error = model.units.squared_norm(y - model.decoder(z))
    # log q(z|y) - log p(z): the factors of 2 pi cancel.
    divergence = 0.5 * (z.square() - noise.square() - log_variance).sum(-1)
    of_model = (model.log_noise_variance, model.n_features)
    log_weights = -negative_elbo(error, divergence, *of_model)
    bound = (torch.logsumexp(log_weights, 0) - math.log(len(noise))).mean()
    recorded = error.detach().mean()
    # The loop adds what is taken away here, with its gradient by a learned sigma^2.
    return recorded, -bound - negative_elbo(recorded, torch.zeros_like(bound), *of_model)


class FollowedCheckpoint(Checkpoint):
    """A checkpoint whose step the draws of the training follow when it is resumed."""

    def __init__(self, path: str | Path, specification: str, noise: StepNoise) -> None:
        super().__init__(path, specification)
        self._noise = noise

    def load(self) -> tuple[dict[str, Tensor], int] | None:
        """Load as `Checkpoint` does, and let the draws go on from there."""
        found = super().load()
        self._noise.step = 0 if found is None else found[1]
        return found


def followed(job: LikelihoodJob, output: str | Path, noise: StepNoise) -> FollowedCheckpoint:
    """Return the checkpoint of a job beside one of its outputs, which the draws follow."""
    plain = checkpoint_of(job, output)
    return FollowedCheckpoint(plain.path, plain.specification, noise)
