"""Measure one finished run whose decoder is not linear."""

from linvae.evaluation.deep import evaluate_and_save
from linvae.files import read_arrays
from linvae.program import run
from linvae.spectrum import Spectrum


def main(
    spec: dict,
    spectrum: str,
    data: str,
    model: str,
    curve: str,
    metrics: str,
    kl: str,
    samples: str,
    residual: str,
) -> None:
    """Write the run's metrics, collapse curves, residual spectra and sample images."""
    evaluate_and_save(
        spec,
        Spectrum.load(spectrum),
        read_arrays(data),
        model,
        curve,
        metrics_file=metrics,
        kl_file=kl,
        samples_file=samples,
        residual_file=residual,
    )


if __name__ == "__main__":
    run(main)
