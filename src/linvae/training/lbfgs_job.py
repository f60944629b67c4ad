"""One L-BFGS job, from what it is told to its files.

The curve has the exact measurements of gradient training, but no estimates from its steps.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.files import write_csv
from linvae.linear import elbo
from linvae.linear.gaps import measure_linear
from linvae.linear.solve import Record, Solution, lbfgs
from linvae.linear.spectrum import Spectrum
from linvae.settings.run_job import RunJob
from linvae.weights import LinearWeights

__all__ = ["solve_and_save"]


def solve_and_save(
    job: RunJob, spectrum: Spectrum, model_file: str | Path, curve_file: str | Path
) -> None:
    """Solve a linear VAE, and write its weights and its curve.

    Parameters
    ----------
    job
        A run of a model with optimizer lbfgs.
    spectrum
        Of the training data.
    model_file, curve_file
        Files to write.
    """
    settings, noise = job.model, job.noise_model
    fixed = noise.kind == "fixed"
    recorder = _Recorder(spectrum, fixed, settings.training.steps, settings.job.records)
    solution = lbfgs(
        spectrum,
        job.n_latent,
        job.seed,
        noise_variance=noise.variance if fixed else None,
        initial_noise_variance=noise.variance,
        max_iterations=settings.training.steps,
        rotate=not settings.training.never_rotate,
        callback=recorder,
    )
    recorder.finish(solution)
    model = LinearWeights(
        solution.weights, solution.encoder, solution.posterior_variance, solution.noise_variance
    )
    model.save(model_file, job.metadata())
    write_csv(curve_file, pd.DataFrame(recorder.rows))


class _Recorder:
    """Measures some of the iterates, more at first: measuring all costs more than solving."""

    def __init__(self, spectrum: Spectrum, fixed: bool, steps: int, records: int) -> None:
        self.spectrum, self.fixed = spectrum, fixed
        grid = np.geomspace(1, max(2, steps), max(2, records))
        self.wanted = {0, *(int(round(step)) for step in grid)}
        self.rows: list[dict[str, float]] = []

    def __call__(self, record: Record, weights: Callable[[], NDArray[np.float64]]) -> None:
        if record.iteration in self.wanted:
            self._measure(record, weights())

    def finish(self, solution: Solution) -> None:
        """Record the end, if its iteration is not on the grid."""
        last = solution.history[-1]
        if not self.rows or self.rows[-1]["step"] != last.iteration:
            self._measure(last, solution.weights)

    def _measure(self, record: Record, weights: NDArray[np.float64]) -> None:
        encoder, variance = elbo.best_encoder(weights, record.noise_variance)
        model = LinearWeights(weights, encoder, variance, record.noise_variance)
        measured = measure_linear(model, self.spectrum, noise_fixed=self.fixed)
        if self.rows and self.rows[-1]["step"] == record.iteration:
            self.rows.pop()
        self.rows.append(
            {
                "step": record.iteration,
                "elbo_estimate": measured["elbo"],
                "noise_variance": record.noise_variance,
                **measured,
            }
        )
