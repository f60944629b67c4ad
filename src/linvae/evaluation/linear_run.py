"""Final metrics of a linear run: exact, from its weights and the spectrum, without torch."""

from pathlib import Path

import numpy as np

from linvae.files import read_last
from linvae.linear.gaps import measure_linear, measure_subspace
from linvae.linear.spectrum import Spectrum
from linvae.settings.run_job import RunJob
from linvae.weights import LinearWeights

__all__ = ["linear_metrics"]


def linear_metrics(
    job: RunJob, spectrum: Spectrum, model_file: str | Path, curve_file: str | Path
) -> dict[str, float]:
    """Metrics of a finished run, in nats per datum.

    Parameters
    ----------
    job
        A run of a model that is linear.
    spectrum
        Of the training data.
    model_file, curve_file
        What training wrote.
    """
    steps = {"steps": int(read_last(curve_file, "step"))}
    model = LinearWeights.load(model_file)
    if job.model.training.objective == "reconstruction":
        return {**_autoencoder(model, spectrum), **steps}
    measured = measure_linear(model, spectrum, noise_fixed=job.noise_model.kind == "fixed")
    return {**measured, "noise_variance": model.noise_variance, **steps}


def _autoencoder(model: LinearWeights, spectrum: Spectrum) -> dict[str, float]:
    """Mean squared error of a linear autoencoder and of PCA with as many components."""
    encoded = model.encoder @ spectrum.covariance
    gram = model.weights.T @ model.weights
    error = (
        spectrum.total_variance
        - 2 * np.sum(model.weights.T * encoded)
        + np.sum(gram * (encoded @ model.encoder.T))
    )
    return {
        "reconstruction_error": float(error),
        "pca_error": float(spectrum.eigenvalues[model.weights.shape[1] :].sum()),
        **measure_subspace(model.weights, spectrum),
    }
