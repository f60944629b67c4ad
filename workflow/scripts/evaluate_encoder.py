"""Measure one finished run with a linear decoder and an encoder that is not linear."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, data: str, model: str, curve: str, metrics: str) -> None:
    """Write the run's metrics."""
    from linvae.evaluation.encoder_run import encoder_metrics
    from linvae.faults import usable
    from linvae.files import read_arrays, write_json
    from linvae.linear.spectrum import Spectrum
    from linvae.settings.run_job import RunJob

    job, rows = RunJob.model_validate(settings), read_arrays(data)["train"]
    found = encoder_metrics(job, Spectrum.load(spectrum), rows, model, curve)
    write_json(metrics, usable(found))


if __name__ == "__main__":
    run(main)
