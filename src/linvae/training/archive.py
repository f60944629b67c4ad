"""The weights of models that are not linear, as files."""

from pathlib import Path

import numpy as np
import torch

from linvae.files import DamagedFileError
from linvae.linear.moments import Moments
from linvae.settings.run_job import RunJob
from linvae.training.models import GaussianVAE, build
from linvae.weights import read_archive, write_tensors

__all__ = ["load_model", "save_model"]


def save_model(path: str | Path, model: GaussianVAE, job: RunJob) -> None:
    """Write all weights, and what is needed to rebuild the model."""
    tensors = {name: value.numpy() for name, value in model.state_dict().items()}
    write_tensors(path, tensors, job.metadata())


def load_model(path: str | Path) -> GaussianVAE:
    """Rebuild a model that is not linear from its file.

    Raises
    ------
    DamagedFileError
        If the file is damaged.
    """
    arrays, metadata = read_archive(path)
    try:
        job = RunJob.model_validate(metadata)
        # The file has the moments too, among the weights.
        moments = Moments(np.zeros(arrays["units.mean"].shape), 1.0)
        given = (job.n_latent, job.noise_model, job.seed, job.image_shape)
        model = build(job.model, moments, *given)
        model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (ValueError, KeyError, TypeError) as error:
        reason = f"it does not say what it is of ({type(error).__name__})"
        raise DamagedFileError(path, reason) from error
    except RuntimeError as error:  # whose message lists every tensor on lines of its own
        reason = "its weights do not fit its settings"
        raise DamagedFileError(path, reason) from error
    return model.eval()
