"""The datasets that there are: shape and files of the images of each, and the MD5 of the files.

They lie in ``datasets.json`` beside this module and not in code: what a job reads of it is part of
the job's specification, so that another dataset changes the code of none.
"""

import json
from pathlib import Path

__all__ = ["DATASETS", "IMAGE_FILES", "NAMES", "PIXELS", "SHAPES", "Shape", "shape_of"]

# Height, width and channels of an image.
Shape = tuple[int, int, int]

IMAGE_FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}

# Dataset, named as its class in torchvision, then file, then MD5 hashes: the one that torchvision
# expects, those of repacked copies, and that of the file unzipped, by which its content is known in
# any packing (of KMNIST it is not known here). Debian's dataset-fashion-mnist has the original
# compressed streams under gzip headers without name and time; putting those back gives the original
# hash.
_KNOWN = json.loads(Path(__file__).with_name("datasets.json").read_text(encoding="utf-8"))
DATASETS: dict[str, dict[str, list[str]]] = {name: told["files"] for name, told in _KNOWN.items()}
SHAPES: dict[str, Shape] = {name: tuple(told["shape"]) for name, told in _KNOWN.items()}

# Dataset, then published or embedded, then split: SHA-256 of the images as bytes of shape
# (n, h, w). Of a dataset that was never at hand here there is none.
PIXELS: dict[str, dict[str, dict[str, str]]] = json.loads(
    Path(__file__).with_name("pixels.json").read_text(encoding="utf-8")
)

# The name in paths, and the dataset.
NAMES = {name.lower(): name for name in DATASETS}


def shape_of(key: str) -> Shape:
    """Return height, width and channels of a dataset's images, by its name in paths."""
    return SHAPES[NAMES[key]]
