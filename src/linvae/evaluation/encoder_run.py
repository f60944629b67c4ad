"""Final metrics of a run with a linear decoder and another encoder, which the data measure."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.files import read_last
from linvae.linear.gaps import measure_decoder
from linvae.linear.spectrum import Spectrum
from linvae.settings.run_job import RunJob
from linvae.training.archive import load_model
from linvae.training.exact import decoder_weights, exact_elbo

__all__ = ["encoder_metrics"]


def encoder_metrics(
    job: RunJob,
    spectrum: Spectrum,
    data: NDArray[np.float64],
    model_file: str | Path,
    curve_file: str | Path,
) -> dict[str, float]:
    """Metrics of a finished run, in nats per datum.

    Parameters
    ----------
    job
        A run of a model whose decoder is linear and whose encoder is not.
    spectrum
        Of the training data.
    data
        Training data (n, d).
    model_file, curve_file
        What training wrote.
    """
    torch.set_num_threads(job.threads)
    model = load_model(model_file)
    weights, noise_variance = decoder_weights(model)
    measured = measure_decoder(
        weights,
        noise_variance,
        exact_elbo(model, data),
        spectrum,
        noise_fixed=job.noise_model.kind == "fixed",
    )
    steps = int(read_last(curve_file, "step"))
    return {**measured, "noise_variance": noise_variance, "steps": steps}
