"""Jobs that may use a GPU ask the scheduler for one, and are told that they have it."""

import re
import subprocess
import sys

import pytest
from configured import configuration

PAPER = "config/paper.yaml"


def dry_run(project, *arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "-n", "--configfile", PAPER],
        cwd=project.folder,
        env=project.environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def gpus(told):
    """Rules whose jobs a dry run announces, and those that ask for a GPU."""
    jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", told, flags=re.MULTILINE)
    return {rule for rule, _ in jobs}, {
        rule for rule, body in jobs if re.search(r"\bgpu=1\b", body)
    }


def targets(project, device):
    """Paths in the paper study: of a deep run, and of one that uses no GPU."""
    config = configuration(project.folder, PAPER)
    runs = config.study.all_runs(config.names(device))
    chosen = [next(run for run in runs if run.model == name) for name in ("deep", "linear-lbfgs")]
    return [run.file("model.safetensors") for run in chosen]


@pytest.mark.parametrize(
    ("variables", "device", "asking"),
    [({}, "cuda", {"train_deep"}), ({"LINVAE_DEVICE": "cpu"}, "cpu", set())],
)
def test_under_slurm_deep_runs_of_the_paper_study_ask_for_a_gpu(fresh, variables, device, asking):
    slurm = ("--workflow-profile", "profiles/slurm")
    done = dry_run(fresh, *targets(fresh, device), *slurm, **variables)
    assert done.returncode == 0, done.stdout
    expected = {"fetch", "preprocess", "spectrum", "solve", "train_deep"}
    assert gpus(done.stdout) == (expected, asking)


def test_a_device_that_is_none_is_told(fresh):
    done = dry_run(fresh, LINVAE_DEVICE="gpu")
    assert done.returncode == 1
    assert "error: LINVAE_DEVICE is 'gpu'; it must be cpu or cuda" in done.stdout
    assert "Traceback" not in done.stdout
