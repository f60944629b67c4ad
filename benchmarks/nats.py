"""Nats for seconds: processor time of the shortest schedule that ends above given ELBOs.

The task and the recipes stand in nats.yaml. A schedule is a whole training, from warm-up to the end
of its cosine: what a longer one has on its way is no result of a shorter one.

Usage: LINVAE_DATA_DIR=<folder of MNIST's own files> python benchmarks/nats.py
Takes a quarter of an hour of one core. The embedded images do not suffice.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from parts import Part

from linvae.images import load as data
from linvae.images import preprocess
from linvae.linear.moments import Moments
from linvae.measure.gaussian import measure
from linvae.naming import parse_variant
from linvae.noise import parse_noise
from linvae.seeds import derive_seed
from linvae.settings.model import ModelSettings
from linvae.threads import one_blas_thread
from linvae.training.clock import CpuClock
from linvae.training.loop import fit
from linvae.training.models import build

__all__ = ["TASK", "ended", "images_of", "part", "recipes", "reached"]

TASK = Path(__file__).with_name("nats.yaml")
DRAWS = 4

TEXT = """\
Processor time, in seconds of one core, of the shortest schedule that ends above an ELBO of held-out
images (nats per datum) with every seed of {n_seeds}; in brackets the images that it sees, in
thousands. MNIST's training images {first:,} to {last:,}, held out the {n_test:,} that follow; the
network {network}, k = {n_latent}, sigma^2 = {noise}. Schedules see {images} thousand images. The
last columns are the mean ELBO of the longest, on held-out and on training images, and its time. The
task and the recipes stand in benchmarks/nats.yaml."""


def part(told: Mapping | None = None, splits: Mapping[str, np.ndarray] | None = None) -> Part:
    """Run every recipe at every length from every seed.

    Parameters
    ----------
    told
        What nats.yaml holds.
    splits
        Data ``train`` and ``test`` of the task, each (n, d).
    """
    told = told or yaml.safe_load(TASK.read_text(encoding="utf-8"))
    task = told["task"]
    splits = splits or images_of(task)
    runs = pd.DataFrame(
        [
            {"recipe": name, "images": images, **ended(settings, splits, task, seed)}
            for name, by_length in recipes(told).items()
            for images, settings in by_length.items()
            for seed in task["seeds"]
        ]
    )
    variant = parse_variant("mnist", task["data"])
    text = TEXT.format(
        n_seeds=len(task["seeds"]),
        first=variant.after + 1,
        last=variant.after + variant.n_images,
        n_test=task["n_test"],
        network="-".join(map(str, told["model"]["encoder"]["hidden"])),
        n_latent=task["n_latent"],
        noise=task["noise"].split("-")[1],
        images=", ".join(f"{images // 1000:,}" for images in task["images"]),
    )
    return Part("Nats for seconds", text, reached(runs, task["elbos"]))


def recipes(told: Mapping) -> dict[str, dict[int, ModelSettings]]:
    """Return the settings of each recipe by the number of images that its schedule sees."""
    found: dict[str, dict[int, ModelSettings]] = {}
    for name, changes in told["recipes"].items():
        merged = {key: {**value, **changes.get(key, {})} for key, value in told["model"].items()}
        batch = merged["training"]["batch_size"]
        found[name] = {}
        for images in told["task"]["images"]:
            training = {**merged["training"], "steps": images // batch}
            settings = {**merged, "training": training, "job": {"records": 2}}
            found[name][images] = ModelSettings.model_validate(settings)
    return found


def images_of(task: Mapping) -> dict[str, np.ndarray]:
    """Return the task's data, preprocessed."""
    variant = parse_variant("mnist", task["data"])
    train, _ = data.load("MNIST", "train")
    numbers = (variant.n_images, task["n_test"], variant.after)
    chosen = preprocess.splits_of(train, train[:0], *numbers)
    return {split: preprocess.logit(images, stream=split) for split, images in chosen.items()}


def ended(
    settings: ModelSettings, splits: Mapping[str, np.ndarray], task: Mapping, seed: int
) -> dict[str, float]:
    """Train once; return ``cpu_seconds``, and ``elbo`` and ``train_elbo`` in nats per datum."""
    noise = parse_noise(task["noise"])
    model = build(settings, Moments.of_data(splits["train"]), task["n_latent"], noise, seed)
    clock = CpuClock()
    fit(model, settings, seed, data=splits["train"], clock=clock)
    found = {"cpu_seconds": clock.seconds_at[-1]}
    for name, split in (("elbo", "test"), ("train_elbo", "train")):
        rows = splits[split][: task["n_test"]]
        own = {"draws": DRAWS, "seed": derive_seed(seed, f"nats/{split}"), "dtype": torch.float32}
        measured = measure(model.encode, model.decode, rows, **own)
        found[name] = float(measured.elbo(noise.variance).mean())
    return found


def reached(runs: pd.DataFrame, elbos: list[float]) -> pd.DataFrame:
    """Tabulate when each recipe exceeds each ELBO.

    Parameters
    ----------
    runs
        ``recipe``, ``images``, ``cpu_seconds``, ``elbo``, ``train_elbo``; one row a seed.
    elbos
        In any order.
    """
    rows = []
    for recipe, own in runs.groupby("recipe", sort=False):
        by_length = own.groupby("images").agg(
            worst=("elbo", "min"),
            elbo=("elbo", "mean"),
            train_elbo=("train_elbo", "mean"),
            seconds=("cpu_seconds", "mean"),
        )
        row: dict[str, object] = {"recipe": recipe}
        for elbo in elbos:
            above = by_length[by_length["worst"] > elbo]
            first = above.head(1)
            row[f"above {elbo:g}"] = (
                f"{first['seconds'].iloc[0]:.0f} ({first.index[0] // 1000})" if len(first) else "-"
            )
        last = by_length.iloc[-1]
        row |= {
            "held out": f"{last['elbo']:.1f}",
            "train": f"{last['train_elbo']:.1f}",
            "seconds": f"{last['seconds']:.0f}",
        }
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    with one_blas_thread():
        print(part().markdown())
