"""The tables that there are: what each shows, and what it is made from."""

from typing import NamedTuple

from linvae.naming import Product
from linvae.study.names import Names
from linvae.study.study import Study

__all__ = ["TABLES", "TableSource", "table_inputs", "tables"]


class TableSource(NamedTuple):
    """What a table shows, and what it is made from.

    Attributes
    ----------
    section
        The section of `study` that asks for it.
    module
        Of `linvae.tables`, with `tabulate`, `text` and `shown`.
    title
        What it shows, in words.
    reads
        What it is told beside its section: parts of the configuration.
    beside
        Sections whose fixed-noise runs it is compared with.
    """

    section: str
    module: str
    title: str
    reads: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


TABLES = {
    "table1_sigma": TableSource(
        "recipes", "table1", "Deep VAEs by recipe and observation noise", ("measurement",)
    ),
    "table2_endings": TableSource(
        "endings",
        "table2",
        "How training ends: the objective's doing, or the recipe's",
        ("measurement", "margins", "models", "names"),
        ("recipes",),
    ),
    "table3_settings": TableSource(
        "one_setting",
        "table3",
        "One setting at a time",
        ("measurement", "margins", "models"),
    ),
}


def tables(study: Study) -> list[str]:
    """Names of the tables that the study asks for."""
    return [name for name, source in TABLES.items() if getattr(study, source.section)]


def table_inputs(study: Study, names: Names, table: str) -> list[Product]:
    """Return the files that a table is made from."""
    source = TABLES[table]
    runs = study.runs(source.section, names)
    for section in source.beside:
        runs += [run for run in study.runs(section, names) if run.noise.startswith("fixed")]
    files = [Product("metrics.json", run=run) for run in dict.fromkeys(runs)]
    return files + getattr(study, source.section).tabulated(names)
