"""Solve one linear VAE by L-BFGS."""

from linvae.program import run
from linvae.spectrum import Spectrum
from linvae.training.lbfgs import solve_and_save


def main(spec: dict, spectrum: str, model: str, curve: str) -> None:
    """Write the weights and the curve."""
    solve_and_save(spec, Spectrum.load(spectrum), model, curve)


if __name__ == "__main__":
    run(main)
