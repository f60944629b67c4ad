"""Weights of a linear VAE in a `.safetensors` file, read and written without torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from linvae.arrays import real
from linvae.files import DamagedFileError
from linvae.jobs.atomic import replacing

__all__ = ["LinearWeights", "read_archive", "read_tensors", "write_tensors"]


@dataclass(frozen=True)
class LinearWeights:
    """A linear VAE: W (d, k), V (k, d), the diagonal of D (k,), and sigma^2."""

    weights: NDArray[np.float64]
    encoder: NDArray[np.float64]
    posterior_variance: NDArray[np.float64]
    noise_variance: float

    def save(self, path: str | Path, metadata: Mapping[str, object]) -> None:
        """Write the four arrays in float64.

        Raises
        ------
        ValueError
            If one is masked or not real.
        """
        arrays = {
            "weights": self.weights,
            "encoder": self.encoder,
            "posterior_variance": self.posterior_variance,
            "noise_variance": [self.noise_variance],
        }
        # A run that went astray is kept as it is: what reads it says what is wrong.
        found = {name: real(name, values, finite=False) for name, values in arrays.items()}
        write_tensors(path, found, metadata)

    @classmethod
    def load(cls, path: str | Path) -> "LinearWeights":
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged or holds another kind of model; the message names it.
        """
        arrays = read_tensors(path)
        names = ("weights", "encoder", "posterior_variance", "noise_variance")
        if any(name not in arrays for name in names):
            msg = f"{path} holds {', '.join(sorted(arrays))}; a linear VAE has {', '.join(names)}"
            raise ValueError(msg)
        return cls(*(arrays[name] for name in names[:3]), float(arrays["noise_variance"][0]))


def write_tensors(
    path: str | Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, object]
) -> None:
    """Write arrays and JSON metadata; the bytes depend on nothing else.

    A digest goes with them, since the format itself would not notice a changed number.
    """
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    # One metadata key only: the format does not keep several in a fixed order.
    content = {"metadata": dict(metadata), "sha256": _digest(contiguous, metadata)}
    archive = save(contiguous, metadata={"linvae": json.dumps(content, sort_keys=True)})
    with replacing(path) as temporary:
        temporary.write_bytes(archive)


def read_tensors(path: str | Path) -> dict[str, NDArray]:
    """Read all arrays of a file.

    Raises
    ------
    DamagedFileError
        If the file is not what `write_tensors` wrote.
    """
    return read_archive(path)[0]


def read_archive(path: str | Path) -> tuple[dict[str, NDArray], dict[str, object]]:
    """Read all arrays of a file, and its metadata.

    Raises
    ------
    DamagedFileError
        If the file is not what `write_tensors` wrote.
    """
    try:
        with safe_open(path, framework="np") as archive:
            content = json.loads(archive.metadata()["linvae"])
            arrays = {name: archive.get_tensor(name) for name in archive.keys()}
        metadata, expected = content["metadata"], content["sha256"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(path, error) from error
    if _digest(arrays, metadata) != expected:
        reason = "its content and its SHA-256 differ"
        raise DamagedFileError(path, reason)
    return arrays, metadata


def _digest(arrays: Mapping[str, NDArray], metadata: Mapping[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).data)
    return digest.hexdigest()
