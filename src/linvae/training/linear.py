"""Training of models with a linear decoder, which are measured exactly along the way."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linvae.files import write_csv
from linvae.measure import measure_decoder, measure_linear, measure_subspace
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.archive import save_model
from linvae.training.curve import Measure
from linvae.training.exact import decoder_weights, exact_elbo, linear_weights
from linvae.training.job import begin, checkpoint_of, initial_model, train
from linvae.training.models import GaussianVAE
from linvae.training.solved import hold_decoder, solved_terms
from linvae.weights import IDENTITY

__all__ = ["train_and_save"]


def train_and_save(
    spec: dict,
    spectrum: Spectrum,
    data: NDArray[np.float64] | None,
    model_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train the model with a linear decoder that `spec` describes; write its weights and curve.

    Parameters
    ----------
    spec
        As `linvae.training.job.begin` takes it.
    spectrum
        Of the training data.
    data
        Training data (n, d), or None for a model that is trained from the covariance alone.
    model_file, curve_file
        Files to write.
    """
    settings = begin(spec)
    model = initial_model(spec, settings, spectrum)
    checkpoint = checkpoint_of(spec, model_file)
    source = {"covariance": spectrum.covariance} if data is None else {"data": data}
    measure = _measure(settings, spec, spectrum, data)
    terms = None
    if settings.training.objective == "solved":
        hold_decoder(model)
        terms = solved_terms
    curve = train(model, spec, settings, checkpoint, terms=terms, measure=measure, **source)
    if settings.is_linear:
        linear_weights(model).save(model_file, {key: spec[key] for key in IDENTITY})
    else:
        save_model(model_file, model, spec)
    write_csv(curve_file, curve)
    checkpoint.remove()


def _measure(
    settings: ModelSettings, spec: dict, spectrum: Spectrum, data: NDArray[np.float64] | None
) -> Measure:
    """Columns that a model's curve has beyond the training loop's own."""
    fixed = parse_noise(spec["noise"]).kind == "fixed"
    if settings.training.objective == "reconstruction":
        return lambda model: measure_subspace(linear_weights(model).weights, spectrum)
    if settings.is_linear:
        return lambda model: measure_linear(linear_weights(model), spectrum, noise_fixed=fixed)

    def measure(model: GaussianVAE) -> dict[str, float]:
        weights, noise_variance = decoder_weights(model)
        value = exact_elbo(model, data)
        return measure_decoder(weights, noise_variance, value, spectrum, noise_fixed=fixed)

    return measure
