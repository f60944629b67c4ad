"""How many threads the linear algebra of a notebook uses.

A job of the workflow is given its number of threads by Snakemake, as a rule one. A notebook has as
many as the machine has cores. Products and eigenvalues of 784 features gain next to nothing from
them; where other programs use the cores too, each step waits for the slowest thread, and what takes
a fraction of a second alone takes minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

__all__ = ["limited", "one_blas_thread"]


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """Let linear algebra, and torch on the CPU, use so many threads for a while."""
    # Imported here: not everything that limits BLAS has torch.
    import torch

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with threadpool_limits(limits=threads, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def one_blas_thread() -> threadpool_limits:
    """Return a context manager under which BLAS and LAPACK use one thread.

    Numbers are then those of the workflow's jobs, to the last digit. `linvae.linear.solve` and
    `linvae.linear.curvature` limit themselves; `Spectrum.from_data` does not.
    """
    return threadpool_limits(limits=1, user_api="blas")
