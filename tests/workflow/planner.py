"""Plans, quickly: a process that imports what plans have in common once and forks for each.

Reads lines of JSON, ``{"project": folder, "overlays": [files], "by": "library" | "snakemake"}``,
from standard input; answers each with one line, ``{"jobs": [[rule, first output], ...]}`` or
``{"error": text}``.
"""

import json
import logging
import os
import sys
import traceback
from pathlib import Path

import matplotlib.figure  # noqa: F401 - imported here once instead of in every plan
import pandas  # noqa: F401
import pydantic  # noqa: F401
import scipy.stats  # noqa: F401
from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)
from snakemake_interface_logger_plugins.common import LogEvent


class _Jobs(logging.Handler):
    """Collects the jobs that a dry run announces."""

    def __init__(self):
        super().__init__()
        self.jobs = []

    def emit(self, record):
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            output = list(record.output)
            self.jobs.append([record.rule_name, str(output[0]) if output else ""])


def by_snakemake(project, overlays):
    """Jobs that Snakemake would run in a folder, by a dry run."""
    handler = _Jobs()
    with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=[Path(file) for file in overlays]),
            snakefile=Path("Snakefile"),
            workdir=Path(project),
        )
        dag = workflow.dag(DAGSettings())
        logging.getLogger("snakemake.logging").addHandler(handler)
        dag.execute_workflow(executor="dryrun")
    return [job for job in handler.jobs if job[0] != "all"]


def by_library(project, overlays):
    """Jobs that are left by the study's map."""
    from linvae.config.study_name import configured
    from linvae.planning.checked import forget_false_stamp
    from linvae.planning.study_plan import plan_study
    from linvae.planning.workflow import Workflow

    root = Path(project)
    plan = plan_study(configured("config.yaml", overlays), Workflow.beside(root, keep=False))
    forget_false_stamp(plan)
    return [[job.program, next(iter(job.outputs.values()))] for job in plan.left()]


def _answer(line):
    request = json.loads(line)
    ways = {"library": by_library, "snakemake": by_snakemake}
    try:
        os.chdir(request["project"])
        sys.path.insert(0, str(Path(request["project"]) / "src"))
        return {"jobs": ways[request["by"]](request["project"], request["overlays"])}
    except BaseException:
        return {"error": traceback.format_exc()}


def main():
    """Serve until standard input ends."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.write(out, json.dumps(_answer(line)).encode() + b"\n")
            os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
