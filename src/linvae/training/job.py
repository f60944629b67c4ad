"""What linear and deep training jobs share: from a specification to a trained model."""

import json
from pathlib import Path

import pandas as pd
import torch
from numpy.typing import NDArray

from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.checkpoint import Checkpoint
from linvae.training.curve import Measure
from linvae.training.device import device_of, make_deterministic
from linvae.training.loop import Terms, fit
from linvae.training.models import GaussianVAE, build

__all__ = ["begin", "checkpoint_of", "initial_model", "train"]


def begin(spec: dict) -> ModelSettings:
    """Set torch up for a job and return its model's settings.

    Parameters
    ----------
    spec
        ``model`` (`ModelSettings` as JSON holds them), ``n_latent``, ``noise``, ``seed`` and
        ``threads``.
    """
    torch.set_num_threads(spec["threads"])
    settings = ModelSettings.model_validate(spec["model"])
    make_deterministic(device_of(settings.job.device))
    return settings


def initial_model(spec: dict, settings: ModelSettings, spectrum: Spectrum) -> GaussianVAE:
    """Return the model with its random initial weights."""
    noise = parse_noise(spec["noise"])
    return build(settings, spectrum, spec["n_latent"], noise, spec["seed"])


def checkpoint_of(spec: dict, model_file: str | Path) -> Checkpoint:
    """Return the checkpoint of a job: ``checkpoint.safetensors`` beside its weights."""
    file = Path(model_file).with_name("checkpoint.safetensors")
    return Checkpoint(file, json.dumps(spec, sort_keys=True))


def train(
    model: GaussianVAE,
    spec: dict,
    settings: ModelSettings,
    checkpoint: Checkpoint,
    *,
    terms: Terms | None = None,
    measure: Measure | None = None,
    **source: NDArray | None,
) -> pd.DataFrame:
    """Train a model, and return its curve once nobody else works on the job.

    Parameters
    ----------
    model
        Changed in place, and moved to the CPU at the end.
    terms, measure
        An objective of the job's own, and further columns of the curve, as
        `linvae.training.loop.fit` takes them.
    **source
        ``data`` or ``covariance``, as `linvae.training.loop.fit` takes them.

    Raises
    ------
    Superseded
        If another process has taken the job over: nothing must be written then.
    """
    options = {"terms": terms, "measure": measure, "checkpoint": checkpoint}
    curve = fit(model, settings, spec["seed"], **options, **source)
    checkpoint.require_ownership()
    model.cpu()
    return curve
