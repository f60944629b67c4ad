"""The weights of models that are not linear, as files."""

from pathlib import Path

import torch

from linvae.files import DamagedFileError
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.models import GaussianVAE, build
from linvae.weights import IDENTITY, read_archive, write_tensors

__all__ = ["load_model", "save_model"]


def save_model(path: str | Path, model: GaussianVAE, spec: dict) -> None:
    """Write all weights, and what is needed to rebuild the model but for the spectrum."""
    tensors = {name: value.numpy() for name, value in model.state_dict().items()}
    write_tensors(path, tensors, {key: spec[key] for key in IDENTITY})


def load_model(path: str | Path, spectrum: Spectrum) -> GaussianVAE:
    """Rebuild a model that is not linear from its file and the spectrum of its training data.

    Raises
    ------
    DamagedFileError
        If the file is damaged.
    """
    arrays, spec = read_archive(path)
    try:
        settings = ModelSettings.model_validate(spec["model"])
        noise = parse_noise(spec["noise"])
        model = build(settings, spectrum, spec["n_latent"], noise, spec["seed"])
        model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(path, error) from error
    except RuntimeError as error:  # whose message lists every tensor on lines of its own
        reason = "its weights do not fit its settings and the spectrum"
        raise DamagedFileError(path, reason) from error
    return model.eval()
