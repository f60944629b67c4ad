"""Final metrics of a deep VAE: by sampling, beside the linear optimum on the same images.

All values are averages per datum, in nats; ``*_error`` is a standard error over images. ELBO and
sigma^2-tuned ELBO come from the same draws of z, so that the second is never below the first.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.bypass.certificate import certificate
from linvae.evaluation.pictures import images
from linvae.faults import KEY, fault_of, usable, write_fault
from linvae.files import read_last, write_arrays, write_json
from linvae.images.preprocess import bits_per_dimension
from linvae.linear import ppca
from linvae.linear.elbo import linear_bound
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import SPLITS, CollapseCurve, collapse_percent, kl_per_dimension
from linvae.measure.gaussian import Measured, importance_weighted, measure
from linvae.noise import number
from linvae.seeds import derive_seed
from linvae.settings.jobs import MeasurementJob
from linvae.settings.measurement import EPSILONS
from linvae.training.archive import load_model
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import epoch_length

__all__ = ["deep_metrics", "evaluate_and_save"]


def evaluate_and_save(
    job: MeasurementJob,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    curve_file: str | Path,
    *,
    metrics_file: str | Path,
    kl_file: str | Path,
    samples_file: str | Path,
    residual_file: str | Path,
) -> None:
    """Measure a finished run and write metrics, collapse curves, residual spectra, some images.

    Where float64 cannot hold them, the files say so instead, as `linvae.faults` reads them.

    Parameters
    ----------
    job
        The run, and how it is measured.
    spectrum
        Of the training data.
    data
        The splits ``train`` and ``test``, each of shape (n, d).
    model_file, curve_file
        What training wrote.
    metrics_file, kl_file, samples_file, residual_file
        Files to write. ``kl.npz`` holds a `CollapseCurve` of each split and ``mean_kl`` (k,), with
        the prefix ``test_`` for the test split; behind ``linear_`` those of the linear optimum.
        ``residual.npz`` holds the arrays of `linvae.bypass.certificate.certificate`, and the
        metrics are joined by its own.
    """
    torch.set_num_threads(job.threads)
    model = load_model(model_file)
    variance = _noise_variance(job, model)
    measured = {split: _measured(job, model, rows, split) for split, rows in data.items()}
    if fault := _fault(measured, variance):
        write_fault(fault, metrics_file, kl_file, samples_file, residual_file)
        return
    weighted = importance_weighted(
        model.encode,
        model.decode,
        data["test"],
        variance,
        draws=job.measurement.importance_draws,
        seed=derive_seed(job.seed, "evaluate/importance"),
        dtype=model.units.mean.dtype,
    )
    metrics = deep_metrics(job, spectrum, data, measured, weighted, variance)
    steps = int(read_last(curve_file, "step"))
    training = job.model.training
    metrics |= {"steps": steps, "epochs": steps // epoch_length(training, len(data["train"]))}
    if fault := usable(metrics).get(KEY):
        write_fault(fault, metrics_file, kl_file, samples_file, residual_file)
        return
    mean_kl = measured["train"].kl.mean(0)
    precision = model.units.mean.dtype
    found, arrays = certificate(
        model.encode, model.decode, data, mean_kl, variance, job.seed, precision
    )
    write_arrays(residual_file, **arrays)
    write_arrays(samples_file, **images(job, model, data["test"]))
    _write_collapse(kl_file, data, measured, _linear_optimum(job, spectrum, measured, variance))
    write_json(metrics_file, metrics | found)


def deep_metrics(
    job: MeasurementJob,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    measured: Mapping[str, Measured],
    importance_weighted: NDArray[np.float64],
    variance: float,
) -> dict[str, object]:
    """Metrics of the training split, and those of the test split with the prefix ``test_``.

    ``linear_elbo`` and ``linear_test_elbo`` are those of the linear VAE that is fitted to the
    training data and stands beside this run: of the same noise variance where it is fixed, learned
    too where it is learned. ``above_linear`` is the run's ELBO minus that, paired by image.
    ``linear_bound`` is the largest ELBO of a linear VAE at the run's final noise variance, with
    ``linear_bound_active`` latents in use; ``predicted_inactive_percent`` is the share of the k
    leading eigenvalues that do not exceed the noise variance.

    Parameters
    ----------
    job, spectrum, data
        As in `evaluate_and_save`.
    measured
        Each split as `measure` gives it.
    importance_weighted
        Estimate of log p(x) of each test image, shape (n_test,).
    variance
        The model's noise variance.
    """
    n_latent = measured["train"].kl.shape[1]
    linear = _linear_optimum(job, spectrum, measured, variance)
    metrics: dict[str, object] = {}
    for split, prefix in SPLITS.items():
        found = _split_metrics(job, data[split], measured[split], variance)
        beside = linear.log_likelihood_per_example(data[split])
        above = measured[split].elbo(variance) - beside
        found |= {"above_linear": float(above.mean()), "above_linear_error": _error(above)}
        metrics |= {f"{prefix}{name}": value for name, value in found.items()}
        metrics[f"linear_{prefix}elbo"] = float(beside.mean())
    bound = linear_bound(spectrum, n_latent, variance)
    tuned = linear_bound(spectrum, n_latent, measured["train"].tuned_noise_variance)
    return {
        **metrics,
        "noise_variance": variance,
        "linear_noise_variance": linear.noise_variance,
        "linear_bound": bound.bound,
        "linear_bound_active": bound.n_active,
        "tuned_linear_bound": tuned.bound,
        "below_bound": bool(metrics["elbo"] < bound.bound),
        "predicted_inactive_percent": 100.0 * (n_latent - bound.n_active) / n_latent,
        "largest_eigenvalue": float(spectrum.eigenvalues[0]),
        "test_iwae": float(importance_weighted.mean()),
        "test_iwae_error": _error(importance_weighted),
    }


def _split_metrics(
    job: MeasurementJob, data: NDArray[np.float64], measured: Measured, variance: float
) -> dict[str, object]:
    elbo = measured.elbo(variance)
    tuned = measured.tuned_noise_variance
    epsilons = sorted({*EPSILONS, job.measurement.epsilon})
    percents = collapse_percent(measured.kl, epsilons, job.measurement.delta)
    n_latent = measured.kl.shape[1]
    metrics = {
        "elbo": float(elbo.mean()),
        "elbo_error": _error(elbo),
        "kl": float(measured.kl.sum(1).mean()),
        "reconstruction": float(measured.squared_error.mean()),
        "tuned_noise_variance": tuned,
        # Only round-off could make it the smaller.
        "tuned_elbo": max(float(elbo.mean()), float(measured.elbo(tuned).mean())),
        "collapse_percent": {
            number(epsilon): float(percent)
            for epsilon, percent in zip(epsilons, percents, strict=True)
        },
        "used_latents": {
            number(epsilon): round(n_latent * (1 - percent / 100))
            for epsilon, percent in zip(epsilons, percents, strict=True)
        },
    }
    if job.preprocessing == "logit":
        metrics["bits_per_dimension"] = bits_per_dimension(
            metrics["elbo"], data, "logit", job.logit_lambda
        )
    return metrics


def _fault(measured: Mapping[str, Measured], variance: float) -> str:
    """Return what cannot be measured of a run, nothing as a rule."""
    with np.errstate(all="ignore"):
        values = {"1 / noise variance": 1.0 / np.float64(variance)}
    for split, found in measured.items():
        values |= {f"KL on {split}": found.kl, f"squared error on {split}": found.squared_error}
    return fault_of({"noise variance": variance, **values})


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of a mean over images."""
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _measured(
    job: MeasurementJob, model: GaussianVAE, data: NDArray[np.float64], split: str
) -> Measured:
    return measure(
        model.encode,
        model.decode,
        data,
        draws=job.measurement.draws,
        seed=derive_seed(job.seed, f"evaluate/{split}"),
        dtype=model.units.mean.dtype,
    )


def _noise_variance(job: MeasurementJob, model: GaussianVAE) -> float:
    """Noise variance of a trained model: the very number of the settings where it is fixed."""
    noise = job.noise_model
    if noise.kind == "fixed":
        return noise.variance
    return float(model.log_noise_variance.detach().double().exp())


def _linear_optimum(
    job: MeasurementJob, spectrum: Spectrum, measured: Mapping[str, Measured], variance: float
) -> ppca.PPCA:
    """Return the linear VAE that stands beside a run, as `deep_metrics` says."""
    fixed = job.noise_model.kind == "fixed"
    n_latent = measured["train"].kl.shape[1]
    return ppca.fit(spectrum, n_latent, variance if fixed else None)


def _write_collapse(
    path: str | Path,
    data: Mapping[str, NDArray[np.float64]],
    measured: Mapping[str, Measured],
    linear: ppca.PPCA,
) -> None:
    arrays = {}
    for split, prefix in SPLITS.items():
        # The posterior of the optimum is diagonal, and its variance the same for every datum.
        mean, covariance = linear.posterior(data[split])
        linear_kl = kl_per_dimension(mean, np.diag(covariance))
        for kl, before in ((measured[split].kl, prefix), (linear_kl, f"linear_{prefix}")):
            arrays |= CollapseCurve.from_kl(kl).arrays(before)
            arrays[f"{before}mean_kl"] = kl.mean(0)
    write_arrays(path, **arrays)
