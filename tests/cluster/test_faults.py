"""What a cluster does to jobs, on a toy study and a real training job: failures and scancel.

The toy's jobs have the command line, the undeclared checkpoint and the resources of the real
training rule, and sleep instead of computing. The expected bytes come from the same program
run without Snakemake, SLURM or interruption.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from configured import configuration, run_folder
from conftest import OVERLAY, ROOT, config, copy_project, copy_toy, end, finish, launch
from slurm_fixture import wait_for

pytestmark = pytest.mark.slurm

PROGRAM = ROOT / "tests" / "cluster" / "toy" / "workflow" / "scripts" / "train.py"
SLURM = ["--workflow-profile", "profiles/slurm", *OVERLAY]
SEED0 = Path("results", "train", "seed0")


def uninterrupted(directory: Path, **spec: float) -> bytes:
    """Bytes of seed 0's metrics from one run of the toy program, never stopped."""
    output = directory / "metrics.json"
    # Where the program looks whether this is its first attempt: it is not.
    (directory / "first_attempt").touch()
    options = ["--spec", json.dumps({**spec, "seed": 0}, sort_keys=True), "--output", output]
    subprocess.run([sys.executable, PROGRAM, *options], check=True)
    return output.read_bytes()


@pytest.fixture(scope="module", autouse=True)
def failing(slurm, tmp_path_factory):
    """A study whose only job fails once; it runs beside the tests before the one it is for."""
    directory = copy_toy(tmp_path_factory.mktemp("failing") / "toy")
    values = config(steps=4, seconds_per_step=0.1, seeds=1, fail_once_at=2)
    process = launch(directory, *SLURM, *values)
    yield directory, process
    end(process)


def test_cancelled_job_resumes_with_the_same_command(slurm, start, tmp_path):
    toy = copy_toy(tmp_path / "toy")
    run = toy / SEED0
    command = [*SLURM, "--retries", "0", *config(steps=60, seconds_per_step=0.1, seeds=1)]
    process = start(toy, *command)
    wait_for((run / "checkpoint.json").exists, 120, "a checkpoint")
    slurm.cancel(slurm.wait_for_job("RUNNING", toy).id)
    assert process.wait(180) == 1
    assert (run / "checkpoint.json").exists()
    assert not (run / "metrics.json").exists()

    finish(start(toy, *command), toy)
    assert "resumed at step" in (toy / "logs" / "train" / "seed0.log").read_text()
    expected = uninterrupted(tmp_path, steps=60, seconds_per_step=0.1, fail_once_at=0)
    assert (run / "metrics.json").read_bytes() == expected
    assert not (run / "checkpoint.json").exists()
    assert [job.state for job in slurm.jobs("all", directory=toy)] == ["CANCELLED", "COMPLETED"]


def test_cancelled_training_job_resumes_with_the_same_bytes(slurm, start, tmp_path):
    study = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    # Some ten seconds, with a checkpoint every one.
    study["checkpoint_seconds"] = 1
    study["models"]["victim"] = {"extends": "tiny-deep", "training": {"epochs": 4000}}
    study["study"]["sizes"]["cases"][0]["models"] = ["victim"]
    here, there = copy_project(tmp_path / "here"), copy_project(tmp_path / "there")
    for project in (here, there):
        (project / "config" / "study.yaml").write_text(yaml.safe_dump(study))
    run = Path(run_folder(configuration(here, "config/study.yaml"), "victim", "fixed-1", k=2))
    target = [str(run / "model.safetensors"), "--configfile", "config/study.yaml"]

    command = [*target, *SLURM, "--retries", "0"]
    process = start(there, *command)
    wait_for((there / run / "checkpoint.safetensors").exists, 120, "a checkpoint")
    slurm.cancel(slurm.wait_for_job("RUNNING", there).id)
    assert process.wait(180) == 1
    assert sorted(os.listdir(there / run)) == [
        "checkpoint.owner",
        "checkpoint.safetensors",
        "curve.partial.csv",
    ]

    finish(start(there, *command), there)
    finish(start(here, *target, "--cores", "1"), here)
    logs = there / "results" / "logs" / "train_deep"
    log = logs / run.relative_to("results/train").with_suffix(".log")
    assert re.search(r"training from step [1-9]\d* to", log.read_text())
    for name in ("model.safetensors", "curve.csv"):
        assert (there / run / name).read_bytes() == (here / run / name).read_bytes()
    assert sorted(os.listdir(there / run)) == [
        "curve.csv",
        "made.json",
        "model.safetensors",
        "times.csv",
    ]
    assert [job.state for job in slurm.jobs("all", directory=there)] == ["CANCELLED", "COMPLETED"]


def test_failed_job_is_retried_with_a_larger_request(slurm, failing, tmp_path):
    directory, process = failing
    finish(process, directory)
    jobs = [(job.state, job.memory) for job in slurm.jobs("all", directory=directory)]
    # The rule asks for 200 MB times the attempt.
    assert jobs == [("FAILED", "200M"), ("COMPLETED", "400M")]
    assert "resumed at step 2" in (directory / "logs" / "train" / "seed0.log").read_text()
    expected = uninterrupted(tmp_path, steps=4, seconds_per_step=0.1, fail_once_at=2)
    assert (directory / SEED0 / "metrics.json").read_bytes() == expected
