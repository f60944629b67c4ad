"""Train a finished run on by the ELBO or by the importance-weighted bound, and measure it."""

from linvae.jobs.program import run


def main(settings: dict, data: str, model: str, measured: str, metrics: str, curve: str) -> None:
    """Write what the bound gives, and its curve."""
    from linvae.evaluation.likelihood_run import train_on_and_save
    from linvae.files import read_arrays
    from linvae.settings.likelihood_job import LikelihoodJob

    job, rows = LikelihoodJob.model_validate(settings), read_arrays(data)
    train_on_and_save(job, rows, model, measured, metrics_file=metrics, curve_file=curve)


if __name__ == "__main__":
    run(main)
