"""Train one deep VAE."""

from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum
from linvae.training.deep import train_and_save


def main(spec: dict, spectrum: str, data: str, model: str, curve: str) -> None:
    """Train on the training split; the test split is only looked at."""
    train_and_save(spec, Spectrum.load(spectrum), read_arrays(data), model, curve)


if __name__ == "__main__":
    run(main)
