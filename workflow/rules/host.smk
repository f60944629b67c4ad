"""Snakemake, as this workflow knows it: all that it asks of Snakemake's Python stands in this file.

Nothing here is underscored, and nothing asks what Snakemake remembers: a path says what made it.
"""

import os
import sys
import tomllib
from pathlib import Path

from snakemake import __version__ as snakemake_version
from snakemake.logging import logger
from snakemake.sourcecache import LocalSourceFile

# Of a cluster's jobs each starts Snakemake a second time: those are no main processes.
IS_MAIN = workflow.is_main_process
# What a module's `config:` gives are changes of the workflow's own configuration, as an overlay's.
IS_GIVEN = workflow.modifier.skip_configfile
FOLDER = workflow.current_basedir
# A module may also be fetched (`github(...)`): its files are then copied, and linvae is installed.
IS_LOCAL = isinstance(FOLDER, LocalSourceFile)
REMEDY = (
    "give this checkout its own environment (rm -r .venv; make), or in yours"
    " `pip install -e '.[workflow,data]'`"
)

try:
    import linvae
except ModuleNotFoundError:
    sys.exit(f"error: linvae is not installed: {REMEDY}")
from linvae.config.yaml_files import exit_unless_read
from linvae.jobs.atomic import replacing


def shipped(path):
    """Where a file of the workflow lies, by its path from the top."""
    return CHECKOUT / path if IS_LOCAL else kept(path)


def kept(path):
    """A copy in the working directory, where it lies the same wherever the workflow does."""
    file, copy = FOLDER.join(f"../../{path}"), Path(".snakemake/linvae", path)
    text = workflow.sourcecache.open(file).read()
    if IS_MAIN and not (copy.is_file() and copy.read_text("utf-8") == text):
        with replacing(copy) as temporary:
            temporary.write_text(text, "utf-8")
    return copy


if IS_LOCAL:
    CHECKOUT = Path(FOLDER.path).resolve().parents[1]
    if (found := Path(linvae.__path__[0]).resolve()) != (CHECKOUT / "src" / "linvae").resolve():
        sys.exit(
            f"error: linvae comes from {found} and not from {CHECKOUT / 'src' / 'linvae'}, so that"
            f" what is edited here would change nothing: {REMEDY}"
        )
else:
    wanted = tomllib.loads(kept("pyproject.toml").read_text("utf-8"))["project"]["version"]
    if (found := linvae.__version__) != wanted:
        sys.exit(
            f"error: the workflow is of linvae {wanted}, and installed is {found}: install linvae"
            " from where the workflow comes from, at the same tag"
        )
if workflow.modifier.path_modifier.replace_prefix("results/") != "results/":
    sys.exit(
        "error: linvae as a module takes no prefix, since its results know each other by their"
        " paths: leave it out, and give the study a name of its own"
    )

# The workflow's own, whatever lies in the working directory.
BASE = os.path.relpath(shipped("config.yaml"))
if IS_MAIN:
    exit_unless_read(BASE, *workflow.overwrite_configfiles)


def by_job(priority):
    """A priority that depends on the job; none where Snakemake takes no function (before 9.17)."""
    takes_functions = [int(part) for part in snakemake_version.split(".")[:2]] >= [9, 17]
    return priority if takes_functions else 0


def given_overlays():
    """Overlays and single values of the command line."""
    settings = workflow.config_settings
    return {"overlays": settings.configfiles, "command_line": settings.config}


def is_asked_for(rule):
    """Whether a job of a rule is among those of this run."""
    return any(job.rule.name.endswith(rule) for job in workflow.dag.jobs)


def start_calmly():
    """Where jobs start here, drop the limit on their rate, which only a cluster's queue needs.

    With it each job that ends leaves a timer that wakes the scheduler every second from then on:
    after some hundred jobs Snakemake 9 would take a third of a core.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def say(lines):
    print("\n".join(lines), file=sys.stderr, flush=True)
