"""Names of data variants and runs, as they appear in paths below ``results/``.

The functions here are the only place that builds or reads these names. A name says what is computed
and never who asked for it, so two figures or two studies that need the same run share its folder.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from linvae.noise import number
from linvae.sources.registry import NAMES

__all__ = [
    "DIGEST_PATTERN",
    "MODEL_PATTERN",
    "VARIANT_PATTERN",
    "DataName",
    "Run",
    "digest",
    "parse_data",
    "parse_run",
    "parse_variant",
]

MODEL_PATTERN = r"[a-z0-9]+(?:[.-][a-z0-9]+)*"
DIGEST_PATTERN = r"[0-9a-f]{8}"
# What a section of the study names, and what its settings in `dataset` and `preprocess` add.
VARIANT_PATTERN = (
    r"(?:pixels|logit)-(?:first[1-9][0-9]*|all)"
    r"(?:-test[1-9][0-9]*)?(?:-seed[0-9]+)?(?:-lambda0\.[0-9]+)?"
)
_VARIANT = re.compile(
    r"(?P<preprocessing>pixels|logit)-(?:first(?P<n>[1-9][0-9]*)|all)"
    r"(?:-test(?P<n_test>[1-9][0-9]*))?(?:-seed(?P<seed>[0-9]+))?(?:-lambda(?P<lam>0\.[0-9]+))?"
)


def digest(content: object) -> str:
    """Return eight hexadecimal digits that stand for plain values, as JSON holds them."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class DataName:
    """A data variant, and all that decides its numbers beside the images themselves.

    Attributes
    ----------
    dataset, preprocessing
        For example ``mnist`` and ``logit``.
    n_images
        Training images, from the start of the split; None for all.
    n_test
        Test images.
    seed, logit_lambda
        Of the dither and of the logit map; they do not concern pixels. What is as usual is not
        written into the name.
    """

    dataset: str
    preprocessing: str
    n_images: int | None
    n_test: int = 1000
    seed: int = 0
    logit_lambda: float = 1e-6

    def __str__(self) -> str:
        subset = "all" if self.n_images is None else f"first{self.n_images}"
        parts = [self.dataset, self.preprocessing, subset]
        if self.n_test != DataName.n_test:
            parts.append(f"test{self.n_test}")
        if self.preprocessing == "logit":
            if self.seed != DataName.seed:
                parts.append(f"seed{self.seed}")
            if self.logit_lambda != DataName.logit_lambda:
                parts.append(f"lambda{number(self.logit_lambda)}")
        return "-".join(parts)


@dataclass(frozen=True)
class Run:
    """One training job: what is trained, on what, and from which seed.

    Attributes
    ----------
    model
        Its name in the configuration.
    digest
        Stands for the model's settings, the number of threads and the kind of device.
    data, noise
        As they are written in paths.
    """

    model: str
    digest: str
    data: str
    n_latent: int
    noise: str
    seed: int

    @property
    def folder(self) -> str:
        """Folder of the run's files, relative to the working directory."""
        return (
            f"results/train/{self.model}.{self.digest}/{self.data}/k{self.n_latent}/{self.noise}"
            f"/seed{self.seed}"
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
    numbers = {
        "n_test": match["n_test"] and int(match["n_test"]),
        "seed": match["seed"] and int(match["seed"]),
        "logit_lambda": match["lam"] and float(match["lam"]),
    }
    unusual = {name: value for name, value in numbers.items() if value is not None}
    return DataName(dataset, match["preprocessing"], n_images, **unusual)


def parse_data(name: str) -> DataName:
    """Read a full data name such as ``mnist-logit-first1000``.

    Raises
    ------
    ValueError
        If the dataset is unknown or the variant is malformed.
    """
    dataset, _, variant = name.partition("-")
    if dataset not in NAMES:
        msg = f"data name {name!r} does not start with one of {', '.join(NAMES)}"
        raise ValueError(msg)
    return parse_variant(dataset, variant)


def parse_run(path: str) -> Run:
    """Read the run from its folder, or from any file below it.

    Raises
    ------
    ValueError
        If the path is not a run's.
    """
    parts = PurePosixPath(path).parts
    if "train" in parts and len(parts) >= parts.index("train") + 6:
        start = parts.index("train") + 1
        model, data, latent, noise, seed = parts[start : start + 5]
        named = re.fullmatch(rf"({MODEL_PATTERN})\.({DIGEST_PATTERN})", model)
        if named and re.fullmatch(r"k\d+", latent) and re.fullmatch(r"seed\d+", seed):
            return Run(named[1], named[2], data, int(latent[1:]), noise, int(seed[4:]))
    msg = f"{path!r} is not below results/train/<model>.<digest>/<data>/k<k>/<noise>/seed<seed>"
    raise ValueError(msg)
