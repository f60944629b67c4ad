"""The validated configuration, and the one parameter that each rule carries."""

import os
import re
import sys

from linvae.study import runs as study
from linvae.config.load import ConfigError, load
from linvae.fingerprint import specification

try:
    CONFIG = load(config)
except ConfigError as error:
    sys.exit(
        f"The configuration is not valid (config.yaml and what overlays change in it):\n{error}"
    )

DATASET = CONFIG.dataset.key
# Jobs start `python` from the environment that runs Snakemake, activated or not.
os.environ.update(
    PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
)


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
    data=one_of([DATASET]) + r"-(?:pixels|logit)-(?:first[1-9][0-9]*|all)",
    k=r"[1-9][0-9]*",
    noise=r"(?:fixed|learned)-[0-9]+(?:\.[0-9]+)?",
    seed=r"[0-9]+",
    figure=one_of(study.FIGURES),
