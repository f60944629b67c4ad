"""The one training loop: Adam on the analytic, exact or stochastic negative ELBO.

Randomness is drawn per epoch from (seed, purpose, epoch), so that a job resumed at an epoch's end
goes on exactly as if it had not stopped.
"""

import logging
import math
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.seeds import derive_seed
from linvae.settings.model import ModelSettings
from linvae.training import objectives
from linvae.training.checkpoint import Checkpoint
from linvae.training.clock import CpuClock
from linvae.training.curve import Curve, Measure
from linvae.training.device import device_of
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import (
    budget_of,
    kl_weight,
    learning_rate,
    optimizer_of,
)

__all__ = ["NonFiniteLossError", "Terms", "fit"]

Terms = Callable[[GaussianVAE, Tensor], tuple[Tensor, Tensor]]

PROGRESS_SECONDS = 5.0

_log = logging.getLogger(__name__)


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or not a number."""


def fit(
    model: GaussianVAE,
    settings: ModelSettings,
    seed: int,
    *,
    covariance: NDArray[np.float64] | None = None,
    data: NDArray[np.floating] | None = None,
    terms: Terms | None = None,
    measure: Measure | None = None,
    clock: CpuClock | None = None,
    checkpoint: Checkpoint | None = None,
) -> pd.DataFrame:
    """Train a model in place and return its curve.

    Parameters
    ----------
    model
        Changed in place.
    settings
        Objective, optimiser, schedule and budget, the points of the curve, and the device.
    seed
        Decides batches and sampling noise.
    covariance
        S, shape (d, d): all that a linear model with the analytic objective needs.
    data
        Training data, shape (n, d), for every other case.
    terms
        An objective beyond those that `linvae.training.objectives` holds: squared error and KL per
        datum, from the model and a batch of data in the network's units.
    measure
        Further columns of the curve, computed from the model at every recorded step.
    clock
        Told of the processor time at every recorded step.
    checkpoint
        Where to save progress, and to resume from.

    Returns
    -------
    DataFrame
        Columns ``step``, ``elbo_estimate`` (nats per datum, averaged over the steps since the last
        record), ``reconstruction`` (expected squared error), ``kl`` (nats), ``noise_variance``,
        ``learning_rate``, and those of `measure`.

    Raises
    ------
    ValueError
        If the data that the objective needs are not given.
    NonFiniteLossError
        If the loss becomes infinite or not a number.
    """
    if (covariance is None) == (data is None):
        msg = "give either covariance (linear model, analytic objective) or data"
        raise ValueError(msg)
    source = (covariance, data)
    return _Loop(model, settings, seed, *source, terms, measure, clock, checkpoint).run()


class _Loop:
    """State of one training job."""

    def __init__(
        self,
        model: GaussianVAE,
        settings: ModelSettings,
        seed: int,
        covariance: NDArray[np.float64] | None,
        data: NDArray[np.floating] | None,
        terms: Terms | None,
        measure: Measure | None,
        clock: CpuClock | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.device = device_of(settings.job.device)
        self.model, self.training, self.seed = model.to(self.device), settings.training, seed
        self.checkpoint, self.terms = checkpoint, terms
        parameter = next(model.parameters())
        self.options = {"device": self.device, "dtype": parameter.dtype}
        source = covariance if data is None else data
        self.source = torch.as_tensor(source).to(**self.options)
        self.from_moments = data is None
        if not self.from_moments:
            self.source = model.units.inward(self.source)
        self.budget = budget_of(self.training, 1 if data is None else len(data))
        self.optimizer = optimizer_of(model, self.training)
        self.clock = clock or CpuClock()
        self.curve = Curve(self.budget, settings, measure, self.device, self.clock)
        self.last_finite = math.nan
        self.step = self.first_step = 0
        self.started = self.told = time.monotonic()

    def run(self) -> pd.DataFrame:
        """Train from the checkpoint, or from the start, to the end."""
        self._resume()
        self.first_step = self.step
        self.started = self.told = saved = time.monotonic()
        self.clock.start()
        _log.info("training from step %d to %d on %s", self.step, self.budget.steps, self.device)
        if self.step == 0:
            self.curve.record(0, self.model)
        while self.step < self.budget.steps:
            self._epoch(self.step // self.budget.steps_per_epoch)
            due = self.checkpoint and time.monotonic() - saved >= self.checkpoint.seconds
            if due and self.step < self.budget.steps:
                self._save()
                saved = time.monotonic()
        self._progress()
        return self.curve.table()

    def _epoch(self, epoch: int) -> None:
        generator = torch.Generator(self.device)
        generator.manual_seed(derive_seed(self.seed, f"epoch/{epoch}"))
        batches = (self.source,)
        if self.budget.steps_per_epoch > 1:
            order = torch.randperm(len(self.source), generator=generator, device=self.device)
            # Gathered once an epoch: batches are then views.
            batches = self.source[order].split(self.budget.batch_size)
        for batch in batches:
            self._step(batch, generator)
            self.curve.record(self.step, self.model)
            if time.monotonic() - self.told >= PROGRESS_SECONDS:
                self._progress()

    def _terms(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if self.terms is not None:
            return self.terms(self.model, batch)
        if self.from_moments:
            return objectives.moment_terms(self.model, batch)
        if self.training.objective != "stochastic":
            return objectives.exact_terms(self.model, batch)
        shape = (self.training.samples, len(batch), self.model.n_latent)
        noise = torch.randn(shape, generator=generator, **self.options)
        if self.training.precision != "bfloat16":
            return objectives.sampled_terms(self.model, batch, noise)
        with torch.autocast(self.device.type, torch.bfloat16):
            return objectives.sampled_terms(self.model, batch, noise)

    def _step(self, batch: Tensor, generator: torch.Generator) -> None:
        self.optimizer.zero_grad()
        reconstruction, kl = self._terms(batch, generator)
        loss, elbo = self._loss(reconstruction, kl)
        self._differentiate(loss)
        if self.training.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.gradient_clip)
        self.curve.add(elbo.detach(), reconstruction.detach(), kl.detach())
        self._require_finite(loss)
        self.optimizer.step(learning_rate(self.step, self.budget.steps, self.training))
        self.step += 1

    def _loss(self, reconstruction: Tensor, kl: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is minimised, and the ELBO, whose KL has no weight."""
        terms = (reconstruction, kl, self.model.log_noise_variance, self.model.n_features)
        weight = kl_weight(self.step, self.budget.steps, self.training)
        negative = objectives.negative_elbo(*terms, weight)
        elbo = -negative
        if weight != 1.0:
            with torch.no_grad():
                elbo = -objectives.negative_elbo(*terms)
        if self.training.objective == "reconstruction":
            return reconstruction, elbo
        return negative, elbo

    def _differentiate(self, loss: Tensor) -> None:
        if not self.training.scale_by_noise:
            loss.backward()
            return
        log_noise_variance = self.model.log_noise_variance
        scale = torch.exp(log_noise_variance.detach())
        (loss * scale).backward()
        if log_noise_variance.grad is not None:
            log_noise_variance.grad /= scale

    def _require_finite(self, loss: Tensor) -> None:
        """Stop at a non-finite loss; on a GPU look only now and then: looking waits for it."""
        if self.device.type != "cpu" and self.step % 50:
            return
        value = loss.item()
        if not math.isfinite(value):
            msg = (
                f"the loss is {value} at step {self.step + 1} of {self.budget.steps} (last finite "
                f"value seen: {self.last_finite:.6g}); lower training.learning_rate "
                f"(now {self.training.learning_rate:g}), lengthen training.warmup_steps or set "
                "training.gradient_clip for this model in config.yaml"
            )
            raise NonFiniteLossError(msg)
        self.last_finite = value

    def _progress(self) -> None:
        """Log where the job stands, how fast it is, and how long it will take."""
        self.told = time.monotonic()
        seconds, done = max(self.told - self.started, 1e-9), self.step - self.first_step
        left = seconds / done * (self.budget.steps - self.step) if done else math.nan
        elbo, _, kl = self.curve.latest()
        _log.info(
            "step %d of %d (epoch %d): ELBO %.3f, KL %.3f nats, noise variance %.5g, "
            "%.0f %s/s, %.0f s left",
            self.step,
            self.budget.steps,
            self.step // self.budget.steps_per_epoch,
            elbo,
            kl,
            self.model.log_noise_variance.detach().exp().item(),
            done * self.budget.batch_size / seconds,
            "steps" if self.from_moments else "images",
            left,
        )

    def _save(self) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= self.optimizer.tensors()
        self.checkpoint.save(tensors | self.curve.tensors(), self.step, self.curve.table())

    def _resume(self) -> None:
        found = self.checkpoint.load() if self.checkpoint else None
        if found is None:
            return
        tensors, self.step = found
        model = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(model)
        self.optimizer.restore(tensors)
        self.curve.restore(tensors, self.model)
