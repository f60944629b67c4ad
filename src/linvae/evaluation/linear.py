"""Final metrics of a run whose decoder is linear: exact, from its weights and the spectrum."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linvae.cancelling import squared_error, would_cancel
from linvae.files import read_last
from linvae.measure import measure_decoder, measure_linear, measure_subspace
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.weights import LinearWeights

__all__ = ["linear_metrics"]


def linear_metrics(
    spec: dict,
    spectrum: Spectrum,
    data: NDArray[np.float64] | None,
    model_file: str | Path,
    curve_file: str | Path,
) -> dict[str, float]:
    """Metrics of a finished run, in nats per datum.

    Parameters
    ----------
    spec
        ``model`` and ``noise`` of the run.
    spectrum
        Of the training data.
    data
        Training data (n, d), for an encoder that is not linear; else None.
    model_file, curve_file
        What training wrote.
    """
    settings = ModelSettings.model_validate(spec["model"])
    fixed = parse_noise(spec["noise"]).kind == "fixed"
    steps = {"steps": int(read_last(curve_file, "step"))}
    if not settings.is_linear:
        return {**_general(spectrum, data, model_file, fixed), **steps}
    model = LinearWeights.load(model_file)
    if settings.training.objective == "reconstruction":
        return {**_autoencoder(model, spectrum), **steps}
    measured = measure_linear(model, spectrum, noise_fixed=fixed)
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
    if would_cancel(error, spectrum.total_variance):
        error = squared_error(model.weights, model.encoder, spectrum.factor)
    return {
        "reconstruction_error": float(error),
        "pca_error": float(spectrum.eigenvalues[model.weights.shape[1] :].sum()),
        **measure_subspace(model.weights, spectrum),
    }


def _general(
    spectrum: Spectrum, data: NDArray[np.float64], model_file: str | Path, fixed: bool
) -> dict[str, float]:
    # Only here is torch needed: it takes two seconds to import.
    from linvae.training.archive import load_model
    from linvae.training.exact import decoder_weights, exact_elbo

    model = load_model(model_file, spectrum)
    weights, noise_variance = decoder_weights(model)
    measured = measure_decoder(
        weights, noise_variance, exact_elbo(model, data), spectrum, noise_fixed=fixed
    )
    return {**measured, "noise_variance": noise_variance}
