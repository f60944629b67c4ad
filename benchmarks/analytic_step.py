"""Time of one analytic training step against the number of images; it should not depend on it.

Usage: python benchmarks/analytic_step.py
Needs all of MNIST (LINVAE_DATA_DIR, or a reachable mirror). Prints milliseconds a step, medians
over alternating blocks, and their ratio.
"""

import statistics
import time

import torch

from linvae import data, preprocess
from linvae.noise import NoiseName
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.loop import fit
from linvae.training.models import build

SIZES = (1_000, 60_000)
N_LATENT = 200
STEPS = 50
BLOCKS = 7


def main() -> None:
    """Time blocks of steps on both sizes in turn."""
    torch.set_num_threads(1)
    images, provenance = data.load(n=max(SIZES))
    spectra = {n: Spectrum.from_data(preprocess.logit(images[:n])) for n in SIZES}
    settings = ModelSettings.model_validate(
        {"training": {"objective": "analytic", "steps": STEPS}, "job": {"records": 2}}
    )
    times: dict[int, list[float]] = {n: [] for n in SIZES}
    for _ in range(BLOCKS):
        for n, spectrum in spectra.items():
            model = build(settings, spectrum, N_LATENT, NoiseName("learned", 1.0), seed=0)
            start = time.process_time()
            fit(model, settings, 0, covariance=spectrum.covariance)
            times[n].append(1e3 * (time.process_time() - start) / STEPS)
    medians = {n: statistics.median(values) for n, values in times.items()}
    print(f"{provenance.label()}, k = {N_LATENT}, one core, processor time, {BLOCKS} blocks")
    for n, value in medians.items():
        print(f"{n:6d} images: {value:6.2f} ms a step")
    print(f"ratio {medians[SIZES[1]] / medians[SIZES[0]]:.3f}")


if __name__ == "__main__":
    main()
