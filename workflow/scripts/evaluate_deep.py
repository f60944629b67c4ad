"""Measure one finished run whose decoder is not linear."""

from linvae.jobs.program import run


def main(
    settings: dict,
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
    from linvae.evaluation.deep_run import evaluate_and_save
    from linvae.files import read_arrays
    from linvae.linear.spectrum import Spectrum
    from linvae.settings.jobs import MeasurementJob

    evaluate_and_save(
        MeasurementJob.model_validate(settings),
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
