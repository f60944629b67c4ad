"""Train one deep VAE."""

from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum
from linvae.training.deep import train_and_save


def main(spec: dict, spectrum: str, data: str, model: str, curve: str) -> None:
    """Train on the data's training split."""
    train_and_save(spec, Spectrum.load(spectrum), read_arrays(data)["train"], model, curve)


if __name__ == "__main__":
    run(main)
