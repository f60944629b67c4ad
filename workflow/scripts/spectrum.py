"""Mean, covariance and eigendecomposition of the training split."""

from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum


def main(spec: dict, data: str, spectrum: str) -> None:
    """Write the spectrum."""
    Spectrum.from_data(read_arrays(data)["train"]).save(spectrum)


if __name__ == "__main__":
    run(main)
