"""The curve of a training job: averages over the steps since the last record, and measurements."""

import math
from collections.abc import Callable

import pandas as pd
import torch
from torch import Tensor

from linvae.settings.model import ModelSettings
from linvae.training.clock import CpuClock
from linvae.training.models import GaussianVAE
from linvae.training.optimizer import Budget, learning_rate, record_steps

__all__ = ["Curve", "Measure"]

Measure = Callable[[GaussianVAE], dict[str, float]]

_COLUMNS = ("step", "elbo_estimate", "reconstruction", "kl", "noise_variance", "learning_rate")
# Of a training from data.
_SEEN = "images"


class Curve:
    """Rows of a training curve, and the sums of the steps that have no row yet.

    Parameters
    ----------
    budget, settings
        Length of the job, and of its model those that decide which steps are recorded.
    measure
        Further columns, computed from the model at every recorded step.
    device
        Where the sums are kept: reading them every step would wait for a GPU.
    clock
        Told of every row; what a row takes to measure does not count.
    """

    def __init__(
        self,
        budget: Budget,
        settings: ModelSettings,
        measure: Measure | None,
        device: torch.device,
        clock: CpuClock,
    ) -> None:
        self.budget, self.training, self.measure = budget, settings.training, measure
        self.clock = clock
        self.recorded = frozenset(record_steps(budget.steps, settings.job.records))
        self.rows: list[dict[str, float]] = []
        self.sums = torch.zeros(3, dtype=torch.float64, device=device)
        self.since_record = 0

    def add(self, elbo: Tensor, reconstruction: Tensor, kl: Tensor) -> None:
        """Count one step."""
        self.sums += torch.stack([elbo, reconstruction, kl]).double()
        self.since_record += 1

    def record(self, step: int, model: GaussianVAE) -> None:
        """Add a row if this step is one that is recorded."""
        if step not in self.recorded:
            return
        with self.clock.stopped():
            self.rows.append(self._row(step, model))
        self.sums.zero_()
        self.since_record = 0

    def _row(self, step: int, model: GaussianVAE) -> dict[str, float]:
        means = self._means()
        variance = model.log_noise_variance.detach().double().exp().item()
        rate = learning_rate(max(0, step - 1), self.budget.steps, self.training)
        row = dict(zip(_COLUMNS, (step, *means, variance, rate), strict=True))
        if self.budget.n_data > 1:
            row[_SEEN] = self.budget.images_seen(step)
        if self.measure is not None:
            with torch.no_grad():
                row |= self.measure(model)
        return row

    def latest(self) -> list[float]:
        """ELBO, reconstruction and KL of the steps since the last record, or of that record."""
        if self.since_record or not self.rows:
            return self._means()
        return [self.rows[-1][name] for name in _COLUMNS[1:4]]

    def _means(self) -> list[float]:
        return (self.sums / self.since_record).tolist() if self.since_record else [math.nan] * 3

    def table(self) -> pd.DataFrame:
        """Return all rows."""
        table = pd.DataFrame(self.rows)
        return table.astype({name: int for name in ("step", _SEEN) if name in table})

    def tensors(self) -> dict[str, Tensor]:
        """Return the state for a checkpoint."""
        return {
            "curve": torch.tensor([list(row.values()) for row in self.rows], dtype=torch.float64),
            "sums": self.sums,
            "counts": torch.tensor([self.since_record]),
            "seconds": torch.tensor(
                [*self.clock.seconds_at, self.clock.seconds()], dtype=torch.float64
            ),
        }

    def restore(self, tensors: dict[str, Tensor], model: GaussianVAE) -> None:
        """Put back what `tensors` gave."""
        seen = (_SEEN,) if self.budget.n_data > 1 else ()
        columns = (*_COLUMNS, *seen, *(self.measure(model) if self.measure else ()))
        for values in tensors["curve"].tolist():
            self.rows.append(dict(zip(columns, values, strict=True)))
        self.sums.copy_(tensors["sums"])
        self.since_record = int(tensors["counts"][0])
        self.clock.restore(tensors["seconds"].tolist())
