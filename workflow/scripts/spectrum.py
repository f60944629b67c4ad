"""Mean, covariance and eigendecomposition of the training split."""

from linvae.jobs.program import run


def main(settings: dict, data: str, spectrum: str) -> None:
    """Write the spectrum."""
    from linvae.files import read_arrays
    from linvae.linear.spectrum import Spectrum

    Spectrum.from_data(read_arrays(data)["train"]).save(spectrum)


if __name__ == "__main__":
    run(main)
