"""Print what a study would take: jobs, hours, memory and disk, before anything runs.

Usage: python workflow/scripts/plan.py [OVERLAY ...], for example config/paper.yaml
"""

import sys
from pathlib import Path

from snakemake.utils import update_config

from linvae.config.files import read
from linvae.config.load import load
from linvae.config.messages import ConfigError
from linvae.config.study_name import named
from linvae.study import cost

ROOT = Path(__file__).resolve().parents[2]


def main(overlays: list[str]) -> None:
    """Merge the configuration as Snakemake does, and print the estimate."""
    raw: dict[str, object] = {}
    for file in (ROOT / "config.yaml", *overlays):
        update_config(raw, read(file))
    rates = cost.Rates.load(ROOT / "benchmarks" / "throughput.json")
    try:
        config = load(named(raw, overlays))
    except ConfigError as error:
        sys.exit(f"the configuration is not valid:\n{error}")
    names = config.names()
    grafts = [
        cost.graft_cost(
            config.models[run.model],
            run,
            cost.training_images(run.data),
            config.study.grafts.updates,
            rates,
        )
        for run in config.study.runs("grafts", names)
    ]
    runs = config.study.all_runs(names)
    print(cost.report(config.models, runs, rates, sum(grafts, cost.Cost())))  # noqa: T201


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ConfigError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"error: {error}")
