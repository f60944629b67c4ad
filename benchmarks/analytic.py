"""An analytic step of the linear VAE from the covariance, and the same step from the rows.

The value and gradient of the exact ELBO of p(x|z) = N(W z + mu, s I), q(z|x) = N(V (x - mu), D)
need the data's covariance S alone; a program that does not know this multiplies all n rows in every
step. Both are torch in float32, as `linear-adam` trains, at the same weights.

Usage: python benchmarks/analytic.py
"""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from parts import Part, interleaved, logit_rows
from torch import Tensor

from linvae.linear.spectrum import Spectrum
from linvae.noise import NoiseName
from linvae.settings.model import ModelSettings
from linvae.threads import one_blas_thread
from linvae.training import objectives
from linvae.training.models import GaussianVAE, build

__all__ = ["covariance_loss", "part", "rows_loss", "value_and_gradient"]

SIZES = (1_000, 10_000, 60_000)
N_LATENT = 200
# Of loss and gradient in float64, relative: rounding makes some 1e-13 in sums of so many rows.
AGREEMENT = 1e-10

TEXT = """\
Value and gradient of the exact ELBO at k = {k}, in float32, on logit MNIST: linvae's step from
the covariance, and one that multiplies the rows, at the same weights; {images:,} images, each
repeated with a dither of its own where there are more rows. The spectrum (mean, covariance and
eigensystem, float64) is computed once for a data set and kept. The last columns say after how
many steps that is paid back, and by how much the two losses and gradients differ in float64,
relative."""


def part(sizes: Sequence[int] = SIZES, n_latent: int = N_LATENT, rounds: int = 5) -> Part:
    """Time both steps on growing numbers of rows."""
    rows = logit_rows(max(sizes))
    table = pd.DataFrame([_row(rows[:n], n_latent, rounds) for n in sizes])
    text = TEXT.format(k=n_latent, images=5_000)
    return Part("An analytic step, from the covariance and from the rows", text, table)


def covariance_loss(model: GaussianVAE, covariance: Tensor) -> Tensor:
    """Return the negative ELBO as linvae's training computes it, in nats per datum."""
    terms = objectives.moment_terms(model, covariance)
    return objectives.negative_elbo(*terms, model.log_noise_variance, model.n_features)


def rows_loss(model: GaussianVAE, rows: Tensor) -> Tensor:
    """Return the negative ELBO of a linear VAE from its centred rows (n, d), in nats per datum.

    (|x - W V x|^2 + tr(W^T W D)) / 2s + d/2 log(2 pi s) + KL, averaged over the rows.
    """
    n, d = rows.shape
    log_s, log_variance = model.log_noise_variance, model.encoder.log_variance
    w, v = model.decoder[0].weight, model.encoder.mean[0].weight
    variance = log_variance.exp()
    mean = rows @ v.T
    squared_error = (rows - mean @ w.T).square().sum() / n + w.square().sum(0) @ variance
    kl = 0.5 * (mean.square().sum() / n + (variance - 1 - log_variance).sum())
    return 0.5 * (squared_error / log_s.exp() + d * (math.log(2 * math.pi) + log_s)) + kl


def value_and_gradient(
    model: GaussianVAE, loss: Callable[[GaussianVAE, Tensor], Tensor], source: Tensor
) -> tuple[float, list[Tensor]]:
    """Return a loss and its gradient by every parameter of a model."""
    parameters = list(model.parameters())
    value = loss(model, source)
    return value.item(), list(torch.autograd.grad(value, parameters))


def linear_vae(spectrum: Spectrum, n_latent: int, precision: str = "float32") -> GaussianVAE:
    """Return a linear VAE with random weights."""
    training = {"objective": "analytic", "steps": 1, "precision": precision}
    settings = ModelSettings.model_validate({"training": training})
    return build(settings, spectrum, n_latent, NoiseName("learned", 1.0), seed=0)


def _row(rows: np.ndarray, n_latent: int, rounds: int) -> dict[str, str]:
    start = time.process_time()
    spectrum = Spectrum.from_data(rows)
    once = time.process_time() - start
    centred = rows - spectrum.mean
    loss, gradient = _differences(spectrum, centred, n_latent)
    model = linear_vae(spectrum, n_latent)
    covariance = torch.as_tensor(spectrum.covariance).float()
    centred = torch.as_tensor(centred).float()
    seconds = interleaved(
        {
            "linvae": lambda: value_and_gradient(model, covariance_loss, covariance),
            "rows": lambda: value_and_gradient(model, rows_loss, centred),
        },
        rounds,
        {"linvae": 10},
    )
    saved = seconds["rows"] - seconds["linvae"]
    return {
        "rows": f"{len(rows):,}",
        "spectrum, once": f"{once:.2f} s",
        "linvae, a step": f"{1e3 * seconds['linvae']:.1f} ms",
        "from the rows, a step": f"{1e3 * seconds['rows']:.1f} ms",
        "times as long": f"{seconds['rows'] / seconds['linvae']:.1f}",
        "paid back after, steps": f"{math.ceil(once / saved):,}" if saved > 0 else "never",
        "losses differ by": f"{loss:.0e}",
        "gradients by": f"{gradient:.0e}",
    }


def _differences(spectrum: Spectrum, centred: np.ndarray, n_latent: int) -> tuple[float, float]:
    """Return the relative differences of losses and gradients in float64.

    Raises
    ------
    RuntimeError
        If they are more than rounding: then times of the two say nothing.
    """
    model = linear_vae(spectrum, n_latent, "float64")
    covariance = torch.as_tensor(spectrum.covariance)
    ours, our_slopes = value_and_gradient(model, covariance_loss, covariance)
    theirs, their_slopes = value_and_gradient(model, rows_loss, torch.as_tensor(centred))
    loss = abs(ours - theirs) / abs(theirs)
    pairs = zip(our_slopes, their_slopes, strict=True)
    gradient = max(float((a - b).norm() / b.norm()) for a, b in pairs)
    if not max(loss, gradient) <= AGREEMENT:
        msg = (
            f"from covariance and rows the losses differ by {loss:.1e} and the gradients by "
            f"{gradient:.1e}, relative; up to {AGREEMENT:g} is rounding"
        )
        raise RuntimeError(msg)
    return loss, gradient


if __name__ == "__main__":
    torch.set_num_threads(1)
    with one_blas_thread():
        print(part().markdown())
