"""Train one model with a linear decoder by gradient steps."""

from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum
from linvae.training.linear import train_and_save


def main(spec: dict, spectrum: str, data: list[str], model: str, curve: str) -> None:
    """Train from the spectrum, and from the data if a file of them is given."""
    rows = read_arrays(data[0])["train"] if data else None
    train_and_save(spec, Spectrum.load(spectrum), rows, model, curve)


if __name__ == "__main__":
    run(main)
