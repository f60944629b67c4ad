"""Keep of finished studies what the documents quote.

Usage: python workflow/scripts/keep.py results/standard results/fashion [--to docs/runs]
"""

import argparse
import sys
from pathlib import Path

from linvae.files import DamagedFileError, write_json
from linvae.report.kept import kept


def main(folders: list[Path], to: Path) -> None:
    """Write ``<study>.json`` of each."""
    to.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        found = kept(folder)
        write_json(to / f"{found['study']}.json", found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="results/STUDY")
    parser.add_argument("--to", type=Path, default=Path("docs/runs"), metavar="FOLDER")
    given = parser.parse_args()
    try:
        main(given.folders, given.to)
    except (OSError, DamagedFileError) as error:
        sys.exit(f"error: {error}")
