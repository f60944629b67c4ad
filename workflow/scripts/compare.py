"""Set finished studies side by side: claims x studies, and deep VAEs against the linear optimum.

Usage: python workflow/scripts/compare.py results/standard results/fashion [--to results/compared]

A folder may also be one that was kept, and NAME=FOLDER calls a study by another name:
``compare.py mine=results/standard docs/runs/standard`` sets your run beside the documents' own.
"""

import argparse
import sys
from pathlib import Path

from linvae.files import DamagedFileError, write_csv, write_text
from linvae.plots.side_by_side import figures_of
from linvae.plots.style import save
from linvae.report import comparison
from linvae.report.finished import FinishedStudy
from linvae.tables.paired import paired_table, paired_text


def main(given: list[str], to: Path, kinds: list[str]) -> None:
    """Write tables of claims and recipes, and the figures of deep VAEs."""
    studies = [FinishedStudy.named(study) for study in given]
    names = [study.name for study in studies]
    if len(set(names)) < len(names):
        told = ", ".join(names)
        msg = f"two studies have one name ({told}): give one of them another, as in mine={given[0]}"
        raise ValueError(msg)
    write_csv(to / "claims.csv", comparison.claims_side_by_side(studies))
    write_text(to / "claims.md", comparison.comparison_text(studies))
    if any(study.recipes is not None for study in studies):
        write_csv(to / "recipes.csv", comparison.against_linear(studies))
        write_text(to / "recipes.md", comparison.against_linear_text(studies))
    paired = {study.name: paired_table(study.runs) for study in studies if study.runs is not None}
    if paired:
        write_text(to / "paired.md", paired_text(paired))
    for study in studies:
        if study.recipes is not None and study.runs is None:
            print(f"{study.name}: not paired, its runs do not lie beside it")  # noqa: T201
    labels = {study.name: study.label for study in studies}
    for name, drawn in figures_of(studies).items():
        label = "; ".join(dict.fromkeys(labels[study] for study in drawn.studies))
        save(drawn.figure, [str(to / f"{name}.{kind}") for kind in kinds], label)
    print(f"{len(studies)} studies compared in {to}")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER")
    parser.add_argument("--to", type=Path, default=Path("results/compared"), metavar="FOLDER")
    parser.add_argument("--kinds", nargs="+", default=["png", "pdf"], metavar="KIND")
    given = parser.parse_args()
    try:
        main(given.folders, given.to, given.kinds)
    except (OSError, ValueError, DamagedFileError) as error:
        sys.exit(f"error: {error}")
