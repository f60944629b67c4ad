"""Every random draw has its own stream, named by what it is for.

A stream is seeded by a pair (seed, purpose), so that drawing more numbers for one purpose never
moves the numbers of another, and a run does not depend on the order in which its parts happen.
"""

import hashlib

import numpy as np

__all__ = ["derive_seed", "numpy_generator"]


def derive_seed(seed: int, purpose: str) -> int:
    """Return the seed of one stream, in [0, 2**63).

    Equal to the first 63 bits of the SHA-256 of ``"{seed}/{purpose}"``: the range that both NumPy
    and PyTorch accept, and the same number on every platform.

    Parameters
    ----------
    seed
        Seed of the run, a non-negative integer.
    purpose
        What the stream is for, such as ``"init"`` or ``"dequantise/train"``.

    Raises
    ------
    ValueError
        If the seed is not a non-negative integer, or the purpose is empty.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        msg = f"seed={seed!r} must be a non-negative integer; set it under 'seeds' in config.yaml"
        raise ValueError(msg)
    if not purpose:
        msg = f"purpose={purpose!r} must be a non-empty string that names what the stream is for"
        raise ValueError(msg)
    digest = hashlib.sha256(f"{int(seed)}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """Return a fresh generator at the start of the stream (seed, purpose).

    The bit generator is named, as NumPy may change what its default is.

    Raises
    ------
    ValueError
        As `derive_seed`.
    """
    return np.random.Generator(np.random.PCG64(derive_seed(seed, purpose)))
