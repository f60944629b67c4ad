"""Keep of finished studies what the documents quote.

Usage: python workflow/scripts/keep.py results/standard results/fashion [--to docs/runs]
"""

import argparse
import sys
from pathlib import Path

from linvae.files import DamagedFileError
from linvae.report.kept import keep


def main(folders: list[Path], to: Path) -> None:
    """Write a folder for each, and say where."""
    for folder in folders:
        print(f"{folder} is kept in {keep(folder, to)}")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="results/STUDY")
    parser.add_argument("--to", type=Path, default=Path("docs/runs"), metavar="FOLDER")
    given = parser.parse_args()
    try:
        main(given.folders, given.to)
    except (OSError, DamagedFileError) as error:
        sys.exit(f"error: {error}")
