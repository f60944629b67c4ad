"""Print what is left of a study, before it runs: jobs, hours, memory and disk.

Usage: python workflow/scripts/plan.py [OVERLAY ...] [--jobs N], for example config/paper.yaml
"""

import argparse
import logging
import os
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)
from snakemake.utils import update_config
from snakemake_interface_logger_plugins.common import LogEvent

from linvae.config.files import read
from linvae.config.load import StudyConfig, load
from linvae.config.messages import ConfigError
from linvae.config.study_name import named
from linvae.settings.graft import ARMS
from linvae.study import cost, left

ROOT = Path(__file__).resolve().parents[2]
# As in profiles/default.
_CHECKSUM_BYTES = 1_000_000_000


class _Jobs(logging.Handler):
    """Collects rule and first output of the jobs that a dry run announces."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what tells of a job."""
        if getattr(record, "event", None) == LogEvent.JOB_INFO and record.output:
            self.found.append((record.rule_name, str(next(iter(record.output)))))


def main(overlays: list[Path], n_jobs: int) -> None:
    """Ask Snakemake which jobs are left, and print what they would take."""
    config = configuration(overlays)
    rates = cost.Rates.load(ROOT / "benchmarks" / "throughput.json")
    jobs = [left.job(*found, config.models, rates) for found in planned(overlays)]
    names = config.names()
    grafts = len(config.study.runs("grafts", names)) * len(ARMS)
    lines = [f"The study {config.name}, whose results go to results/{config.name}/."]
    lines += [left.report(jobs, len(config.study.all_runs(names)) + grafts, n_jobs)]
    models = {job.kind: config.models[job.kind] for job in jobs if job.kind in config.models}
    lines += cost.remark_on_gpus(models, rates)
    print("\n".join(lines))  # noqa: T201


def configuration(overlays: list[Path]) -> StudyConfig:
    """Merge the configuration as Snakemake does."""
    raw: dict[str, object] = {}
    for file in (ROOT / "config.yaml", *overlays):
        update_config(raw, read(file))
    try:
        return load(named(raw, overlays))
    except ConfigError as error:
        sys.exit(f"the configuration is not valid:\n{error}")


def planned(overlays: list[Path]) -> list[tuple[str, str]]:
    """Return rule and first output of each job that Snakemake would run."""
    jobs = _Jobs()
    # Of a dry run, as it calls it here, Snakemake tells something however quiet it shall be.
    quiet = OutputSettings(dryrun=False, quiet={Quietness.ALL}, enable_file_logging=False)
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[path.resolve() for path in overlays]),
            snakefile=ROOT / "Snakefile",
            workdir=ROOT,
        )
        dag = workflow.dag(
            DAGSettings(force_incomplete=True, max_checksum_file_size=_CHECKSUM_BYTES)
        )
        logger = logging.getLogger("snakemake.logging")
        logger.addHandler(jobs)
        dag.execute_workflow(executor="dryrun")
        logger.removeHandler(jobs)
    return jobs.found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("overlays", nargs="*", type=Path, metavar="OVERLAY")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="jobs at a time")
    return parser.parse_args()


if __name__ == "__main__":
    told = _arguments()
    try:
        main(told.overlays, max(1, told.jobs))
    except (ConfigError, WorkflowError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"error: {error}")
