"""The validated configuration, the study's names, and the one parameter that each rule carries."""

import os
import re
import sys

from linvae.config.consistency import remarks
from linvae.config.devices import planned_device
from linvae.config.files import read
from linvae.config.links import dangling_link
from linvae.config.load import load
from linvae.config.messages import ConfigError
from linvae.config.study_name import from_module, named
from linvae.naming import VARIANT_PATTERN
from linvae.study.figures import FIGURES

# What a module's `config:` gives are changes of the workflow's own configuration, as an overlay's.
IS_GIVEN = workflow.modifier.skip_configfile
if broken := dangling_link("results"):
    sys.exit(f"error: {broken}")
try:
    CONFIG = load(
        from_module(read(BASE), config)
        if IS_GIVEN
        else named(
            config,
            overlays=workflow.config_settings.configfiles,
            command_line=workflow.config_settings.config,
        )
    )
except ConfigError as error:
    sys.exit(
        "The configuration is not valid (config.yaml and what"
        f" {'the module is given' if IS_GIVEN else 'overlays'} change in it):\n{error}"
    )

STUDY = CONFIG.study
try:
    DEVICE = planned_device(CONFIG.models)
except ValueError as error:
    sys.exit(f"error: {error}")
NAMES = CONFIG.names(DEVICE)
DATASET = CONFIG.dataset.key
OWN = f"results/{CONFIG.name}"
# Where the files of a run lie, and what is measured of a deep one.
RUN_NAME = "{trained}/{data}/k{k}/{noise}/seed{seed}"
RUN = f"results/train/{RUN_NAME}"
MEASURED = f"{RUN}/{NAMES.measurement}" if NAMES.measurement else RUN
# A model by the name and digest that its runs' paths hold.
TRAINED = {f"{name}.{digest}": name for name, digest in NAMES.digests.items()}
if workflow.is_main_process:
    for remark in remarks(CONFIG.models, STUDY.all_runs(NAMES)):
        print(f"note: {remark}", file=sys.stderr)
PROVENANCE = f"results/data/{DATASET}/provenance.json"

# Jobs start `python` from the environment that runs Snakemake, activated or not.
os.environ.update(
    PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]),
    # No part of a job's specification: it decides no result.
    LINVAE_CHECKPOINT_SECONDS=str(CONFIG.checkpoint_seconds),
)
# Nor may what a user's shell or a notebook's kernel has set: a screen to draw on, warnings that are
# errors, a prompt at the end, assertions that are left out, other precisions of a GPU. Numbers of
# threads are set by Snakemake; texts are in UTF-8 under any locale. Which kernels a CPU's libraries
# choose (OPENBLAS_CORETYPE and the like) counts as the platform, and stays the user's.
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


def settings_of(wildcards):
    """Settings of the model that a run's path names."""
    return CONFIG.models[TRAINED[wildcards.trained]]


def identity_of(wildcards):
    """What a job is told of its model."""
    return CONFIG.model_identity(TRAINED[wildcards.trained], DEVICE)


def trained(fits):
    """Regular expression that matches the models, as in paths, of which something is true."""
    return one_of(path for path, name in TRAINED.items() if fits(CONFIG.models[name]))


def one_of(names):
    """Regular expression that matches just these names; nothing if there are none."""
    return "|".join(re.escape(name) for name in sorted(names)) or "(?!)"


onstart:
    if os.path.isdir("results") and not os.access("results", os.W_OK):
        sys.exit(
            "results/ cannot be written to: make it writable, or a link to a folder that is"
        )
    require_folder()
    if workflow.local_exec:
        # With a limit on the rate of jobs, which only a cluster's queue needs, each job that ends
        # leaves a timer that wakes the scheduler every second from then on: after some hundred
        # jobs Snakemake 9 would take a third of a core.
        workflow.scheduler.job_rate_limiter = None


wildcard_constraints:
    dataset=one_of([DATASET]),
    data=f"{one_of([DATASET])}-{VARIANT_PATTERN}",
    k=r"[1-9][0-9]*",
    noise=r"(?:fixed|learned)-[0-9]+(?:\.[0-9]+)?",
    seed=r"[0-9]+",
    digest=r"[0-9a-f]{8}",
    figure=one_of(FIGURES),
