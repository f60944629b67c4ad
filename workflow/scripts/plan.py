"""Print what a study would take: jobs, hours, memory and disk, before anything runs.

Usage: python workflow/scripts/plan.py [OVERLAY ...], for example config/paper.yaml
"""

import sys
from pathlib import Path

from snakemake.utils import update_config

from linvae.config.files import ConfigError, read
from linvae.config.load import load
from linvae.study import cost as plan
from linvae.study import runs as study

ROOT = Path(__file__).resolve().parents[2]


def main(overlays: list[str]) -> None:
    """Merge the configuration as Snakemake does, and print the estimate."""
    raw = {}
    for file in (ROOT / "config.yaml", *overlays):
        update_config(raw, read(file))
    rates = plan.Rates.load(ROOT / "benchmarks" / "throughput.json")
    try:
        print(plan.report(load(raw), study.all_runs(load(raw)), rates))  # noqa: T201 - its output
    except ConfigError as error:
        sys.exit(f"the configuration is not valid:\n{error}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"error: {error}")
