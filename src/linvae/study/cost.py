"""What a study costs before it runs: jobs, CPU or GPU hours, memory and disk.

The rates are measured on one core (`benchmarks/throughput.json`, written by the programs beside
it); the sizes follow from the models. Estimates, good to a factor of about two.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from linvae.images.registry import shape_of
from linvae.naming import Run, parse_data
from linvae.settings.arms import Arm
from linvae.settings.model import ModelSettings
from linvae.study.names import size_name

__all__ = [
    "START_SECONDS",
    "Cost",
    "Rates",
    "arm_cost",
    "bound_cost",
    "data_megabytes",
    "job_cost",
    "job_seconds",
    "n_features",
    "remark_on_gpus",
    "table",
    "training_images",
]

START_SECONDS = 3.0  # interpreter, torch, reading the data
_START_MEGABYTES = 450
# Measured: products of matrices of hundreds are so many times as fast as those of a batch of 64.
_LARGE_PRODUCTS = 3.0
# Measured: an update with a bypass over one without.
_GRAFTED = 1.5


@dataclass(frozen=True)
class Rates:
    """Measured speeds.

    Attributes
    ----------
    weight_images_per_second
        Gradient training from data on one CPU core: images a second times weights of the network.
    gpu_weight_images_per_second
        The same on one GPU; None where none was measured.
    moment_flops_per_second
        Training of linear models from the covariance, in double precision.
    lbfgs_flops_per_second
        L-BFGS on the profiled ELBO.
    lbfgs_iterations
        Iterations that a solution takes.
    """

    weight_images_per_second: float
    gpu_weight_images_per_second: float | None
    moment_flops_per_second: float
    lbfgs_flops_per_second: float
    lbfgs_iterations: int

    @classmethod
    def load(cls, path: str | Path) -> "Rates":
        """Read the measured rates."""
        return cls(**json.loads(Path(path).read_text(encoding="utf-8"))["rates"])


@dataclass(frozen=True)
class Cost:
    """Cost of one job, or of several together."""

    jobs: int = 0
    cpu_seconds: float = 0.0
    gpu_seconds: float = 0.0
    disk_megabytes: float = 0.0
    peak_megabytes: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.jobs + other.jobs,
            self.cpu_seconds + other.cpu_seconds,
            self.gpu_seconds + other.gpu_seconds,
            self.disk_megabytes + other.disk_megabytes,
            max(self.peak_megabytes, other.peak_megabytes),
        )


def job_cost(model: ModelSettings, run: Run, n_images: int, rates: Rates) -> Cost:
    """Estimate one training job.

    Parameters
    ----------
    model
        The run's model.
    run
        Its number of latents.
    n_images
        Training images of the run's data variant.
    rates
        Measured speeds.
    """
    training, k, d = model.training, run.n_latent, n_features(run.data)
    matrices = _matrices(model, d, k)
    weights = sum(a * b for a, b in matrices)
    disk = 8e-6 * weights if model.is_linear else 4e-6 * weights
    # Weights, gradients, two moments and a copy in the checkpoint.
    peak = _START_MEGABYTES + 6 * disk + 8e-6 * d**2 * 6
    if model.needs_data:
        peak += 3 * data_megabytes(n_images, d)
        batch = min(training.batch_size or n_images, n_images)
        steps_per_epoch = math.ceil(n_images / batch)
        epochs = training.epochs or math.ceil(training.steps / steps_per_epoch)
        work = epochs * n_images * weights
        if training.optimizer == "muon":
            # A weight sees three products an image, forward and back.
            products = _muon_products(matrices, training.newton_schulz_steps or 5)
            work += epochs * steps_per_epoch * products / (3 * _LARGE_PRODUCTS)
        if model.job.device != "cpu" and rates.gpu_weight_images_per_second:
            seconds = START_SECONDS + work / rates.gpu_weight_images_per_second
            return Cost(1, seconds, seconds, disk, peak)
        seconds = work / rates.weight_images_per_second
    elif training.optimizer == "lbfgs":
        flops = 12 * d * k**2 + 3 * k**3 + 40 * d * k
        seconds = min(training.steps, rates.lbfgs_iterations) * flops / rates.lbfgs_flops_per_second
    else:
        flops = 4 * d**2 * k + 12 * d * k**2 + 6 * d**2
        seconds = (training.steps or training.epochs) * flops / rates.moment_flops_per_second
    return Cost(1, START_SECONDS + seconds, 0.0, disk, peak)


def job_seconds(
    models: Mapping[str, ModelSettings], runs: Iterable[Run], rates: Rates
) -> dict[str, int]:
    """Estimate the processor time of each kind of training job, by `size_name`."""
    return {
        size_name(run): round(
            job_cost(models[run.model], run, training_images(run.data), rates).cpu_seconds
        )
        for run in runs
    }


def arm_cost(
    model: ModelSettings, run: Run, n_images: int, updates: int, rates: Rates, arm: Arm
) -> Cost:
    """Estimate one arm of a graft of one run; it does not keep its weights.

    With a bypass it decodes once more at each update, to encode what is left.
    """
    return _trained_on(model, run, n_images, updates, rates, 1.0 if arm == "none" else _GRAFTED)


def bound_cost(
    model: ModelSettings, run: Run, n_images: int, updates: int, draws: int, rates: Rates
) -> Cost:
    """Estimate training one run on by a bound, which decodes every draw; no weights are kept."""
    d = n_features(run.data)
    encoder = sum(a * b for a, b in model.encoder.matrices(d, run.n_latent))
    decoder = sum(a * b for a, b in model.decoder.matrices(run.n_latent, d))
    times = (encoder + draws * decoder) / (encoder + decoder)
    return _trained_on(model, run, n_images, updates, rates, times)


def _trained_on(
    model: ModelSettings, run: Run, n_images: int, updates: int, rates: Rates, times: float
) -> Cost:
    """Estimate some updates of a run, each so many times as long as one of its training."""
    training = model.training.model_copy(update={"steps": updates, "epochs": None})
    once = job_cost(model.model_copy(update={"training": training}), run, n_images, rates)
    return replace(
        once,
        cpu_seconds=times * once.cpu_seconds,
        gpu_seconds=times * once.gpu_seconds,
        disk_megabytes=0.0,
    )


def remark_on_gpus(models: Mapping[str, ModelSettings], rates: Rates) -> list[str]:
    """Say which hours of models would be others on a GPU; nothing where that was measured."""
    on_gpu = [name for name, model in models.items() if model.job.device != "cpu"]
    if not on_gpu or rates.gpu_weight_images_per_second is not None:
        return []
    return [
        f"No GPU was measured: {', '.join(on_gpu)} may use one (device), but their hours are "
        "given for one CPU core."
    ]


def table(by_name: Mapping[str, Cost], whole: str) -> list[str]:
    """Return the lines of a table of costs, and of their sum under its name."""
    heading = (
        f"{'model':28s} {'jobs':>5s} {'CPU h':>9s} {'GPU h':>8s} {'GB disk':>8s} {'GB mem':>7s}"
    )
    rows = [_row(name, cost) for name, cost in by_name.items()]
    return [heading, *rows, _row(whole, sum(by_name.values(), Cost()))]


def _row(name: str, cost: Cost) -> str:
    return (
        f"{name:28s} {cost.jobs:5d} {cost.cpu_seconds / 3600:9.2f} {cost.gpu_seconds / 3600:8.2f} "
        f"{cost.disk_megabytes / 1000:8.2f} {cost.peak_megabytes / 1000:7.2f}"
    )


def data_megabytes(n_images: int, n_features: int) -> float:
    """Size of a data variant in memory and on disk."""
    return 8e-6 * n_images * n_features


def n_features(data: str) -> int:
    """Return the number of values of an image of the data that a name asks for."""
    return math.prod(shape_of(parse_data(data).dataset))


def training_images(data: str, n_all: int = 60_000) -> int:
    """Return the number of training images that a data name asks for."""
    return parse_data(data).n_images or n_all


def _matrices(model: ModelSettings, n_features: int, n_latent: int) -> list[tuple[int, int]]:
    """Return the shapes of all weight matrices of encoder and decoder."""
    encoder = model.encoder.matrices(n_features, n_latent)
    return encoder + model.decoder.matrices(n_latent, n_features)


def _muon_products(matrices: Iterable[tuple[int, int]], n_steps: int) -> int:
    """Count the products of numbers in a step of Muon: four a quintic but the last on m x m."""
    found = 0
    for shape in matrices:
        m, n = sorted(shape)
        found += 2 * m * m * n + (4 * n_steps - 3) * m**3
    return found
