"""The pPCA maximum for every number of latents."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, table: str) -> None:
    """Write the table of maxima."""
    from linvae.files import write_csv
    from linvae.landscape.maxima_table import maxima
    from linvae.linear.spectrum import Spectrum

    write_csv(table, maxima(Spectrum.load(spectrum), settings["fixed_at"]))


if __name__ == "__main__":
    run(main)
