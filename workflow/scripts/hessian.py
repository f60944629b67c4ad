"""Measure the curvature of the marginal likelihood at its stationary points."""

from linvae.evaluation.hessian import hessian_table
from linvae.files import write_csv
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, spectrum: str, table: str) -> None:
    """Write one row a stationary point and direction."""
    write_csv(table, hessian_table(Spectrum.load(spectrum), spec["n_latent"], spec["noise_at"]))


if __name__ == "__main__":
    run(main)
