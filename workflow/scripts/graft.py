"""Train a finished run on as one arm of a graft, and measure it."""

from linvae.jobs.program import run


def main(settings: dict, data: str, model: str, residual: str, metrics: str, curve: str) -> None:
    """Write what the arm gives, and its curve."""
    from linvae.evaluation.graft_run import graft_and_save
    from linvae.files import read_arrays
    from linvae.settings.jobs import GraftJob

    job, rows = GraftJob.model_validate(settings), read_arrays(data)
    graft_and_save(job, rows, model, residual, metrics_file=metrics, curve_file=curve)


if __name__ == "__main__":
    run(main)
