"""Training of models with a linear decoder, which are measured exactly along the way."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linvae.files import write_csv
from linvae.linear.gaps import measure_decoder, measure_linear, measure_subspace
from linvae.linear.spectrum import Spectrum
from linvae.settings.run_job import RunJob
from linvae.training.archive import save_model
from linvae.training.curve import Measure
from linvae.training.exact import decoder_weights, exact_elbo, linear_weights
from linvae.training.models import GaussianVAE
from linvae.training.shared import begin, checkpoint_of, initial_model, train
from linvae.training.solved import hold_decoder, solved_terms

__all__ = ["train_and_save"]


def train_and_save(
    job: RunJob,
    spectrum: Spectrum,
    data: NDArray[np.float64] | None,
    model_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train a model with a linear decoder; write its weights and curve.

    Parameters
    ----------
    job
        What is trained.
    spectrum
        Of the training data.
    data
        Training data (n, d), or None for a model that is trained from the covariance alone.
    model_file, curve_file
        Files to write.
    """
    begin(job)
    settings = job.model
    model = initial_model(job, spectrum)
    checkpoint = checkpoint_of(job, model_file)
    source = {"covariance": spectrum.covariance} if data is None else {"data": data}
    measure = _measure(job, spectrum, data)
    terms = None
    if settings.training.objective == "solved":
        hold_decoder(model)
        terms = solved_terms
    curve = train(model, settings, job.seed, checkpoint, terms=terms, measure=measure, **source)
    if settings.is_linear:
        linear_weights(model).save(model_file, job.metadata())
    else:
        save_model(model_file, model, job)
    write_csv(curve_file, curve)
    checkpoint.remove()


def _measure(job: RunJob, spectrum: Spectrum, data: NDArray[np.float64] | None) -> Measure:
    """Columns that a model's curve has beyond the training loop's own."""
    fixed, settings = job.noise_model.kind == "fixed", job.model
    if settings.training.objective == "reconstruction":
        return lambda model: measure_subspace(linear_weights(model).weights, spectrum)
    if settings.is_linear:
        return lambda model: measure_linear(linear_weights(model), spectrum, noise_fixed=fixed)

    def measure(model: GaussianVAE) -> dict[str, float]:
        weights, noise_variance = decoder_weights(model)
        value = exact_elbo(model, data)
        return measure_decoder(weights, noise_variance, value, spectrum, noise_fixed=fixed)

    return measure
