"""Training of deep Gaussian VAEs: networks, start, and the loop, from a job to its files.

The networks are `linvae.training.models`; the objective is the ELBO by the reparameterisation trick
(`linvae.training.objectives`), maximised by Adam (`linvae.training.optimizer`) in the loop of
`linvae.training.loop`. Nothing here knows the closed forms of the linear VAE.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from linvae.files import write_csv
from linvae.linear.moments import Moments
from linvae.settings.run_job import RunJob
from linvae.training.archive import save_model
from linvae.training.clock import CpuClock
from linvae.training.device import device_of
from linvae.training.models import GaussianVAE
from linvae.training.processor import at_full_speed
from linvae.training.progress import progress_of
from linvae.training.shared import begin, checkpoint_of, initial_model, train

__all__ = ["start_at_principal_components", "train_and_save"]


@at_full_speed()
def train_and_save(
    job: RunJob,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    curve_file: str | Path,
    spectrum: Mapping[str, NDArray[np.float64]] | None = None,
    *,
    times_file: str | Path | None = None,
) -> None:
    """Train a deep VAE, and write its weights, its curve, and how long that took.

    The curve holds what `linvae.training.progress` sees on some images of each split. Progress is
    saved in ``checkpoint.safetensors`` beside the weights, and that file is removed at the end.

    Parameters
    ----------
    job
        What is trained.
    data
        ``train``, and ``test`` for the curve alone, each of shape (n, d).
    model_file, curve_file
        Files to write.
    spectrum
        Arrays of the file of the training data's `Spectrum`, for a start from the principal
        components; no other start reads any.
    times_file
        Where to write ``step``, ``images`` and ``cpu_seconds``, the processor time of the steps so
        far, which is another whenever the job runs; None for nowhere.
    """
    begin(job)
    settings = job.model
    model = initial_model(job, Moments.of_data(data["train"]))
    if settings.start.weights == "principal":
        start_at_principal_components(model, spectrum["eigenvalues"], spectrum["eigenvectors"])
    model.to(device_of(settings.job.device))
    checkpoint = checkpoint_of(job, model_file)
    measure = progress_of(model, data, job.seed)
    clock = CpuClock()
    curve = train(
        model, settings, job.seed, checkpoint, measure=measure, clock=clock, data=data["train"]
    )
    save_model(model_file, model, job)
    write_csv(curve_file, curve)
    if times_file is not None:
        write_csv(times_file, curve[["step", "images"]].assign(cpu_seconds=clock.seconds_at))
    checkpoint.remove()


@torch.no_grad()
def start_at_principal_components(
    model: GaussianVAE, eigenvalues: NDArray[np.float64], eigenvectors: NDArray[np.float64]
) -> None:
    """Make a model encode and decode along the k leading principal axes, in place.

    m(x) = Lambda^{-1/2} U^T (x - mu) and f(z) = mu + U Lambda^{1/2} z, whatever the noise variance:
    latents that have collapsed at the end of training have done so under its objective.

    Parameters
    ----------
    model
    eigenvalues, eigenvectors
        Of the training data's covariance, shape (d,), descending, and (d, d), in columns.

    Raises
    ------
    ValueError
        If a hidden layer has less than 2k units.
    """
    k = model.n_latent
    axes = eigenvectors[:, :k]
    deviation = np.sqrt(eigenvalues[:k])
    # Directions in which the data do not vary are neither encoded nor decoded.
    inverse = np.divide(1, deviation, out=np.zeros(k), where=deviation > 0)
    scale = model.units.scale.double().cpu().numpy()
    encoder = [*model.encoder.trunk, *model.encoder.mean]
    _pass_through(encoder, first=(axes * inverse).T * scale, last=np.eye(k))
    _pass_through(model.decoder, first=np.eye(k), last=(axes * deviation).T / scale)


def _pass_through(
    layers: Sequence[nn.Module], first: NDArray[np.float64], last: NDArray[np.float64]
) -> None:
    """Let a perceptron compute z -> last^T first z, for first (k, d_in) and last (k, d_out)."""
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    width = 2 * len(first)
    narrowest = min(layer.out_features for layer in linear[:-1])
    if narrowest < width:
        msg = (
            f"start.weights: principal needs hidden layers of at least 2 k = {width} units, "
            f"found {narrowest}; widen them in config.yaml or set start.weights: random"
        )
        raise ValueError(msg)
    for index, layer in enumerate(linear):
        if index < len(linear) - 1:
            passed = np.vstack([first, -first]) if index == 0 else np.eye(width)
            layer.weight[:width] = 0
            layer.weight[:width, : passed.shape[1]] = torch.as_tensor(passed).to(layer.weight)
            layer.bias[:width] = 0
        else:
            layer.weight.zero_()
            layer.weight[:, :width] = torch.as_tensor(np.vstack([last, -last]).T).to(layer.weight)
            layer.bias.zero_()
