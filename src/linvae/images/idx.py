"""The IDX files of an MNIST-like dataset: found, checked against known hashes, and read.

A file is what its content is: gzipped as it was published, gzipped anew or not at all, and under
any of the names that are in use. Its hash, or that of what it unpacks to, must be known.
"""

import gzip
import hashlib
import logging
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linvae.images.registry import DATASETS, IMAGE_FILES, SHAPES

__all__ = [
    "DataError",
    "DataFile",
    "holds_images",
    "read_images",
    "verified_file",
    "verified_images",
]

# Unsigned bytes in three dimensions: yann.lecun.com/exdb/mnist, "the IDX file format".
_MAGIC = 0x00000803
_HEADER_BYTES = 16
_GZIP = b"\x1f\x8b"
# What else is found under the name of an IDX file, by its first bytes.
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive: unpack it",
    b"BZh": "a bzip2 file: unpack it",
    b"\xfd7zXZ": "an xz file: unpack it",
    b"\x28\xb5\x2f\xfd": "a Zstandard file: unpack it",
    b"<": "a web page: the download failed",
    b"version https://git-lfs": "a Git LFS pointer: run git lfs pull",
    b"\x00\x00\x08\x01": "an IDX file of labels, not of images",
}
# No file of a dataset is larger, unpacked: others in the folder are not read.
_LARGEST_BYTES = 100_000_000

_log = logging.getLogger(__name__)


class DataError(ValueError):
    """A dataset cannot be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class DataFile:
    """One file that the images were read from: its bare name and its hashes, in hexadecimal."""

    name: str
    md5: str
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "DataFile":
        """Hash a file.

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        content = _content(path)
        return cls(path.name, _md5(content), hashlib.sha256(content).hexdigest())


def holds_images(folder: Path, dataset: str) -> bool:
    """Whether a folder has an image file of a dataset, by a name that is in use."""
    return any(_by_name(folder, file) for file in DATASETS[dataset])


def verified_images(
    folder: Path, dataset: str
) -> tuple[dict[str, np.ndarray], tuple[DataFile, ...]]:
    """Read the images of both splits from a folder, with the files that they were found in.

    Returns
    -------
    images : dict of uint8 arrays of shape (n, h, w), by split
    files : tuple of DataFile

    Raises
    ------
    DataError
        If a file is missing, or is not that of the dataset.
    """
    paths = {file: _by_name(folder, file) for file in DATASETS[dataset]}
    missing = [file for file, path in paths.items() if path is None]
    if missing:
        paths |= _by_content(folder, dataset, missing)
    missing = [file for file, path in paths.items() if path is None]
    if missing:
        msg = (
            f"{folder} lacks {', '.join(missing)}: a local copy of {dataset} has the files "
            f"{', '.join(DATASETS[dataset])}; set dataset.local_dir in config.yaml or "
            "LINVAE_DATA_DIR"
        )
        raise DataError(msg)
    files = tuple(verified_file(path, dataset, file) for file, path in paths.items())
    images = {split: read_images(paths[file], dataset) for split, file in IMAGE_FILES.items()}
    return images, files


def verified_file(path: Path, dataset: str, file: str | None = None) -> DataFile:
    """Return one file of a dataset, whose MD5, or that of what it unpacks to, is known.

    Parameters
    ----------
    path, file
        The file, and the published name of what it must be, where it has another.

    Raises
    ------
    DataError
        If its MD5 is another; the message names the file, both hashes and the kind of damage.
    """
    found, expected = DataFile.of(path), DATASETS[dataset][file or path.name]
    if found.md5 in expected:
        return found
    if not _hashes(path) & set(expected):
        msg = (
            f"{path} has MD5 {found.md5}, but {dataset} has {expected[0]}: "
            f"{_diagnose(path)}; replace it, or delete it if it was downloaded"
        )
        raise DataError(msg)
    _log.warning("%s is packed anew, and unpacks to the images of %s", path, dataset)
    return found


def read_images(path: Path, dataset: str = "MNIST") -> np.ndarray:
    """Read the images of an IDX file of a dataset, gzipped or not: uint8 of shape (n, h, w).

    Raises
    ------
    DataError
        If the file is truncated, or holds anything but images of bytes of the dataset's shape.
    """
    *_, content = _layers(path)
    header = np.frombuffer(content[:_HEADER_BYTES], dtype=">u4")
    if header.size < 4 or header[0] != _MAGIC:
        found = content[:4].hex() or "nothing"
        msg = f"{path} begins with {found}, where an IDX file of images has {_MAGIC:08x}"
        raise DataError(msg)
    shape = tuple(int(size) for size in header[1:])
    size = len(content) - _HEADER_BYTES
    height, width = SHAPES[dataset][:2]
    if shape[1:] != (height, width) or size != shape[0] * height * width:
        msg = (
            f"{path} announces images of shape {shape} and holds {size} bytes of them, where "
            f"n x {height} x {width} is needed, one byte a pixel"
        )
        raise DataError(msg)
    # A copy, as the buffer of a bytes object is read-only.
    return np.frombuffer(content, dtype=np.uint8, offset=_HEADER_BYTES).reshape(shape).copy()


def _by_name(folder: Path, file: str) -> Path | None:
    """File of a folder under the published name, or without ``.gz``, or with a dot in its name."""
    plain = file.removesuffix(".gz")
    dotted = plain.replace("-idx", ".idx")
    names = (file, plain, f"{dotted}.gz", dotted, f"{file}.gz")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _by_content(folder: Path, dataset: str, missing: list[str]) -> dict[str, Path]:
    """Files of a folder, under whatever name, that unpack to what is missing."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.stat().st_size <= _LARGEST_BYTES:
            hashes = _hashes(path)
            for file in missing:
                if hashes & set(DATASETS[dataset][file]):
                    found.setdefault(file, path)
    return found


def _layers(path: Path) -> Iterator[bytes]:
    """Content of a file, and what it unpacks to, if need be twice.

    Raises
    ------
    DataError
        If it begins as a gzip file and is damaged, with what is wrong.
    """
    content = _content(path)
    yield content
    for _ in range(2):
        if not content.startswith(_GZIP):
            return
        content = _decompressed(path, content)
        yield content


def _hashes(path: Path) -> set[str]:
    """MD5 of a file and of what it unpacks to, as far as it does."""
    found = set()
    with suppress(DataError):
        found.update(map(_md5, _layers(path)))
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror})"
        raise DataError(msg) from error


def _decompressed(path: Path, content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except EOFError as error:
        msg = f"{path} is truncated: its gzip stream ends early"
        raise DataError(msg) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is no intact gzip file ({error})"
        raise DataError(msg) from error


def _diagnose(path: Path) -> str:
    """Say what is wrong with a file whose hash is not the expected one."""
    try:
        layers = list(_layers(path))
    except DataError as error:
        return f"it {str(error).removeprefix(f'{path} ').replace(':', ',')}"
    hashes = _hashes(path)
    for dataset, files in DATASETS.items():
        for file in files:
            if hashes & set(files[file]):
                return f"it is a file of {dataset}, {file}"
    content = layers[-1]
    if not content:
        return "it is empty"
    for start, kind in _OTHERS.items():
        if content.startswith(start):
            return f"it is {kind}"
    if len(layers) > 1:
        return "its gzip stream is intact, but it is another file"
    return f"it is no intact gzip file and begins with {content[:4].hex()}"


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
