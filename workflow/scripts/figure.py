"""Draw one figure: its numbers as .csv, and the picture as .png and .pdf."""

import importlib

import pandas as pd

from linvae.files import write_csv
from linvae.inputs import Inputs
from linvae.plots.style import blank, save
from linvae.program import run


def main(spec: dict, inputs: list[str], png: str, pdf: str, csv: str) -> None:
    """Tabulate what the figure shows, and draw just that table."""
    files, section = Inputs(inputs), {**spec["section"], **spec["measurement"]}
    if files.is_empty():
        write_csv(csv, pd.DataFrame({"run": [], "nats": []}))
        save(blank(spec["style"]), (png, pdf), files.data_label())
        return
    module = importlib.import_module(f"linvae.plots.{spec['figure']}")
    write_csv(csv, module.table(files, section))
    figure = module.draw(pd.read_csv(csv), section, spec["style"])
    save(figure, (png, pdf), files.data_label())


if __name__ == "__main__":
    run(main, modules=lambda spec: [f"linvae.plots.{spec['figure']}"])
