"""Names of data variants, noise models and runs, as they appear in paths below ``results/``.

The functions here are the only place that builds or reads these names. A name says what is computed
and never who asked for it, so two figures that need the same run share its folder.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Literal

__all__ = [
    "DATASETS",
    "MODEL_PATTERN",
    "DataName",
    "NoiseName",
    "Run",
    "number",
    "parse_data",
    "parse_noise",
    "parse_run",
    "parse_variant",
]

DATASETS = {"mnist": "MNIST", "fashionmnist": "FashionMNIST", "kmnist": "KMNIST"}
MODEL_PATTERN = r"[a-z0-9]+(?:[.-][a-z0-9]+)*"

_VARIANT = re.compile(r"(?P<preprocessing>pixels|logit)-(?:first(?P<n>[1-9][0-9]*)|all)")
_NOISE = re.compile(r"(?P<kind>fixed|learned)-(?P<value>[0-9]+(?:\.[0-9]+)?)")


def number(value: float) -> str:
    """Write a finite number in its one canonical form: ``0.1``, ``30``, ``0.00001``."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class DataName:
    """A data variant: dataset, preprocessing and the number of training images (None: all)."""

    dataset: str
    preprocessing: str
    n_images: int | None

    def __str__(self) -> str:
        subset = "all" if self.n_images is None else f"first{self.n_images}"
        return f"{self.dataset}-{self.preprocessing}-{subset}"


@dataclass(frozen=True)
class NoiseName:
    """A noise model: the (initial) observation noise variance, held fixed or learned."""

    kind: Literal["fixed", "learned"]
    variance: float

    def __str__(self) -> str:
        return f"{self.kind}-{number(self.variance)}"


@dataclass(frozen=True)
class Run:
    """One training job: what is trained, on what, and from which seed."""

    model: str
    data: str
    n_latent: int
    noise: str
    seed: int

    @property
    def folder(self) -> str:
        """Folder of the run's files, relative to the working directory."""
        return (
            f"results/train/{self.model}/{self.data}/k{self.n_latent}/{self.noise}/seed{self.seed}"
        )

    def file(self, name: str) -> str:
        """Path of one of the run's files."""
        return f"{self.folder}/{name}"


def parse_variant(dataset: str, variant: str) -> DataName:
    """Read a variant such as ``logit-first1000`` or ``pixels-all`` of a dataset.

    Raises
    ------
    ValueError
        If the variant does not have that form.
    """
    match = _VARIANT.fullmatch(variant)
    if match is None:
        msg = (
            f"data variant {variant!r} is not of the form {{pixels|logit}}-first<n> or "
            "{pixels|logit}-all, for example logit-first1000"
        )
        raise ValueError(msg)
    n_images = None if match["n"] is None else int(match["n"])
    return DataName(dataset, match["preprocessing"], n_images)


def parse_data(name: str) -> DataName:
    """Read a full data name such as ``mnist-logit-first1000``.

    Raises
    ------
    ValueError
        If the dataset is unknown or the variant is malformed.
    """
    dataset, _, variant = name.partition("-")
    if dataset not in DATASETS:
        msg = f"data name {name!r} does not start with one of {', '.join(DATASETS)}"
        raise ValueError(msg)
    return parse_variant(dataset, variant)


def parse_noise(name: str) -> NoiseName:
    """Read a noise name such as ``fixed-0.1`` or ``learned-10``.

    Raises
    ------
    ValueError
        If the form is another, the variance is not positive, or it is not in canonical form.
    """
    match = _NOISE.fullmatch(name)
    if match is None or float(match["value"]) <= 0:
        msg = (
            f"noise {name!r} is not of the form fixed-<variance> or learned-<initial variance> "
            "with a positive plain decimal, for example learned-1 or fixed-0.1"
        )
        raise ValueError(msg)
    noise = NoiseName("fixed" if match["kind"] == "fixed" else "learned", float(match["value"]))
    if str(noise) != name:
        msg = f"noise {name!r} is not in canonical form; write {str(noise)!r}"
        raise ValueError(msg)
    return noise


def parse_run(path: str) -> Run:
    """Read the run from its folder, or from any file directly in it.

    Raises
    ------
    ValueError
        If the path is not a run's.
    """
    parts = PurePosixPath(path).parts
    if "train" in parts and len(parts) >= parts.index("train") + 6:
        start = parts.index("train") + 1
        model, data, latent, noise, seed = parts[start : start + 5]
        if re.fullmatch(r"k\d+", latent) and re.fullmatch(r"seed\d+", seed):
            return Run(model, data, int(latent[1:]), noise, int(seed[4:]))
    msg = f"{path!r} is not below results/train/<model>/<data>/k<k>/<noise>/seed<seed>"
    raise ValueError(msg)
