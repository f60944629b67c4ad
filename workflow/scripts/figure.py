"""Draw one figure: its numbers as .csv, and the picture as .png and .pdf."""

import importlib

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], png: str, pdf: str, csv: str) -> None:
    """Tabulate what the figure shows, and draw just that table."""
    import pandas as pd

    from linvae.files import write_csv
    from linvae.inputs import Inputs
    from linvae.plots.style import blank, save

    files, section = Inputs(inputs), {**settings["section"], **settings["measurement"]}
    if files.is_empty():
        write_csv(csv, pd.DataFrame({"run": [], "nats": []}))
        save(blank(settings["style"]), (png, pdf), files.data_label())
        return
    module = importlib.import_module(f"linvae.plots.{settings['figure']}")
    write_csv(csv, module.table(files, section))
    figure = module.draw(pd.read_csv(csv), section, settings["style"])
    save(figure, (png, pdf), files.data_label())


if __name__ == "__main__":
    run(main)
