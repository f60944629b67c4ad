"""Tabulate the deep VAEs over the observation noise variance, as CSV and Markdown."""

from linvae.files import write_csv, write_text
from linvae.inputs import Inputs
from linvae.program import run
from linvae.report.table1 import run_table, sigma_table, table_text


def main(spec: dict, inputs: list[str], csv: str, document: str) -> None:
    """Write the table."""
    files, epsilon = Inputs(inputs), spec["epsilon"]
    runs = run_table(files, epsilon)
    table = sigma_table(runs)
    write_csv(csv, table)
    write_text(document, table_text(table, runs, files.data_label(), epsilon))


if __name__ == "__main__":
    run(main)
