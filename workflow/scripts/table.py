"""Write one table: its numbers as CSV, and what is shown of them as Markdown."""

import importlib

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], csv: str, document: str) -> None:
    """Tabulate, and write just that table."""
    from linvae.files import write_csv, write_text
    from linvae.inputs import Inputs

    files, module = Inputs(inputs), importlib.import_module(f"linvae.tables.{settings['module']}")
    table = module.tabulate(files, settings)
    write_csv(csv, table)
    write_text(document, module.text(table, files, settings))


if __name__ == "__main__":
    run(main)
