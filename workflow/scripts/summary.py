"""Write what the study found, and where its runs lie."""

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], summary: str, runs: str) -> None:
    """Write the summary and the table of runs."""
    from linvae.files import write_csv, write_text
    from linvae.inputs import Inputs
    from linvae.report.runs import runs_table
    from linvae.report.summary import summary_text

    files = Inputs(inputs)
    write_text(summary, summary_text(files, settings))
    write_csv(runs, runs_table(files))


if __name__ == "__main__":
    run(main)
