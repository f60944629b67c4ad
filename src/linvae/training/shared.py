"""What linear and deep training jobs share: from what they are told to a trained model."""

import json
from pathlib import Path

import pandas as pd
import torch
from numpy.typing import NDArray

from linvae.linear.moments import Moments
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training.checkpoint import Checkpoint
from linvae.training.clock import CpuClock
from linvae.training.curve import Measure
from linvae.training.device import device_of, make_deterministic
from linvae.training.loop import Terms, fit
from linvae.training.models import GaussianVAE, build

__all__ = ["begin", "checkpoint_of", "initial_model", "train"]


def begin(job: RunJob) -> None:
    """Set torch up for a job."""
    torch.set_num_threads(job.threads)
    make_deterministic(device_of(job.model.job.device))


def initial_model(job: RunJob, moments: Moments) -> GaussianVAE:
    """Return the model with its random initial weights."""
    given = (job.n_latent, job.noise_model, job.seed, job.image_shape)
    return build(job.model, moments, *given)


def checkpoint_of(job: RunJob, output: str | Path) -> Checkpoint:
    """Return the checkpoint of a job: ``checkpoint.safetensors`` beside one of its outputs.

    It is this job's if it says the same of the run, and the name of its folder, which is the
    address of the job: all else that decides the result.
    """
    file = Path(output).with_name("checkpoint.safetensors")
    told = {"address": file.resolve().parent.name, **job.identity()}
    return Checkpoint(file, json.dumps(told, sort_keys=True))


def train(
    model: GaussianVAE,
    settings: ModelSettings,
    seed: int,
    checkpoint: Checkpoint,
    *,
    terms: Terms | None = None,
    measure: Measure | None = None,
    clock: CpuClock | None = None,
    **source: NDArray | None,
) -> pd.DataFrame:
    """Train a model, and return its curve once nobody else works on the job.

    Parameters
    ----------
    model
        Changed in place, and moved to the CPU at the end.
    settings, seed
        How it is trained, and of batches and draws.
    terms, measure, clock
        An objective of the job's own, further columns of the curve, and a clock, as
        `linvae.training.loop.fit` takes them.
    **source
        ``data`` or ``covariance``, as `linvae.training.loop.fit` takes them.

    Raises
    ------
    Superseded
        If another process has taken the job over: nothing must be written then.
    """
    options = {"terms": terms, "measure": measure, "clock": clock, "checkpoint": checkpoint}
    curve = fit(model, settings, seed, **options, **source)
    checkpoint.require_ownership()
    model.cpu()
    return curve
