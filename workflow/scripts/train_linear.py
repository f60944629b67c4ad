"""Train one model with a linear decoder by gradient steps."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, data: str | list[str], model: str, curve: str) -> None:
    """Train from the spectrum, and from the data if a file of them is given."""
    from linvae.files import read_arrays
    from linvae.linear.spectrum import Spectrum
    from linvae.settings.run_job import RunJob
    from linvae.training.linear_job import train_and_save

    rows = read_arrays(data)["train"] if data else None
    job = RunJob.model_validate(settings)
    train_and_save(job, Spectrum.load(spectrum), rows, model, curve)


if __name__ == "__main__":
    run(main)
