"""What long trainings ask of the processor and of the allocator, for speed alone."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["at_full_speed"]

# Of mallopt (malloc.h of the GNU C library), which refuses more than 32 MiB in some versions.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES, _MAPPED_BYTES = 1 << 30, (1 << 30, 32 << 20)


@contextmanager
def at_full_speed() -> Iterator[None]:
    """Train many small steps of a network at the speed that the processor has for them.

    Numbers below 1e-38 (float32) or 1e-308 (float64) are zero inside: a unit that is never active
    has no gradient, and Adam's mean of its gradients falls by a tenth a step. After some 800 steps
    it leaves the range of normal numbers, where an x86 processor takes tens of times as long for
    each operation, and the steps of a VAE with many such units three times as long in all. What is
    lost is far below what moves a weight in its last digit.

    The GNU C library is told to keep freed memory, in this process and for good: it would give the
    gradients of every step back to the system, which clears the pages again, a tenth of a step.

    The mode is that of this thread and of those that it starts, so enter it before torch's first
    operation. Where processor or library know neither, nothing changes.
    """
    _keep_freed_memory()
    before = _flushes()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _flushes() -> bool:
    """Whether numbers below the normal ones are zero already."""
    return bool(torch.tensor(torch.finfo(torch.float32).tiny) * 0.5 == 0)


def _keep_freed_memory() -> None:
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return
    # The second call also fixes the first threshold: alone it would make matters worse.
    if any(library.mallopt(_MMAP_THRESHOLD, size) for size in _MAPPED_BYTES):
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
