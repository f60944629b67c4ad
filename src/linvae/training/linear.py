"""Training of models with a linear decoder, which are measured exactly along the way."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.files import write_csv
from linvae.measure import measure_decoder, measure_linear, measure_subspace
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training import objectives
from linvae.training.archive import save_model
from linvae.training.curve import Measure
from linvae.training.job import IDENTITY, begin, checkpoint_of, initial_model, train
from linvae.training.models import GaussianVAE
from linvae.weights import LinearWeights

__all__ = ["decoder_weights", "exact_elbo", "linear_weights", "train_and_save"]

_CHUNK = 4096


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
    curve = train(model, spec, settings, checkpoint, measure=measure, **source)
    if settings.is_linear:
        linear_weights(model).save(model_file, {key: spec[key] for key in IDENTITY})
    else:
        save_model(model_file, model, spec)
    write_csv(curve_file, curve)
    checkpoint.remove()


def linear_weights(model: GaussianVAE) -> LinearWeights:
    """W, V, D and sigma^2 of a linear VAE, in data units and float64."""
    weights, noise_variance = decoder_weights(model)
    with torch.no_grad():
        encoder = model.encoder_matrix().double().cpu().numpy()
        posterior_variance = model.encoder.log_variance.double().exp().cpu().numpy()
    return LinearWeights(weights, encoder, posterior_variance, noise_variance)


@torch.no_grad()
def decoder_weights(model: GaussianVAE) -> tuple[NDArray[np.float64], float]:
    """W (d, k) of a linear decoder, and sigma^2, in data units and float64."""
    noise_variance = float(model.log_noise_variance.double().exp())
    return model.decoder_matrix().double().cpu().numpy(), noise_variance


@torch.no_grad()
def exact_elbo(model: GaussianVAE, data: NDArray[np.floating]) -> float:
    """ELBO over all data (n, d) of a model with a linear decoder: no sampling, nats per datum."""
    total = 0.0
    for start in range(0, len(data), _CHUNK):
        batch = torch.as_tensor(data[start : start + _CHUNK]).to(model.units.mean)
        reconstruction, kl = objectives.exact_terms(model, model.units.inward(batch))
        loss = objectives.negative_elbo(
            reconstruction, kl, model.log_noise_variance, model.n_features
        )
        total -= float(loss) * len(batch)
    return total / len(data)


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
