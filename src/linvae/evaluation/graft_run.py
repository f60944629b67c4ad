"""One arm of a graft: a finished run trained on, with a bypass or without, and measured."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from linvae.bypass.linear_bypass import Bypass
from linvae.faults import KEY, usable, write_fault
from linvae.files import read_arrays, write_csv, write_json
from linvae.measure.collapse import collapse_percent
from linvae.measure.numbers import measure_splits
from linvae.measure.splits import SPLITS
from linvae.seeds import derive_seed
from linvae.settings.arms import Arm
from linvae.settings.jobs import GraftJob
from linvae.training.archive import load_model
from linvae.training.device import device_of
from linvae.training.graft import GraftedVAE, graft, settings_of_graft
from linvae.training.models import GaussianVAE
from linvae.training.processor import at_full_speed
from linvae.training.progress import progress_of
from linvae.training.shared import begin, checkpoint_of, train

__all__ = ["graft_and_save"]


@at_full_speed()
def graft_and_save(
    job: GraftJob,
    data: Mapping[str, NDArray[np.float64]],
    model_file: str | Path,
    residual_file: str | Path,
    *,
    metrics_file: str | Path,
    curve_file: str | Path,
) -> None:
    """Train a finished run on as one arm of a graft, and write what it gives, and its curve.

    Of a run that could not be measured the files say so instead, as `linvae.faults` reads them.

    Parameters
    ----------
    job
        The run, the arm, and how it is measured.
    data
        The splits ``train`` and ``test``, each of shape (n, d).
    model_file, residual_file
        Weights of the run, and its certificate (`linvae.bypass.certificate`).
    metrics_file, curve_file
        Files to write. The metrics are ``grafted`` (number of latents that carry the bypass; of a
        certificate's those that it has directions for) and, for either split, the latter with the
        prefix ``test_``: ``elbo`` and ``kl`` (nats per datum), ``start_elbo`` (before the first
        update), ``used`` and ``grafted_used`` (latents in use, and of those that carry the bypass).
    """
    begin(job)
    settings = settings_of_graft(job.model, job.updates, job.rate)
    found = read_arrays(residual_file)
    if KEY in found:
        write_csv(curve_file, pd.DataFrame({"step": []}))
        write_fault(str(found[KEY]), metrics_file)
        return
    cut = found["cut"].astype(bool)
    made = Bypass(
        *(found[name].astype(np.float64) for name in ("directions", "variances", "shift")),
        float(found["noise_variance"]),
    )
    seed = derive_seed(job.seed, "graft")
    model = graft(load_model(model_file), job.arm, cut, made, seed)
    carries = _carriers(model, job.arm, cut, made)
    before = _measured(model, job, data, carries)
    checkpoint = checkpoint_of(job, metrics_file)
    model.to(device_of(settings.job.device))
    # Batches and draws of its own, the same for all arms.
    looked = progress_of(model, data, seed)
    curve = train(model, settings, seed, checkpoint, measure=looked, data=data["train"])
    metrics = _measured(model, job, data, carries)
    metrics |= {f"{prefix}start_elbo": before[f"{prefix}elbo"] for prefix in SPLITS.values()}
    write_csv(curve_file, curve)
    write_json(metrics_file, usable({"grafted": int(carries.sum()), **metrics}))
    checkpoint.remove()


def _carriers(
    model: GaussianVAE | GraftedVAE, arm: Arm, cut: NDArray[np.bool_], made: Bypass
) -> NDArray[np.bool_]:
    """Tell which latents carry the bypass, shape (k,)."""
    carries = np.zeros_like(cut)
    if isinstance(model, GraftedVAE):
        found = np.flatnonzero(cut)
        carries[found if arm == "random" else found[: len(made.variances)]] = True
    return carries


def _measured(
    model: GaussianVAE | GraftedVAE,
    job: GraftJob,
    data: Mapping[str, NDArray[np.float64]],
    carries: NDArray[np.bool_],
) -> dict[str, float]:
    variance = float(torch.exp(model.log_noise_variance.detach().double()))
    options = {"seed": job.seed, "dtype": model.units.mean.dtype}
    measured = measure_splits(
        model.encode, model.decode, data, draws=job.measurement.draws, **options
    )
    metrics: dict[str, float] = {"noise_variance": variance}
    for split, prefix in SPLITS.items():
        found = measured[split]
        metrics |= {
            f"{prefix}elbo": float(found.elbo(variance).mean()),
            f"{prefix}kl": float(found.kl.sum(1).mean()),
            f"{prefix}used": _n_used(found.kl, job),
            f"{prefix}grafted_used": _n_used(found.kl[:, carries], job),
        }
    return metrics


def _n_used(kl: NDArray[np.float64], job: GraftJob) -> int:
    n_latent, measured = kl.shape[1], job.measurement
    if n_latent == 0:
        return 0
    return round(n_latent * (1 - collapse_percent(kl, measured.epsilon, measured.delta) / 100))
