"""Tabulate the deep VAEs over the observation noise variance, as CSV and Markdown."""

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], csv: str, document: str) -> None:
    """Write the table."""
    from linvae.files import write_csv, write_text
    from linvae.inputs import Inputs
    from linvae.report.table1 import run_table, sigma_table, table_text

    files, epsilon = Inputs(inputs), settings["epsilon"]
    runs = run_table(files, epsilon)
    table = sigma_table(runs)
    write_csv(csv, table)
    write_text(document, table_text(table, runs, files.data_label(), epsilon))


if __name__ == "__main__":
    run(main)
