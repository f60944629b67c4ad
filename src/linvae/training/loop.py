"""The one training loop: Adam on the analytic, exact or stochastic negative ELBO.

Randomness is drawn per epoch from (seed, purpose, epoch), so that a job resumed at an epoch's end
goes on exactly as if it had not stopped.
"""

import logging
import math
import time

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from linvae.seeds import derive_seed
from linvae.settings.model import Training
from linvae.training import objectives
from linvae.training.checkpoint import Checkpoint
from linvae.training.curve import Curve, Measure
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import Adam, device_of, parameter_groups
from linvae.training.schedule import kl_weight, learning_rate, plan_of

__all__ = ["NonFiniteLossError", "fit"]

_log = logging.getLogger(__name__)


class NonFiniteLossError(ArithmeticError):
    """The loss became infinite or not a number."""


def fit(
    model: GaussianVAE,
    training: Training,
    seed: int,
    *,
    covariance: NDArray[np.float64] | None = None,
    data: NDArray[np.floating] | None = None,
    measure: Measure | None = None,
    checkpoint: Checkpoint | None = None,
) -> pd.DataFrame:
    """Train a model in place and return its curve.

    Parameters
    ----------
    model
        Changed in place.
    training
        Objective, optimiser, schedule and budget.
    seed
        Decides batches and sampling noise.
    covariance
        S, shape (d, d): all that a linear model with the analytic objective needs.
    data
        Training data, shape (n, d), for every other case.
    measure
        Further columns of the curve, computed from the model at every recorded step.
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
    return _Loop(model, training, seed, covariance, data, measure, checkpoint).run()


class _Loop:
    """State of one training job."""

    def __init__(
        self,
        model: GaussianVAE,
        training: Training,
        seed: int,
        covariance: NDArray[np.float64] | None,
        data: NDArray[np.floating] | None,
        measure: Measure | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.device = device_of(training.device)
        self.model, self.training, self.seed = model.to(self.device), training, seed
        self.checkpoint = checkpoint
        parameter = next(model.parameters())
        self.options = {"device": self.device, "dtype": parameter.dtype}
        source = covariance if data is None else data
        self.source = torch.as_tensor(source).to(**self.options)
        self.from_moments = data is None
        if not self.from_moments:
            self.source = model.units.inward(self.source)
        self.plan = plan_of(training, 1 if data is None else len(data))
        self.optimizer = Adam(parameter_groups(model, training))
        self.curve = Curve(self.plan, training, measure, self.device)
        self.last_finite = math.nan
        self.step = 0

    def run(self) -> pd.DataFrame:
        """Train from the checkpoint, or from the start, to the end."""
        self._resume()
        started = saved = time.monotonic()
        first = self.step
        if self.step == 0:
            self.curve.record(0, self.model)
        while self.step < self.plan.steps:
            self._epoch(self.step // self.plan.steps_per_epoch)
            now = time.monotonic()
            if (
                self.checkpoint
                and now - saved >= self.training.checkpoint_seconds
                and self.step < self.plan.steps
            ):
                self._save()
                self._progress(first, now - started)
                saved = time.monotonic()
        self._progress(first, time.monotonic() - started)
        return self.curve.table()

    def _epoch(self, epoch: int) -> None:
        generator = torch.Generator(self.device)
        generator.manual_seed(derive_seed(self.seed, f"epoch/{epoch}"))
        n = len(self.source)
        shuffled = None
        if self.plan.steps_per_epoch > 1:
            shuffled = torch.randperm(n, generator=generator, device=self.device)
        for index in range(self.plan.steps_per_epoch):
            batch = self.source
            if shuffled is not None:
                start = index * self.plan.batch_size
                batch = self.source[shuffled[start : start + self.plan.batch_size]]
            self._step(batch, generator)
            self.curve.record(self.step, self.model)

    def _terms(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if self.from_moments:
            return objectives.moment_terms(self.model, batch)
        if self.training.objective != "stochastic":
            return objectives.exact_terms(self.model, batch)
        shape = (self.training.samples, len(batch), self.model.n_latent)
        noise = torch.randn(shape, generator=generator, **self.options)
        enabled = self.training.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
            return objectives.sampled_terms(self.model, batch, noise)

    def _step(self, batch: Tensor, generator: torch.Generator) -> None:
        self.optimizer.zero_grad()
        reconstruction, kl = self._terms(batch, generator)
        log_noise_variance = self.model.log_noise_variance
        if self.training.objective == "reconstruction":
            loss = reconstruction
        else:
            weight = kl_weight(self.step, self.plan.steps, self.training)
            loss = objectives.negative_elbo(
                reconstruction, kl, log_noise_variance, self.model.n_features, weight
            )
        self._differentiate(loss)
        if self.training.gradient_clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.gradient_clip)
        with torch.no_grad():
            elbo = -objectives.negative_elbo(
                reconstruction, kl, log_noise_variance, self.model.n_features
            )
            self.curve.add(elbo, reconstruction, kl)
        self._require_finite(loss)
        self.optimizer.step(learning_rate(self.step, self.plan.steps, self.training))
        self.step += 1

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
                f"the loss is {value} at step {self.step + 1} of {self.plan.steps} (last finite "
                f"value seen: {self.last_finite:.6g}); lower training.learning_rate "
                f"(now {self.training.learning_rate:g}), lengthen training.warmup_steps or set "
                "training.gradient_clip for this model in config.yaml"
            )
            raise NonFiniteLossError(msg)
        self.last_finite = value

    def _progress(self, first: int, seconds: float) -> None:
        done = self.step - first
        left = seconds / done * (self.plan.steps - self.step) if done else math.nan
        row = self.curve.rows[-1]
        unit = "steps" if self.from_moments else "images"
        per_second = done * self.plan.batch_size / max(seconds, 1e-9)
        _log.info(
            "step %d of %d (epoch %d): ELBO %.3f, KL %.3f nats, noise variance %.5g, "
            "%.0f %s/s, %.0f s left",
            self.step,
            self.plan.steps,
            self.step // self.plan.steps_per_epoch,
            row["elbo_estimate"],
            row["kl"],
            row["noise_variance"],
            per_second,
            unit,
            left,
        )

    def _save(self) -> None:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= self.optimizer.tensors()
        self.checkpoint.save(tensors | self.curve.tensors(), self.step)

    def _resume(self) -> None:
        found = self.checkpoint.load() if self.checkpoint else None
        if found is None:
            return
        tensors, self.step = found
        model = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(model)
        self.optimizer.restore(tensors)
        self.curve.restore(tensors, self.model)
        _log.info("resumed at step %d of %d", self.step, self.plan.steps)
