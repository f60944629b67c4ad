"""Jobs that may use a GPU ask the scheduler for one, and are told that they have it."""

import json
import subprocess
import sys

import pytest
from configured import configuration

from linvae.planning.images import Origin
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

PAPER = "config/paper.yaml"
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}
# Jobs of a dry run with the GPUs that each asks for, under the options of Snakemake's command line.
JOBS = """
import json, sys
from snakemake import jobs
from snakemake.cli import args_to_api, parse_args

found = []
jobs.Job.log_info = lambda job, *_, **__: found.append((job.rule.name, job.resources.get("gpu", 0)))
parser, arguments = parse_args(sys.argv[1:])
done = args_to_api(arguments, parser)
print(json.dumps([done, found]))
"""


def dry_run(project, *program, **variables):
    return subprocess.run(
        [sys.executable, *program, "-n", "--quiet", "all", "--configfile", PAPER],
        cwd=project.folder,
        # Without a mirror: then the images are those embedded, on any machine.
        env=project.environment | NO_NETWORK | variables,
        capture_output=True,
        text=True,
    )


def targets(project, device):
    """Paths in the paper study: of a deep run, and of one that uses no GPU."""
    config = configuration(project.folder, PAPER)
    workflow = Workflow.beside(project.folder, keep=False)
    origin = Origin("MNIST", "embedded")
    plan = plan_study(config, workflow, device=device, origin=origin)
    chosen = [("train_deep", "/deep/"), ("solve", "/linear-lbfgs/")]
    return [
        next(
            job.outputs["model"]
            for job in plan.jobs.values()
            if job.program == program and name in job.folder
        )
        for program, name in chosen
    ]


@pytest.mark.parametrize(
    ("variables", "device", "asking"),
    [({}, "cuda", {"train_deep"}), ({"LINVAE_DEVICE": "cpu"}, "cpu", set())],
)
def test_under_slurm_deep_runs_of_the_paper_study_ask_for_a_gpu(fresh, variables, device, asking):
    slurm = ("--workflow-profile", "profiles/slurm")
    told = dry_run(fresh, "-c", JOBS, *targets(fresh, device), *slurm, **variables)
    assert told.returncode == 0, told.stderr
    done, found = json.loads(told.stdout.splitlines()[-1])
    assert done
    assert {rule for rule, _ in found} == {
        *("fetch", "preprocess", "spectrum", "solve", "train_deep")
    }
    assert {rule for rule, n in found if n == 1} == asking


def test_a_device_that_is_none_is_told(fresh):
    done = dry_run(fresh, "-m", "snakemake", LINVAE_DEVICE="gpu")
    assert done.returncode == 1
    assert "error: LINVAE_DEVICE is 'gpu'; it must be cpu or cuda" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
