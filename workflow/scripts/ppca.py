"""The pPCA maximum for every number of latents."""

from linvae.evaluation.maxima import maxima
from linvae.files import write_csv
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, spectrum: str, table: str) -> None:
    """Write the table of maxima."""
    write_csv(table, maxima(Spectrum.load(spectrum), spec["fixed_at"]))


if __name__ == "__main__":
    run(main)
