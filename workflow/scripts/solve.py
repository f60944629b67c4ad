"""Solve one linear VAE by L-BFGS."""

from linvae.jobs.program import run


def main(settings: dict, spectrum: str, model: str, curve: str) -> None:
    """Write the weights and the curve."""
    from linvae.linear.spectrum import Spectrum
    from linvae.settings.run_job import RunJob
    from linvae.training.lbfgs_job import solve_and_save

    solve_and_save(RunJob.model_validate(settings), Spectrum.load(spectrum), model, curve)


if __name__ == "__main__":
    run(main)
