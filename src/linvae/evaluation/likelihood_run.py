"""A finished run trained on by the ELBO or by the importance-weighted bound, and measured."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.evaluation.decoder_use import decoder_kl
from linvae.faults import KEY, usable, write_fault
from linvae.files import read_json, write_csv, write_json
from linvae.measure.collapse import collapse_percent
from linvae.measure.gaussian import importance_weighted
from linvae.measure.numbers import measure_splits
from linvae.measure.splits import SPLITS
from linvae.seeds import derive_seed
from linvae.settings.likelihood_job import LikelihoodJob
from linvae.training.archive import load_model
from linvae.training.device import device_of
from linvae.training.graft import settings_of_graft
from linvae.training.importance import StepNoise, followed, terms_of
from linvae.training.models import GaussianVAE
from linvae.training.processor import at_full_speed
from linvae.training.progress import progress_of
from linvae.training.shared import begin, train

__all__ = ["train_on_and_save"]

# The first images of each split, on which use is counted with q optimised for each.
_N_OPTIMISED = 100


@at_full_speed()
def train_on_and_save(
    job: LikelihoodJob,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    measured_file: str | Path,
    *,
    metrics_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train a finished run on by a bound, and write what that gives, and its curve.

    Of a run that could not be measured the files say so instead, as `linvae.faults` reads them.

    Parameters
    ----------
    job
        The run, the bound, and how it is measured.
    data
        The splits ``train`` and ``test``, each of shape (n, d).
    model_file, measured_file
        Weights of the run, and its metrics.
    metrics_file, curve_file
        Files to write. The curve's ``elbo_estimate`` is the bound that is maximised, and with the
        importance-weighted one ``kl`` is what that is short of beside the squared error.

        The metrics are ``noise_variance`` and, for either split, the latter with the prefix
        ``test_``, in nats per datum: by the encoder ``elbo``, ``kl``, ``used`` (number of latents)
        and ``iwae`` (the importance-weighted bound with the job's draws); ``start_elbo`` and
        ``start_iwae`` before the first update; with q optimised by the ELBO for each of the first
        ``optimised_images`` ``decoder_kl``, ``decoder_used`` and ``decoder_mean_kl`` (of each
        latent, descending).
    """
    begin(job)
    if fault := read_json(measured_file).get(KEY):
        write_csv(curve_file, pd.DataFrame({"step": []}))
        write_fault(fault, metrics_file)
        return
    model = load_model(model_file)
    settings = settings_of_graft(job.model, job.updates, job.rate)
    before = _by_encoder(model, job, data)
    # Batches and draws of its own, the same for both bounds.
    seed = derive_seed(job.seed, "likelihood")
    noise = StepNoise(seed, job.draws)
    checkpoint = followed(job, metrics_file, noise)
    model.to(device_of(settings.job.device))
    looked, terms = progress_of(model, data, seed), terms_of(job.bound, noise)
    curve = train(
        model, settings, seed, checkpoint, terms=terms, measure=looked, data=data["train"]
    )
    metrics = _by_encoder(model, job, data) | _by_decoder(model, job, data)
    for prefix in SPLITS.values():
        metrics |= {f"{prefix}start_{name}": before[f"{prefix}{name}"] for name in ("elbo", "iwae")}
    write_csv(curve_file, curve)
    write_json(metrics_file, usable({"noise_variance": job.noise_model.variance, **metrics}))
    checkpoint.remove()


def _by_encoder(
    model: GaussianVAE, job: LikelihoodJob, data: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:
    """Return both bounds, the KL and the number of latents in use as the encoder has them."""
    functions, precision = (model.encode, model.decode), model.units.mean.dtype
    variance = job.noise_model.variance
    measured = measure_splits(
        *functions, data, draws=job.measurement.draws, seed=job.seed, dtype=precision
    )
    metrics: dict[str, float] = {}
    for split, prefix in SPLITS.items():
        found = measured[split]
        weighted = importance_weighted(
            *functions,
            data[split],
            variance,
            draws=job.draws,
            seed=derive_seed(job.seed, f"likelihood/{split}"),
            dtype=precision,
        )
        metrics |= {
            f"{prefix}elbo": float(found.elbo(variance).mean()),
            f"{prefix}kl": float(found.kl.sum(1).mean()),
            f"{prefix}iwae": float(weighted.mean()),
            f"{prefix}used": _n_used(found.kl, job),
        }
    return metrics


def _by_decoder(
    model: GaussianVAE, job: LikelihoodJob, data: Mapping[str, NDArray[np.float64]]
) -> dict[str, object]:
    """Return what the decoder uses, with q optimised by the ELBO whatever was maximised."""
    metrics: dict[str, object] = {}
    for split, prefix in SPLITS.items():
        rows = data[split][:_N_OPTIMISED]
        kl = decoder_kl(
            model.encode,
            model.decode,
            rows,
            job.noise_model.variance,
            seed=derive_seed(job.seed, f"likelihood/optimised/{split}"),
            dtype=model.units.mean.dtype,
        )
        metrics |= {
            f"{prefix}optimised_images": len(rows),
            f"{prefix}decoder_kl": float(kl.sum(1).mean()),
            f"{prefix}decoder_used": _n_used(kl, job),
            f"{prefix}decoder_mean_kl": np.sort(kl.mean(0))[::-1].tolist(),
        }
    return metrics


def _n_used(kl: NDArray[np.float64], job: LikelihoodJob) -> int:
    percent = collapse_percent(kl, job.measurement.epsilon, job.measurement.delta)
    return round(kl.shape[1] * (1 - percent / 100))
