"""One L-BFGS job from its specification to its files.

The curve has the exact measurements of gradient training, but no estimates from its steps.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae import elbo
from linvae.files import write_csv
from linvae.measure import measure_linear
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.solve import Record, Solution, lbfgs
from linvae.spectrum import Spectrum
from linvae.weights import IDENTITY, LinearWeights

__all__ = ["solve_and_save"]


def solve_and_save(
    spec: dict, spectrum: Spectrum, model_file: str | Path, curve_file: str | Path
) -> None:
    """Solve the linear VAE that `spec` describes, and write its weights and its curve.

    Parameters
    ----------
    spec
        ``model`` (`ModelSettings` with optimizer lbfgs), ``n_latent``, ``noise``, ``seed``.
    spectrum
        Of the training data.
    model_file, curve_file
        Files to write.
    """
    settings = ModelSettings.model_validate(spec["model"])
    noise = parse_noise(spec["noise"])
    fixed = noise.kind == "fixed"
    recorder = _Recorder(spectrum, fixed, settings.training.steps, settings.job.records)
    solution = lbfgs(
        spectrum,
        spec["n_latent"],
        spec["seed"],
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
    model.save(model_file, {key: spec[key] for key in IDENTITY})
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
