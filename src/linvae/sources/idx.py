"""The four gzipped IDX files of an MNIST-like dataset: their known hashes, and how to read them."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = [
    "DATASETS",
    "IMAGE_FILES",
    "DataError",
    "DataFile",
    "read_images",
    "verified_file",
    "verified_files",
]

IMAGE_FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}

# The MD5 that torchvision expects. Held here so that local files need no torch.
DATASETS: dict[str, dict[str, str]] = {
    "MNIST": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    "KMNIST": {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
}

# Debian's dataset-fashion-mnist: the original compressed streams under gzip headers that carry no
# name and no time. Putting those two back gives the original MD5 (a test does so).
_REPACKED_MD5: dict[str, dict[str, str]] = {
    "FashionMNIST": {
        "train-images-idx3-ubyte.gz": "cf8536b0aa1a6ac5fa3f23001093305c",
        "train-labels-idx1-ubyte.gz": "10bea18fdb374794d4bb42e356e600c9",
        "t10k-images-idx3-ubyte.gz": "f78720b4224f21cce2f2ccf2d7a94c9a",
        "t10k-labels-idx1-ubyte.gz": "0d30e22e447f3c33dab9ed536400ac01",
    },
}

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
    """Return the four files of a dataset in a folder, each with its known MD5.

    Raises
    ------
    DataError
        If a file is missing, or its MD5 is not that of the dataset.
    """
    expected = DATASETS[dataset]
    missing = [name for name in expected if not (folder / name).is_file()]
    if missing:
        msg = (
            f"{folder} lacks {', '.join(missing)}: a local copy of {dataset} is the four files "
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
    if file.md5 not in (expected, _REPACKED_MD5.get(dataset, {}).get(path.name)):
        msg = (
            f"{path} has MD5 {file.md5}, but {dataset} has {expected}: "
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
        if md5 in files.values():
            return f"it is a file of {dataset}"
    try:
        _decompress(path)
    except DataError as error:
        return str(error).removeprefix(f"{path} ").replace(":", ",")
    return "its gzip stream is intact, but it is another file"
