"""Write what describes the configuration: config/schema.json and docs/configuration.md.

Usage: python workflow/scripts/schema.py, or make schema. A test compares both with the models.
"""

from pathlib import Path

from linvae.config.reference import reference
from linvae.config.schema import schema_text

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write both files."""
    (ROOT / "config" / "schema.json").write_text(schema_text(), encoding="utf-8")
    (ROOT / "docs" / "configuration.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
