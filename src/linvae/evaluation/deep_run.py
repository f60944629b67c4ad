"""Final metrics of a deep VAE: by sampling, beside the linear optimum on the same images.

All values are averages per datum, in nats; ``*_error`` is a standard error over images. ELBO and
sigma^2-tuned ELBO come from the same draws of z, so that the second is never below the first.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from linvae.bypass.certificate import Certificate, certificate
from linvae.evaluation.pictures import images
from linvae.faults import KEY, fault_of, usable, write_fault
from linvae.files import read_last, write_arrays, write_json
from linvae.images.preprocess import bits_per_dimension
from linvae.linear import ppca
from linvae.linear.elbo import linear_bound
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import CollapseCurve, collapse_percent, kl_per_dimension
from linvae.measure.gaussian import Decode, Encode, Measured
from linvae.measure.inference_gap import InferenceGap, inference_gap
from linvae.measure.numbers import elbo_numbers, measure_splits
from linvae.measure.splits import SPLITS
from linvae.noise import number
from linvae.seeds import derive_seed
from linvae.settings.jobs import MeasurementJob
from linvae.settings.measurement import EPSILONS
from linvae.training.archive import load_model
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import epoch_length

__all__ = ["deep_metrics", "evaluate_and_save", "residual_arrays", "residual_metrics"]

# The first training images, on which the cut is chosen.
_N_CHOICE = 4000


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
        the prefix ``test_`` for the test split; with ``linear_`` behind it those of the linear
        optimum. ``optimised_mean_kl`` (k,) is of q optimised for each of the first images.
        ``residual.npz`` holds `residual_arrays` of the run's certificate.
    """
    torch.set_num_threads(job.threads)
    model = load_model(model_file)
    variance = _noise_variance(job, model)
    functions, precision = (model.encode, model.decode), model.units.mean.dtype
    measured = measure_splits(
        *functions, data, draws=job.measurement.draws, seed=job.seed, dtype=precision
    )
    if fault := _fault(measured, variance):
        write_fault(fault, metrics_file, kl_file, samples_file, residual_file)
        return
    gaps = {
        split: _inference_gap(job, functions, rows, variance, precision, split)
        for split, rows in data.items()
    }
    metrics = deep_metrics(job, spectrum, data, measured, gaps, variance)
    steps = int(read_last(curve_file, "step"))
    training = job.model.training
    metrics |= {"steps": steps, "epochs": steps // epoch_length(training, len(data["train"]))}
    if fault := usable(metrics).get(KEY):
        write_fault(fault, metrics_file, kl_file, samples_file, residual_file)
        return
    left = certificate(
        *functions,
        data,
        measured["train"].kl.mean(0),
        variance,
        chosen_on=data["train"][:_N_CHOICE],
        kept=None,
        seed=job.seed,
        dtype=precision,
    )
    metrics |= residual_metrics(left, variance)
    write_arrays(residual_file, **residual_arrays(left, variance))
    write_arrays(samples_file, **images(job, model, data["test"]))
    linear = _linear_optimum(job, spectrum, measured, variance)
    _write_collapse(kl_file, data, measured, linear, gaps)
    write_json(metrics_file, metrics)


def residual_metrics(found: Certificate, variance: float) -> dict[str, float]:
    """Metrics of a certificate.

    ``residual_max``: the largest eigenvalue of the covariance of the mean residual over sigma^2.
    ``residual_gain``: what cutting ``residual_cut`` latents and adding a bypass of them gains, in
    nats per datum, with ``residual_gain_error`` over images; ``residual_change`` of it by the cut
    alone. The same of the test split with the prefix ``test_``, where the largest eigenvalue is the
    variance of one half along the first direction of the other.
    """
    metrics: dict[str, float] = {"residual_cut": int(found.cut.sum())}
    for split, prefix in SPLITS.items():
        own = found.splits[split]
        metrics[f"{prefix}residual_max"] = float(own.eigenvalues[0]) / variance
        metrics |= {f"{prefix}residual_{name}": value for name, value in own.numbers().items()}
    return metrics


def residual_arrays(found: Certificate, variance: float) -> dict[str, NDArray]:
    """Arrays of a certificate: spectra of both splits, and the bypass for all training images.

    ``eigenvalues`` and ``test_eigenvalues`` (held out), by rank, in squared data units;
    ``noise_variance``; ``cut`` (k,), ``directions`` (d, m), ``variances`` (m,) and ``shift`` (d,),
    as in `linvae.bypass.linear_bypass.Bypass`.
    """
    made = found.splits["train"].bypass
    return {
        "cut": found.cut,
        "noise_variance": np.array(variance),
        **{
            f"{prefix}eigenvalues": found.splits[split].eigenvalues
            for split, prefix in SPLITS.items()
        },
        **{
            name: getattr(made, name).astype(np.float32)
            for name in ("directions", "variances", "shift")
        },
    }


def deep_metrics(
    job: MeasurementJob,
    spectrum: Spectrum,
    data: Mapping[str, NDArray[np.float64]],
    measured: Mapping[str, Measured],
    gaps: Mapping[str, InferenceGap],
    variance: float,
) -> dict[str, object]:
    """Metrics of the training split, and those of the test split with the prefix ``test_``.

    Of each split those of `linvae.measure.numbers.elbo_numbers`, against the linear VAE that is
    fitted to the training data and stands beside this run: of the same noise variance where it is
    fixed, learned too where it is learned. ``linear_bound`` is the largest ELBO of a linear VAE at
    the run's final noise variance, with ``linear_bound_active`` latents in use;
    ``predicted_inactive_percent`` is the share of the k leading eigenvalues that do not exceed the
    noise variance.

    Parameters
    ----------
    job, spectrum, data
        As in `evaluate_and_save`.
    measured
        Each split as `linvae.measure.gaussian.measure` gives it.
    gaps
        What the ELBO lacks of log p(x) on the first images of each split. ``elbo_optimised`` and
        ``log_likelihood`` are the ELBO of all images plus the gaps of these: gaps vary less from
        image to image than the values that they lie between.
    variance
        The model's noise variance.
    """
    n_latent = measured["train"].kl.shape[1]
    linear = _linear_optimum(job, spectrum, measured, variance)
    metrics: dict[str, object] = {}
    for split, prefix in SPLITS.items():
        beside = linear.log_likelihood_per_example(data[split])
        numbers = elbo_numbers(measured[split], variance, beside)
        if job.preprocessing == "logit":
            numbers["bits_per_dimension"] = bits_per_dimension(
                numbers["elbo"], data[split], "logit", job.logit_lambda
            )
        found = numbers | _counts(job, measured[split]) | _with_gaps(numbers["elbo"], gaps[split])
        metrics |= {f"{prefix}{name}": value for name, value in found.items()}
    bound = linear_bound(spectrum, n_latent, variance)
    tuned = linear_bound(spectrum, n_latent, measured["train"].tuned_noise_variance)
    return {
        **metrics,
        "noise_variance": variance,
        "linear_noise_variance": linear.noise_variance,
        "linear_bound": bound.bound,
        "linear_bound_active": bound.n_active,
        "tuned_linear_bound": tuned.bound,
        "predicted_inactive_percent": 100.0 * (n_latent - bound.n_active) / n_latent,
        "largest_eigenvalue": float(spectrum.eigenvalues[0]),
    }


def _inference_gap(
    job: MeasurementJob, functions: tuple[Encode, Decode], rows: NDArray[np.float64],
    variance: float, precision: torch.dtype, split: str,
) -> InferenceGap:  # fmt: skip
    return inference_gap(
        *functions,
        rows[: job.measurement.inference_images],
        variance,
        seed=derive_seed(job.seed, f"evaluate/inference/{split}"),
        draws=job.measurement.importance_draws,
        dtype=precision,
    )


def _with_gaps(elbo: float, gap: InferenceGap) -> dict[str, float]:
    """Return the gaps, and what the ELBO of all images of a split is with them."""
    found = gap.numbers()
    return {
        **found,
        "elbo_optimised": elbo + found["amortisation_gap"],
        "log_likelihood": elbo + found["inference_gap"],
    }


def _counts(job: MeasurementJob, measured: Measured) -> dict[str, object]:
    """Return how many latents are collapsed, and in use, at several thresholds."""
    epsilons = sorted({*EPSILONS, job.measurement.epsilon})
    percents = collapse_percent(measured.kl, epsilons, job.measurement.delta)
    by_epsilon = dict(zip(map(number, epsilons), map(float, percents), strict=True))
    n_latent = measured.kl.shape[1]
    return {
        "collapse_percent": by_epsilon,
        "used_latents": {
            epsilon: round(n_latent * (1 - percent / 100))
            for epsilon, percent in by_epsilon.items()
        },
    }


def _fault(measured: Mapping[str, Measured], variance: float) -> str:
    """Return what cannot be measured of a run, nothing as a rule."""
    with np.errstate(all="ignore"):
        values = {"1 / noise variance": 1.0 / np.float64(variance)}
    for split, found in measured.items():
        values |= {f"KL on {split}": found.kl, f"squared error on {split}": found.squared_error}
    return fault_of({"noise variance": variance, **values})


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
    gaps: Mapping[str, InferenceGap],
) -> None:
    arrays = {}
    for split, prefix in SPLITS.items():
        # The posterior of the optimum is diagonal, and its variance the same for every datum.
        mean, covariance = linear.posterior(data[split])
        linear_kl = kl_per_dimension(mean, np.diag(covariance))
        for kl, before in ((measured[split].kl, prefix), (linear_kl, f"{prefix}linear_")):
            arrays |= CollapseCurve.from_kl(kl).arrays(before)
            arrays[f"{before}mean_kl"] = kl.mean(0)
        arrays[f"{prefix}optimised_mean_kl"] = gaps[split].posterior.kl.mean(0)
    write_arrays(path, **arrays)
