"""One training job from its settings to its files, and back from its files to the model."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.files import DamagedFileError, write_csv
from linvae.measure import measure_decoder, measure_linear, measure_subspace
from linvae.naming import parse_noise
from linvae.settings.model import ModelSpec
from linvae.spectrum import Spectrum
from linvae.training import objectives
from linvae.training.checkpoint import Checkpoint
from linvae.training.loop import fit
from linvae.training.models import GaussianVAE, build
from linvae.training.optimizer import device_of, make_deterministic
from linvae.training.start import start_at_principal_components
from linvae.weights import LinearWeights, read_archive, write_tensors

__all__ = ["decoder_weights", "exact_elbo", "linear_weights", "load_model", "train_and_save"]

_CHUNK = 4096


def train_and_save(
    spec: dict,
    spectrum: Spectrum,
    data: NDArray[np.float64] | None,
    model_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train the model that `spec` describes, and write its weights and its curve.

    Progress is saved in ``checkpoint.safetensors`` beside the weights, and that file is removed at
    the end.

    Parameters
    ----------
    spec
        ``model`` (a `ModelSpec`), ``n_latent``, ``noise``, ``seed``, ``threads``.
    spectrum
        Of the training data.
    data
        Training data (n, d), or None for a model that is trained from the covariance alone.
    model_file, curve_file
        Files to write.
    """
    torch.set_num_threads(spec["threads"])
    settings = ModelSpec.model_validate(spec["model"])
    make_deterministic(device_of(settings.training.device))
    model = _initial(settings, spec, spectrum)
    checkpoint_file = Path(model_file).with_name("checkpoint.safetensors")
    checkpoint = Checkpoint(checkpoint_file, json.dumps(spec, sort_keys=True))
    curve = fit(
        model,
        settings.training,
        spec["seed"],
        covariance=spectrum.covariance if data is None else None,
        data=data,
        measure=_measure(settings, spec, spectrum, data),
        checkpoint=checkpoint,
    )
    checkpoint.require_ownership()
    model = model.cpu()
    metadata = {key: spec[key] for key in ("model", "n_latent", "noise", "seed")}
    if settings.is_linear:
        linear_weights(model).save(model_file, metadata)
    else:
        tensors = {name: value.numpy() for name, value in model.state_dict().items()}
        write_tensors(model_file, tensors, metadata)
    write_csv(curve_file, curve)
    checkpoint.remove()


def load_model(file: str | Path, spectrum: Spectrum) -> GaussianVAE:
    """Rebuild a model that is not linear from its file and the spectrum of its training data.

    Raises
    ------
    DamagedFileError
        If the file is damaged.
    """
    arrays, spec = read_archive(file)
    try:
        model = _initial(ModelSpec.model_validate(spec["model"]), spec, spectrum)
        model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(file, error) from error
    except RuntimeError as error:  # whose message lists every tensor on lines of its own
        reason = "its weights do not fit its settings and the spectrum"
        raise DamagedFileError(file, reason) from error
    return model.eval()


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


def _initial(settings: ModelSpec, spec: dict, spectrum: Spectrum) -> GaussianVAE:
    noise = parse_noise(spec["noise"])
    model = build(settings, spectrum, spec["n_latent"], noise, spec["seed"])
    if settings.training.init == "principal":
        start_at_principal_components(model, spectrum)
    return model


def _measure(
    settings: ModelSpec, spec: dict, spectrum: Spectrum, data: NDArray[np.float64] | None
) -> Callable[[GaussianVAE], dict[str, float]] | None:
    """Columns that a model's curve has beyond the training loop's own."""
    fixed = parse_noise(spec["noise"]).kind == "fixed"
    if not settings.decoder.is_linear:
        return None
    if settings.training.objective == "reconstruction":
        return lambda model: measure_subspace(linear_weights(model).weights, spectrum)
    if settings.is_linear:
        return lambda model: measure_linear(linear_weights(model), spectrum, noise_fixed=fixed)

    def measure(model: GaussianVAE) -> dict[str, float]:
        weights, noise_variance = decoder_weights(model)
        value = exact_elbo(model, data)
        return measure_decoder(weights, noise_variance, value, spectrum, noise_fixed=fixed)

    return measure
