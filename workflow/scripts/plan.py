"""Print what is left of a study, before it runs: jobs, hours, memory and disk.

Usage: python workflow/scripts/plan.py [OVERLAY ...] [--jobs N], for example config/paper.yaml
"""

import argparse
import os
import sys
from pathlib import Path

from linvae.config.devices import planned_device
from linvae.config.messages import ConfigError
from linvae.config.study_name import configured
from linvae.planning.left import estimate, report, trains
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow
from linvae.study import cost

ROOT = Path(__file__).resolve().parents[2]


def main(overlays: list[Path], n_jobs: int) -> None:
    """Look which files are there, and print what the jobs of the others would take."""
    config = configured(ROOT / "config.yaml", overlays)
    workflow = Workflow.beside(ROOT, keep=False)
    plan, rates = (
        plan_study(config, workflow, device=planned_device(config.models)),
        workflow.rates(),
    )
    left = [estimate(job, config.models, rates) for job in plan.left()]
    n_training = sum(map(trains, plan.jobs.values()))
    lines = [f"The study {config.name}, whose results go to results/{config.name}/."]
    lines += [report(left, n_training, n_jobs)]
    models = {job.kind: config.models[job.kind] for job in left if job.kind in config.models}
    lines += cost.remark_on_gpus(models, rates)
    print("\n".join(lines))  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overlays", nargs="*", type=Path, metavar="OVERLAY")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="jobs at a time")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    try:
        main(given.overlays, max(1, given.jobs))
    except ConfigError as error:
        sys.exit(str(error))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
