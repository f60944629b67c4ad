"""Set finished studies side by side: claims x studies, and deep VAEs against the linear optimum.

Usage: python workflow/scripts/compare.py results/standard results/fashion [--to results/compared]

A folder may also be one that was kept, and NAME=FOLDER calls a study by another name:
``compare.py mine=results/standard docs/runs/standard`` sets your run beside the documents' own.
"""

import argparse
import sys
from pathlib import Path

from linvae.files import DamagedFileError, write_csv, write_text
from linvae.plots import questions
from linvae.plots import studies as figures
from linvae.plots.style import save
from linvae.report.comparison import (
    FinishedStudy,
    against_linear,
    against_linear_text,
    claims_side_by_side,
    comparison_text,
)
from linvae.report.paired import paired_table, paired_text


def main(given: list[str], to: Path, kinds: list[str]) -> None:
    """Write tables of claims and recipes, and the figures of deep VAEs."""
    found = [read(study) for study in given]
    names = [study.name for study in found]
    if len(set(names)) < len(names):
        told = ", ".join(names)
        msg = f"two studies have one name ({told}): give one of them another, as in mine={given[0]}"
        raise ValueError(msg)
    to.mkdir(parents=True, exist_ok=True)
    write_csv(to / "claims.csv", claims_side_by_side(found))
    write_text(to / "claims.md", comparison_text(found))
    deep = [study for study in found if study.recipes is not None]
    if deep:
        write_csv(to / "recipes.csv", against_linear(deep))
        write_text(to / "recipes.md", against_linear_text(deep))
        paired = {study.name: paired_table(study.runs) for study in deep if study.runs is not None}
        if paired:
            write_text(to / "paired.md", paired_text(paired))
        draw(deep, to, kinds)
    print(f"{len(found)} studies compared in {to}")  # noqa: T201


def read(given: str) -> FinishedStudy:
    """Read a study, ``FOLDER`` or ``NAME=FOLDER``."""
    name, equals, folder = given.rpartition("=")
    if equals and not Path(given).exists():
        return FinishedStudy.read(Path(folder), name)
    return FinishedStudy.read(Path(given))


def draw(deep: list[FinishedStudy], to: Path, kinds: list[str]) -> None:
    """Draw each figure of the studies that have what it shows."""
    label = "; ".join(dict.fromkeys(study.label for study in deep))
    recipes = {study.name: study.recipes for study in deep}
    theory = {study.name: study.used_by_theory() for study in deep}
    collapse = {study.name: study.collapse for study in deep if study.collapse is not None}
    residual = {study.name: study.residual for study in deep if study.residual is not None}
    numbers = {
        claim: {
            study.name: study.claims[claim]["numbers"]
            for study in deep
            if claim in study.claims and study.claims[claim]["numbers"]
        }
        for claim in (13, 15)
    }
    made = {
        "collapse": figures.draw_collapse(collapse, residual) if collapse else None,
        "held_out": figures.draw_held_out(recipes),
        "used": questions.draw_used(recipes, theory),
        "grafts": questions.draw_grafts(numbers[13]) if numbers[13] else None,
        "sizes": questions.draw_sizes(numbers[15]) if numbers[15] else None,
    }
    for name, drawn in made.items():
        if drawn is not None:
            save(drawn, [str(to / f"{name}.{kind}") for kind in kinds], label)


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
