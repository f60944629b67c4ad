"""Set finished studies side by side: claims x studies, and deep VAEs against the linear optimum.

Usage: python workflow/scripts/compare.py results/standard results/fashion [--to results/compared]
"""

import argparse
import sys
from pathlib import Path

from linvae.files import DamagedFileError, write_csv, write_text
from linvae.plots import studies as figures
from linvae.plots.style import save
from linvae.report.comparison import (
    FinishedStudy,
    against_linear,
    against_linear_text,
    claims_side_by_side,
    comparison_text,
)


def main(folders: list[Path], to: Path) -> None:
    """Write ``claims.csv`` and ``claims.md``, and the figures of deep VAEs."""
    found = [FinishedStudy.read(folder) for folder in folders]
    names = [study.name for study in found]
    if len(set(names)) < len(names):
        msg = f"two studies have one name ({', '.join(names)}): no table could tell them apart"
        raise ValueError(msg)
    to.mkdir(parents=True, exist_ok=True)
    write_csv(to / "claims.csv", claims_side_by_side(found))
    write_text(to / "claims.md", comparison_text(found))
    deep = [study for study in found if study.collapse is not None]
    if deep:
        write_csv(to / "recipes.csv", against_linear(deep))
        write_text(to / "recipes.md", against_linear_text(deep))
        collapse = {study.name: study.collapse for study in deep}
        residual = {study.name: study.residual for study in deep if study.residual is not None}
        held_out = {study.name: study.recipes for study in deep if study.recipes is not None}
        label = "; ".join(dict.fromkeys(study.label for study in deep))
        save(figures.draw_collapse(collapse, residual), pictures(to, "collapse"), label)
        save(figures.draw_held_out(held_out), pictures(to, "held_out"), label)
    print(f"{len(found)} studies compared in {to}")  # noqa: T201


def pictures(folder: Path, name: str) -> list[str]:
    """Name a figure's files."""
    return [str(folder / f"{name}.{kind}") for kind in ("png", "pdf")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="results/STUDY")
    parser.add_argument("--to", type=Path, default=Path("results/compared"), metavar="FOLDER")
    given = parser.parse_args()
    try:
        main(given.folders, given.to)
    except (OSError, ValueError, DamagedFileError) as error:
        sys.exit(f"error: {error}")
