"""Train one deep VAE."""

from linvae.jobs.program import run


def main(
    settings: dict, data: str, spectrum: str | list[str], model: str, curve: str, times: str
) -> None:
    """Train on the training split; the test split is only looked at.

    Only a start from the principal components reads the spectrum.
    """
    from linvae.files import read_arrays
    from linvae.settings.run_job import RunJob
    from linvae.training.deep_job import train_and_save

    job, axes = RunJob.model_validate(settings), read_arrays(spectrum) if spectrum else None
    train_and_save(job, read_arrays(data), model, curve, axes, times_file=times)


if __name__ == "__main__":
    run(main)
