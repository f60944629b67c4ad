"""Final metrics of a run whose decoder is not linear: by sampling, against the linear bound.

All values are averages per datum, in nats. The ELBO and the sigma^2-tuned ELBO come from the same
draws of z, so that the second is never below the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.collapse import SPLITS, CollapseCurve, collapse_percent, kl_per_dimension
from linvae.elbo import linear_bound
from linvae.files import read_last, write_arrays, write_json
from linvae.noise import number, parse_noise
from linvae.preprocess import bits_per_dimension, inverse_logit
from linvae.seeds import derive_seed
from linvae.settings.measurement import EPSILONS
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training import objectives
from linvae.training.archive import load_model
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import epoch_length

__all__ = ["Encoded", "deep_metrics", "encode", "evaluate_and_save", "images"]

_CHUNK = 512
_N_IMAGES = 10


@dataclass(frozen=True, eq=False)
class Encoded:
    """What a model makes of a data set.

    Attributes
    ----------
    kl : ndarray of shape (n, k)
        KL(q(z_i|x) || p(z_i)) of each datum and dimension, in nats.
    reconstruction : float
        E_q ||x - f(z)||^2 in squared data units, averaged over data and draws.
    """

    kl: NDArray[np.float64]
    reconstruction: float


def evaluate_and_save(
    spec: dict,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    curve_file: str | Path,
    *,
    metrics_file: str | Path,
    kl_file: str | Path,
    samples_file: str | Path,
) -> None:
    """Measure a finished run and write its metrics, its collapse curves and some images.

    Parameters
    ----------
    spec
        ``model``, ``noise``, ``seed`` and ``threads`` of the run; ``draws``, ``epsilon`` and
        ``delta`` of the measurement; ``preprocessing`` of the data, with ``logit_lambda`` if logit.
    spectrum
        Of the training data.
    data
        The splits ``train`` and ``test``, each of shape (n, d).
    model_file, curve_file
        What training wrote.
    metrics_file, kl_file, samples_file
        Files to write. ``kl.npz`` holds a `CollapseCurve` of each split and ``mean_kl`` (k,), with
        the prefix ``test_`` for the test split.
    """
    torch.set_num_threads(spec["threads"])
    model = load_model(model_file, spectrum)
    encoded = {
        split: encode(model, rows, spec["draws"], spec["seed"], split)
        for split, rows in data.items()
    }
    metrics = deep_metrics(spec, spectrum, data, encoded, _noise_variance(spec, model))
    steps = int(read_last(curve_file, "step"))
    training = ModelSettings.model_validate(spec["model"]).training
    metrics |= {"steps": steps, "epochs": steps // epoch_length(training, len(data["train"]))}
    write_arrays(samples_file, **images(spec, model, data["test"][:_N_IMAGES]))
    _write_collapse(kl_file, encoded)
    write_json(metrics_file, metrics)


@torch.no_grad()
def encode(
    model: GaussianVAE, data: NDArray[np.floating], n_draws: int, seed: int, split: str
) -> Encoded:
    """Encode all data (n, d) and decode `n_draws` draws of z for each, from (seed, split)."""
    generator = torch.Generator().manual_seed(derive_seed(seed, f"evaluate/{split}"))
    total, divergences = 0.0, []
    for start in range(0, len(data), _CHUNK):
        x = torch.as_tensor(data[start : start + _CHUNK]).to(model.units.mean)
        mean, log_variance = model.encode(x)
        divergences.append(kl_per_dimension(mean, log_variance.double().exp()))
        for _ in range(n_draws):
            noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype)
            decoded = model.decode(mean + torch.exp(0.5 * log_variance) * noise)
            total += float((x - decoded).square().sum(1).double().sum())
    return Encoded(np.concatenate(divergences), total / (n_draws * len(data)))


def deep_metrics(
    spec: dict,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    encoded: Mapping[str, Encoded],
    variance: float,
) -> dict[str, object]:
    """Metrics of the training split, and those of the test split under ``test``.

    ``linear_bound`` and ``linear_bound_active`` are the largest ELBO of a linear VAE at the run's
    final noise variance and the number of latents it uses; ``below_bound`` is true of a run that
    has not found its own optimum. ``predicted_inactive_percent`` is the share of the k leading
    eigenvalues that do not exceed the noise variance.

    Parameters
    ----------
    spec, spectrum, data
        As in `evaluate_and_save`.
    encoded
        Each split as `encode` gives it.
    variance
        The model's noise variance.
    """
    parts = {split: _split_metrics(spec, data[split], encoded[split], variance) for split in data}
    metrics = parts["train"]
    n_latent = encoded["train"].kl.shape[1]
    bound = linear_bound(spectrum, n_latent, variance)
    return {
        **metrics,
        "noise_variance": variance,
        "linear_bound": bound.bound,
        "linear_bound_active": bound.n_active,
        "tuned_linear_bound": linear_bound(
            spectrum, n_latent, metrics["tuned_noise_variance"]
        ).bound,
        "below_bound": bool(metrics["elbo"] < bound.bound),
        "predicted_inactive_percent": 100.0 * (n_latent - bound.n_active) / n_latent,
        "largest_eigenvalue": float(spectrum.eigenvalues[0]),
        "generalization_gap": metrics["elbo"] - parts["test"]["elbo"],
        "test": parts["test"],
    }


def _split_metrics(
    spec: dict, data: NDArray[np.float64], encoded: Encoded, variance: float
) -> dict[str, object]:
    n_features = data.shape[1]
    kl = float(encoded.kl.sum(1).mean())
    terms = torch.tensor([encoded.reconstruction, kl, np.log(variance)], dtype=torch.float64)
    elbo = -float(objectives.negative_elbo(*terms, n_features))
    tuned = encoded.reconstruction / n_features
    # The gain of the best noise variance, d/2 (r - 1 - log r): only round-off makes it negative.
    excess = tuned / variance - 1
    gain = max(0.0, 0.5 * n_features * (excess - float(np.log1p(excess))))
    epsilons = sorted({*EPSILONS, spec["epsilon"]})
    percents = collapse_percent(encoded.kl, epsilons, spec["delta"])
    metrics = {
        "elbo": elbo,
        "kl": kl,
        "reconstruction": encoded.reconstruction,
        "tuned_noise_variance": tuned,
        "tuned_elbo": elbo + gain,
        "collapse_percent": dict(zip(map(number, epsilons), percents.tolist(), strict=True)),
    }
    if spec["preprocessing"] == "logit":
        metrics["bits_per_dimension"] = bits_per_dimension(
            elbo, data, "logit", spec["logit_lambda"]
        )
    return metrics


@torch.no_grad()
def images(
    spec: dict, model: GaussianVAE, data: NDArray[np.float64]
) -> dict[str, NDArray[np.float32]]:
    """Return data (m, d), reconstructions and prior samples, in data units and as pixels.

    A reconstruction is the decoder's mean at the posterior mean, a sample its mean at a draw from
    the prior; neither has observation noise. The pixels, in
    [0, 1], are named ``*_pixels``.
    """
    reference = model.units.mean
    generator = torch.Generator().manual_seed(derive_seed(spec["seed"], "evaluate/prior"))
    z = torch.randn((len(data), model.n_latent), generator=generator, dtype=reference.dtype)
    mean, _ = model.encode(torch.as_tensor(data).to(reference))
    found = {
        "data": data,
        "reconstruction": model.decode(mean).numpy(),
        "prior": model.decode(z).numpy(),
    }
    logit = spec["preprocessing"] == "logit"
    for name in list(found):
        pixels = inverse_logit(found[name], spec["logit_lambda"]) if logit else found[name]
        found[f"{name}_pixels"] = np.clip(pixels, 0, 1)
    return {name: np.asarray(array, np.float32) for name, array in found.items()}


def _noise_variance(spec: dict, model: GaussianVAE) -> float:
    """Noise variance of a trained model: the very number of the settings where it is fixed."""
    noise = parse_noise(spec["noise"])
    if noise.kind == "fixed":
        return noise.variance
    return float(model.log_noise_variance.detach().double().exp())


def _write_collapse(path: str | Path, encoded: Mapping[str, Encoded]) -> None:
    arrays = {}
    for split, prefix in SPLITS.items():
        arrays |= CollapseCurve.from_kl(encoded[split].kl).arrays(prefix)
        arrays[f"{prefix}mean_kl"] = encoded[split].kl.mean(0)
    write_arrays(path, **arrays)
