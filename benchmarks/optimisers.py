"""Time to the maximum of a linear VAE: L-BFGS, Adam, variational EM, and EM for pPCA.

Each climbs on its own ELBO to the pPCA maximum, which is that of the ELBO too. All are given the
spectrum of the data; L-BFGS and EM work in its eigenbasis, where S is diagonal, and start from the
same weights.

Usage: python benchmarks/optimisers.py

References
----------
Tipping and Bishop (1999), *Probabilistic Principal Component Analysis*, equations 27 and 28.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from parts import Clock, Part, logit_rows

from linvae.config.configuration import load
from linvae.config.yaml_files import read
from linvae.linear import elbo, ppca, solve
from linvae.linear.ascent import profiled_gradient
from linvae.linear.spectrum import Spectrum
from linvae.noise import NoiseName
from linvae.seeds import numpy_generator
from linvae.settings.model import ModelSettings
from linvae.threads import one_blas_thread
from linvae.training.exact import linear_weights
from linvae.training.loop import fit
from linvae.training.models import GaussianVAE, build

__all__ = ["METHODS", "Point", "adam", "em", "em_step", "first_at", "lbfgs", "part"]

ROOT = Path(__file__).resolve().parents[1]
N_LATENTS = (10, 50)
GAPS = (1.0, 1e-2, 1e-6)
EM_ITERATIONS = 10_000
# Points at which Adam is looked at: one in some ten steps.
ADAM_RECORDS = 1000

Array = NDArray[np.float64]

TEXT = """\
Processor time and iterations until the ELBO is within 1, 0.01 and 1e-6 nats per datum of the
pPCA maximum, on {n:,} rows of logit MNIST, from the spectrum, one seed; the time of looking is
not counted. L-BFGS (`linvae.solve`, the encoder profiled out, steps and rotations counted) and
EM start from the same weights. Adam is `linear-adam` of config.yaml, whose rate falls to zero in
its {adam_steps:,} steps; it is looked at every ten, so its counts are rounded up. Variational EM
is coordinate ascent on the linear VAE's ELBO: the best encoder, V and diagonal D, then the best
W and sigma^2. EM for pPCA (Tipping and Bishop 1999, equations 27 and 28) has the full posterior
and climbs on log p(x), which the ELBO equals once W is turned to its principal axes. For
comparison: from the spectrum `linvae.linear.ppca.fit` writes the maximum down in {closed_form}."""


class Point(NamedTuple):
    """Where a climb was: iterations made, processor time in seconds, nats below the maximum."""

    iteration: int
    seconds: float
    gap: float


Climb = Callable[[Spectrum, int], list[Point]]


def part(
    n: int = 1000,
    n_latents: Sequence[int] = N_LATENTS,
    methods: dict[str, Climb] | None = None,
) -> Part:
    """Let every method climb at every number of latents."""
    spectrum = Spectrum.from_data(logit_rows(n, ["train"]))
    rows, closed = [], []
    for k in n_latents:
        clock = Clock()
        ppca.fit(spectrum, k)
        with clock as seconds:
            closed.append(seconds)
        for name, climb in (methods or METHODS).items():
            points = climb(spectrum, k)
            reached = {f"{gap:g} nats": _shown(points, gap) for gap in GAPS}
            lowest = min(point.gap for point in points)
            rows.append({"k": k, "method": name, **reached, "smallest gap": f"{lowest:.1e}"})
    text = TEXT.format(
        n=n,
        adam_steps=linear_adam().training.steps,
        closed_form=f"{1e3 * max(closed):.1f} ms",
    )
    title = "Time to the maximum of a linear VAE"
    return Part(title, text, pd.DataFrame(rows))


def first_at(points: Sequence[Point], gap: float) -> Point | None:
    """Return the first point that is no more than `gap` nats below the maximum."""
    return next((point for point in points if point.gap <= gap), None)


def _shown(points: Sequence[Point], gap: float) -> str:
    found = first_at(points, gap)
    if found is None:
        return f"not reached in {points[-1].iteration:,} ({points[-1].seconds:.1f} s)"
    return f"{found.seconds:.3g} s ({found.iteration:,})"


def start(spectrum: Spectrum, n_latent: int) -> tuple[Array, float]:
    """Return the first weights (d, k) in the eigenbasis, and the first noise variance.

    Normal draws whose columns are about as long as the root of the mean eigenvalue.
    """
    d, mean = spectrum.n_features, spectrum.total_variance / spectrum.n_features
    draws = numpy_generator(0, "benchmark").standard_normal((d, n_latent))
    return draws * np.sqrt(mean / d), mean


def lbfgs(spectrum: Spectrum, n_latent: int, tolerance: float = 1e-8) -> list[Point]:
    """Climb with `linvae.linear.solve.lbfgs`."""
    maximum, points = ppca.max_log_likelihood(spectrum, n_latent), []
    weights, noise_variance = start(spectrum, n_latent)

    def look(record: solve.Record, _: Callable[[], Array]) -> None:
        with clock as seconds:
            points.append(Point(record.iteration, seconds, maximum - record.elbo))

    first = {
        "initial_weights": spectrum.eigenvectors @ weights,
        "initial_noise_variance": noise_variance,
    }
    clock = Clock()
    solve.lbfgs(spectrum, n_latent, tolerance=tolerance, callback=look, **first)
    return points


def linear_adam() -> ModelSettings:
    """Return the model `linear-adam` of config.yaml."""
    return load(read(ROOT / "config.yaml")).models["linear-adam"]


def adam(spectrum: Spectrum, n_latent: int, steps: int | None = None) -> list[Point]:
    """Climb with `linear-adam`: the ELBO of its own encoder, evaluated in float64."""
    maximum, points = ppca.max_log_likelihood(spectrum, n_latent), []
    settings = linear_adam()
    training = settings.training.model_copy(update={"steps": steps or settings.training.steps})
    job = settings.job.model_copy(update={"records": ADAM_RECORDS})
    settings = settings.model_copy(update={"training": training, "job": job})
    model = build(settings, spectrum, n_latent, NoiseName("learned", 1.0), seed=0)

    def look(model: GaussianVAE) -> dict[str, float]:
        with clock as seconds:
            found = linear_weights(model)
            value = elbo.analytic(
                found.weights,
                found.encoder,
                found.posterior_variance,
                found.noise_variance,
                spectrum,
            )
            points.append(Point(0, seconds, maximum - value))
        return {}

    clock = Clock()
    curve = fit(model, settings, 0, covariance=spectrum.covariance, measure=look)
    return [p._replace(iteration=int(i)) for p, i in zip(points, curve["step"], strict=True)]


def em(
    spectrum: Spectrum, n_latent: int, *, full: bool, iterations: int = EM_ITERATIONS
) -> list[Point]:
    """Climb with EM until the smallest of the gaps is reached or the iterations are over.

    Parameters
    ----------
    full
        The exact posterior, whose ascent is on log p(x), or the best diagonal one, on the ELBO.
    """
    maximum, points = ppca.max_log_likelihood(spectrum, n_latent), []
    (w, s), eigenvalues = start(spectrum, n_latent), spectrum.eigenvalues
    clock = Clock()
    for iteration in range(iterations + 1):
        # Looked at each time at first, then one time in a hundredth of the iterations so far.
        if iteration % max(1, iteration // 100) == 0 or iteration == iterations:
            with clock as seconds:
                value, log_likelihood, _, _ = profiled_gradient(w, s, eigenvalues)
                gap = maximum - (log_likelihood if full else value)
                points.append(Point(iteration, seconds, gap))
            if gap <= min(GAPS):
                break
        w, s = em_step(w, s, eigenvalues, full=full)
    return points


def em_step(
    weights: Array, noise_variance: float, eigenvalues: Array, *, full: bool
) -> tuple[Array, float]:
    """Return W (d, k) and sigma^2 after an E step and an M step, where S = diag(eigenvalues).

    With M = W^T W + s I the E step gives V = M^-1 W^T and the posterior's covariance D, which is
    s M^-1 if `full` and else diag(s / M_ii), the best diagonal one for the ELBO. The M step is
    W' = S V^T (V S V^T + D)^-1 and s' = tr(S - W' V S) / d.
    """
    w, s, lam = weights, noise_variance, eigenvalues
    d, k = w.shape
    m = w.T @ w + s * np.eye(k)
    v = np.linalg.solve(m, w.T)
    spread = s * np.linalg.inv(m) if full else np.diag(s / np.diag(m))
    cross = lam[:, None] * v.T  # S V^T
    new = np.linalg.solve(v @ cross + spread, cross.T).T
    return new, float(lam.sum() - np.sum(new * cross)) / d


METHODS: dict[str, Climb] = {
    "L-BFGS": lbfgs,
    "Adam": adam,
    "variational EM": partial(em, full=False),
    "EM for pPCA": partial(em, full=True),
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with one_blas_thread():
        print(part().markdown())
