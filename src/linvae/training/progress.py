"""What the curve of a deep VAE shows beside the loop's own: both splits, and latents in use.

A reader sees in it what settles, and where fitting the training images begins.
"""

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.seeds import derive_seed
from linvae.training import objectives
from linvae.training.curve import Measure
from linvae.training.models import GaussianVAE

__all__ = ["progress_of"]

# Of each split; a latent is in use if its KL reaches EPSILON nats for more than DELTA of them.
N_IMAGES = 500
EPSILON = 0.1
DELTA = 0.01


def progress_of(model: GaussianVAE, data: Mapping[str, NDArray], seed: int) -> Measure:
    """Return a function that measures the model on the first images of each split.

    Parameters
    ----------
    model
        Whose units and precision the images are put into once.
    data
        ``train`` and ``test``, each of shape (n, d).
    seed
        Of the run. The draws are the same at every look, so that looks differ by the model alone.

    Returns
    -------
    function
        Gives ``subset_elbo`` and ``test_elbo`` (nats per datum, one draw for each image), and
        ``used_latents`` of the training images.
    """
    reference = next(model.parameters())
    images, noise = {}, {}
    for split in ("train", "test"):
        rows = torch.as_tensor(data[split][:N_IMAGES]).to(reference)
        images[split] = model.units.inward(rows)
        generator = torch.Generator().manual_seed(derive_seed(seed, f"progress/{split}"))
        shape = (1, len(rows), model.n_latent)
        noise[split] = torch.randn(shape, generator=generator).to(reference)

    @torch.no_grad()
    def measure(model: GaussianVAE) -> dict[str, float]:
        found = {split: _look(model, images[split], noise[split]) for split in images}
        kl = found["train"][1]
        used = (kl >= EPSILON).double().mean(0) > DELTA
        return {
            "subset_elbo": float(found["train"][0]),
            "test_elbo": float(found["test"][0]),
            "used_latents": float(used.sum()),
        }

    return measure


def _look(model: GaussianVAE, y: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean ELBO, and the KL of each datum and dimension."""
    reconstruction, kl = objectives.sampled_terms(model, y, noise)
    elbo = -objectives.negative_elbo(reconstruction, kl, model.log_noise_variance, model.n_features)
    mean, log_variance = model.encoder(y)
    return elbo, objectives.gaussian_kl(mean, log_variance)
