"""The gzipped IDX files of an MNIST-like dataset: checked against known hashes, and read."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linvae.sources.registry import DATASETS

__all__ = [
    "DataError",
    "DataFile",
    "read_images",
    "verified_file",
    "verified_files",
]

# Unsigned bytes in three dimensions: http://yann.lecun.com/exdb/mnist/, "the IDX file format".
_MAGIC = 0x00000803
_HEADER_BYTES = 16
_SIDE = 28


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
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        try:
            with path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    md5.update(chunk)
                    sha256.update(chunk)
        except OSError as error:
            msg = f"{path} cannot be read ({error.strerror})"
            raise DataError(msg) from error
        return cls(path.name, md5.hexdigest(), sha256.hexdigest())


def verified_files(folder: Path, dataset: str) -> tuple[DataFile, ...]:
    """Return the image files of a dataset in a folder, each with its known MD5.

    Raises
    ------
    DataError
        If a file is missing, or its MD5 is not that of the dataset.
    """
    expected = DATASETS[dataset]
    missing = [name for name in expected if not (folder / name).is_file()]
    if missing:
        msg = (
            f"{folder} lacks {', '.join(missing)}: a local copy of {dataset} has the files "
            f"{', '.join(expected)}; set dataset.local_dir in config.yaml or LINVAE_DATA_DIR"
        )
        raise DataError(msg)
    return tuple(verified_file(folder / name, dataset) for name in expected)


def verified_file(path: Path, dataset: str) -> DataFile:
    """Return one file of a dataset, which has its known MD5.

    Raises
    ------
    DataError
        If its MD5 is another; the message names the file, both hashes and the kind of damage.
    """
    file = DataFile.of(path)
    expected = DATASETS[dataset][path.name]
    if file.md5 not in expected:
        msg = (
            f"{path} has MD5 {file.md5}, but {dataset} has {expected[0]}: "
            f"{_diagnose(path, file.md5)}; replace it, or delete it if it was downloaded"
        )
        raise DataError(msg)
    return file


def read_images(path: Path) -> np.ndarray:
    """Read the images of a gzipped IDX file, uint8 of shape (n, 28, 28).

    Raises
    ------
    DataError
        If the file is truncated, is no gzip file, or holds anything but 28 x 28 images of bytes.
    """
    content = _decompress(path)
    header = np.frombuffer(content[:_HEADER_BYTES], dtype=">u4")
    if header.size < 4 or header[0] != _MAGIC:
        found = content[:4].hex() or "nothing"
        msg = f"{path} begins with {found}, where an IDX file of images has {_MAGIC:08x}"
        raise DataError(msg)
    shape = tuple(int(size) for size in header[1:])
    size = len(content) - _HEADER_BYTES
    if shape[1:] != (_SIDE, _SIDE) or size != shape[0] * _SIDE * _SIDE:
        msg = (
            f"{path} announces images of shape {shape} and holds {size} bytes of them, where "
            f"n x {_SIDE} x {_SIDE} is needed, one byte a pixel"
        )
        raise DataError(msg)
    # A copy, as the buffer of a bytes object is read-only.
    return np.frombuffer(content, dtype=np.uint8, offset=_HEADER_BYTES).reshape(shape).copy()


def _decompress(path: Path) -> bytes:
    """Return the content of a gzip file, or raise a DataError that says how it is damaged."""
    try:
        return gzip.decompress(path.read_bytes())
    except EOFError as error:
        msg = f"{path} is truncated: its gzip stream ends early"
        raise DataError(msg) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        msg = f"{path} is no intact gzip file ({error})"
        raise DataError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror})"
        raise DataError(msg) from error


def _diagnose(path: Path, md5: str) -> str:
    """Say what is wrong with a file whose hash is not the expected one."""
    for dataset, files in DATASETS.items():
        if any(md5 in known for known in files.values()):
            return f"it is a file of {dataset}"
    try:
        _decompress(path)
    except DataError as error:
        return str(error).removeprefix(f"{path} ").replace(":", ",")
    return "its gzip stream is intact, but it is another file"
