"""Names of data variants, runs and files, as they appear in paths below ``results/``.

The functions here are the only place that builds or reads these names. A name says what is computed
and never who asked for it, so two figures or two studies that need the same file share it. Below
the name lies the address of what made the file (`linvae.jobs.job`): one name may be at several.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from linvae.images.registry import NAMES
from linvae.noise import number

__all__ = [
    "ADDRESS_PATTERN",
    "MODEL_PATTERN",
    "DataName",
    "Product",
    "Run",
    "parse_data",
    "parse_run",
    "parse_variant",
    "product_of",
]

MODEL_PATTERN = r"[a-z0-9]+(?:[.-][a-z0-9]+)*"
ADDRESS_PATTERN = r"[0-9a-f]{12}"
_VARIANT = re.compile(
    r"(?P<preprocessing>pixels|logit)-(?:(?:after(?P<after>[1-9][0-9]*)-)?first(?P<n>[1-9][0-9]*)|all)"
    r"(?:-test(?P<n_test>[1-9][0-9]*))?(?:-seed(?P<seed>[0-9]+))?(?:-lambda(?P<lam>0\.[0-9]+))?"
)


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
    after
        Training images that are passed over first. Then the held-out images are training images
        too, those that follow: a pilot on such a variant sees no image that other runs are judged
        by.
    """

    dataset: str
    preprocessing: str
    n_images: int | None
    n_test: int = 1000
    seed: int = 0
    logit_lambda: float = 1e-6
    after: int = 0

    def __str__(self) -> str:
        subset = "all" if self.n_images is None else f"first{self.n_images}"
        passed = [f"after{self.after}"] if self.after else []
        parts = [self.dataset, self.preprocessing, *passed, subset]
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
    data, noise
        As they are written in paths.
    """

    model: str
    data: str
    n_latent: int
    noise: str
    seed: int

    def __str__(self) -> str:
        return f"{self.model}/{self.data}/k{self.n_latent}/{self.noise}/seed{self.seed}"


@dataclass(frozen=True)
class Product:
    """A file that a study computes: what it is, wherever it lies.

    Attributes
    ----------
    file
        Its name, such as ``metrics.json``.
    run
        The run that it is of.
    data
        The data variant that it is of, where it is of no run.
    variant
        What else tells it from others of its name: ``at50`` of a table of maxima,
        ``certificate-6250`` of an arm of a graft.
    """

    file: str
    run: Run | None = None
    data: str | None = None
    variant: str = ""


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
            f"data variant {variant!r} is not of the form {{pixels|logit}}-first<n>, "
            "{pixels|logit}-after<m>-first<n> or {pixels|logit}-all, for example logit-first1000"
        )
        raise ValueError(msg)
    n_images = None if match["n"] is None else int(match["n"])
    numbers = {
        "n_test": match["n_test"] and int(match["n_test"]),
        "seed": match["seed"] and int(match["seed"]),
        "logit_lambda": match["lam"] and float(match["lam"]),
        "after": match["after"] and int(match["after"]),
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
        if (
            re.fullmatch(MODEL_PATTERN, model)
            and re.fullmatch(r"k\d+", latent)
            and re.fullmatch(r"seed\d+", seed)
        ):
            return Run(model, data, int(latent[1:]), noise, int(seed[4:]))
    msg = f"{path!r} is not below results/train/<model>/<data>/k<k>/<noise>/seed<seed>"
    raise ValueError(msg)


def product_of(path: str) -> Product:
    """Read from a path below ``results/`` what the file is.

    Raises
    ------
    ValueError
        If nothing that is computed lies there.
    """
    _, kind, *names, file = PurePosixPath(path).parts
    if not names:
        msg = f"{path!r} is not below results/<kind>/<name>/<address>"
        raise ValueError(msg)
    if kind == "train":
        grafts = (name.removeprefix("graft-") for name in names[5:] if name.startswith("graft-"))
        return Product(file, run=parse_run(path), variant=next(grafts, ""))
    if kind == "report":
        return Product(file)
    told = [name for name in names[1:] if not re.fullmatch(ADDRESS_PATTERN, name)]
    return Product(file, data=names[0], variant="/".join(told))
