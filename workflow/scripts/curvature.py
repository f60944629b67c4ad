"""Measure the curvature of the marginal likelihood at its stationary points."""

from threadpoolctl import threadpool_limits

from linvae.evaluation.hessian import curvature
from linvae.files import write_csv
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, spectrum: str, table: str) -> None:
    """Write one row a stationary point and direction."""
    with threadpool_limits(spec["threads"]):
        found = curvature(
            Spectrum.load(spectrum), spec["n_latent"], spec["noise_at"], threads=spec["threads"]
        )
    write_csv(table, found)


if __name__ == "__main__":
    run(main)
