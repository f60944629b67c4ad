"""Some images of a deep VAE: data, their reconstructions, and samples from the prior."""

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.images.preprocess import inverse_logit
from linvae.seeds import derive_seed
from linvae.settings.jobs import MeasurementJob
from linvae.training.models import GaussianVAE

__all__ = ["images"]

_N_IMAGES = 10


@torch.no_grad()
def images(
    job: MeasurementJob, model: GaussianVAE, data: NDArray[np.float64]
) -> dict[str, NDArray[np.float32]]:
    """Return data, reconstructions and prior samples, in data units and as pixels.

    Each is of shape (m, h, w, c), or (m, d) of data that are no images.

    A reconstruction is the decoder's mean at the posterior mean, a sample its mean at a draw from
    the prior; neither has observation noise. The pixels, in [0, 1], are named ``*_pixels``.

    Parameters
    ----------
    job
        The run, and how the data were preprocessed.
    model
    data
        Of which the first are shown, shape (n, d).
    """
    data, reference = data[:_N_IMAGES], model.units.mean
    generator = torch.Generator().manual_seed(derive_seed(job.seed, "evaluate/prior"))
    z = torch.randn((len(data), model.n_latent), generator=generator, dtype=reference.dtype)
    mean, _ = model.encode(torch.as_tensor(data).to(reference))
    found = {
        "data": data,
        "reconstruction": model.decode(mean).numpy(),
        "prior": model.decode(z).numpy(),
    }
    logit = job.preprocessing == "logit"
    for name in list(found):
        pixels = inverse_logit(found[name], job.logit_lambda) if logit else found[name]
        found[f"{name}_pixels"] = np.clip(pixels, 0, 1)
    shape = job.image_shape or data.shape[1:]
    return {
        name: np.asarray(array, np.float32).reshape(-1, *shape) for name, array in found.items()
    }
