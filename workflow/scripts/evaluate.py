"""Measure one finished linear run."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, model: str, curve: str, metrics: str) -> None:
    """Write the run's metrics."""
    from linvae.evaluation.linear_run import linear_metrics
    from linvae.faults import usable
    from linvae.files import write_json
    from linvae.linear.spectrum import Spectrum
    from linvae.settings.run_job import RunJob

    job = RunJob.model_validate(settings)
    write_json(metrics, usable(linear_metrics(job, Spectrum.load(spectrum), model, curve)))


if __name__ == "__main__":
    run(main)
