"""Maximise the linear VAE's ELBO from many starts."""

from linvae.evaluation.restarts import restarts
from linvae.files import write_csv
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, spectrum: str, table: str) -> None:
    """Write one row a start."""
    found = restarts(Spectrum.load(spectrum), spec["n_latent"], spec["scales"], spec["seeds"])
    write_csv(table, found)


if __name__ == "__main__":
    run(main)
