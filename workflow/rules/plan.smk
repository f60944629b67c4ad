"""The map of the study, which the rules look everything up in."""

import re

from linvae.config.consistency import remarks
from linvae.config.devices import planned_device
from linvae.config.yaml_files import read
from linvae.config.links import dangling_link
from linvae.config.configuration import load
from linvae.config.messages import ConfigError
from linvae.config.study_name import from_module, named
from linvae.images.load import DataError
from linvae.jobs.job import MissingJobError
from linvae.jobs.lock import LockedError, lock
from linvae.planning.checked import forget_false_stamp
from linvae.planning.images import describe, memory_of, require_folder, settle
from linvae.planning.plan import keep_plan, read_plan
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

if broken := dangling_link("results"):
    sys.exit(f"error: {broken}")


def configuration():
    """The validated configuration."""
    try:
        if IS_GIVEN:
            return load(from_module(read(BASE), config))
        return load(named(config, **given_overlays()))
    except ConfigError as error:
        sys.exit(
            "The configuration is not valid (config.yaml and what"
            f" {'the module is given' if IS_GIVEN else 'overlays'} change in it):\n{error}"
        )


def planned():
    """The plan of the study, kept for its jobs."""
    study = configuration()
    try:
        device = planned_device(study.models)
        plan = plan_study(study, Workflow(shipped), device=device)
        if not os.path.exists(plan.images):
            require_folder(plan.origin)
            if study.dataset.source == "auto":
                print(f"note: {describe(plan.origin)}", file=sys.stderr)
    except (ValueError, DataError) as error:
        sys.exit(f"error: {error}")
    for remark in remarks(study.models, study.study.all_runs(study.names())):
        print(f"note: {remark}", file=sys.stderr)
    if study.dataset.source == "auto":
        settle(plan.origin, memory_of(study.dataset.key))
    forget_false_stamp(plan)
    os.environ.update(LINVAE_PLAN=keep_plan(plan))
    return plan


# A cluster's job finds what was planned, though code or configuration may have changed meanwhile.
KEPT = os.environ.get("LINVAE_PLAN")
try:
    PLAN = planned() if IS_MAIN or not KEPT else read_plan(KEPT)
except MissingJobError as error:
    sys.exit(f"error: {error}")

os.environ.update(
    # Each job's Snakemake, on a cluster too, reads this file before it starts the job's program.
    LINVAE_SCRIPTS=os.path.abspath(shipped("workflow/scripts/fetch.py").parent),
    # Jobs start `python` from the environment that runs Snakemake, activated or not.
    PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]),
    **PLAN.environment,
)
# Nor may what a user's shell or a notebook's kernel has set decide a result: a screen to draw on,
# warnings that are errors, a prompt at the end, assertions that are left out, other precisions of a
# GPU. Numbers of threads are the job's own; texts are in UTF-8 under any locale. Which kernels a
# CPU's libraries choose (OPENBLAS_CORETYPE and the like) counts as the platform, and stays the
# user's.
for name in (
    "MATPLOTLIBRC",
    "MPLBACKEND",
    "NVIDIA_TF32_OVERRIDE",
    "PYTHONBREAKPOINT",
    "PYTHONDEVMODE",
    "PYTHONINSPECT",
    "PYTHONMALLOC",
    "PYTHONOPTIMIZE",
    "PYTHONSTARTUP",
    "PYTHONWARNINGS",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
):
    os.environ.pop(name, None)


def one_of(addresses):
    """Regular expression that matches just these; nothing if there are none."""
    return "|".join(addresses) or "(?!)"


def of(program):
    """Regular expression of the addresses of a program's jobs."""
    return one_of(PLAN.addresses(program))


def inputs_of(wildcards):
    """What a job reads."""
    return list(PLAN.jobs[wildcards.address].input_files())


def need(what):
    """Function from a job to what it needs; memory and time grow with each attempt."""

    def asked(wildcards, attempt):
        return attempt * getattr(PLAN.needs[wildcards.address], what)

    return asked


def threads_of(wildcards):
    return PLAN.needs[wildcards.address].threads


def gpus_of(wildcards):
    return PLAN.needs[wildcards.address].gpus


def priority_of(wildcards):
    return PLAN.needs[wildcards.address].priority


wildcard_constraints:
    address="[0-9a-f]{12}",
    place=".+",
    figure=one_of(map(re.escape, PLAN.figures)),
