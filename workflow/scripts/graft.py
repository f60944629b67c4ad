"""Train a finished run on as one arm of a graft, and measure it."""

from linvae.evaluation.graft import graft_and_save
from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum


def main(
    spec: dict, spectrum: str, data: str, model: str, residual: str, metrics: str, curve: str
) -> None:
    """Write what the arm gives, and its curve."""
    graft_and_save(
        spec,
        Spectrum.load(spectrum),
        read_arrays(data),
        model,
        residual,
        metrics_file=metrics,
        curve_file=curve,
    )


if __name__ == "__main__":
    run(main)
