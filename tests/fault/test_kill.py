"""Jobs and Snakemake itself, killed at random moments: the same command then ends the same.

LINVAE_KILLS sets how often a job and Snakemake are killed, and a quarter as often both (1).
"""

import contextlib
import os
import random
import shutil
import signal
import time
from math import ceil
from pathlib import Path

import psutil
import pytest

KILLS = int(os.environ.get("LINVAE_KILLS", "1"))
RUN = Path("results/train/victim/mnist-logit-first60/k3/fixed-1/seed0")
TARGET = str(RUN / "model.safetensors")
OUTPUTS = ("model.safetensors", "curve.csv")
LOG = Path("results/logs/train/victim/mnist-logit-first60/k3/fixed-1/seed0.log")


def victim(settings):
    """Add a model that saves a checkpoint after each of its many epochs."""
    settings["models"]["victim"] = {
        "extends": "tiny-deep",
        "training": {"epochs": 80, "checkpoint_seconds": 0},
    }


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """A project, what an uninterrupted training gives in it, and how long that takes."""
    project = finished.copy_to(tmp_path_factory.mktemp("kill") / "project")
    with project.reconfigured(victim):
        start = time.monotonic()
        project.snakemake(TARGET, "--cores", "1")
        seconds = time.monotonic() - start
        expected = {name: (project.folder / RUN / name).read_bytes() for name in OUTPUTS}
        yield project, expected, seconds


def jobs(project):
    """Training processes that work in the project's folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "workflow/scripts/train.py" in process.cmdline():
                if process.cwd() == str(project.folder):
                    found.append(process)
    return found


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    return found


def interrupt(project, kill, delay):
    """Start training anew, kill something after a while; return whether a checkpoint was left."""
    shutil.rmtree(project.folder / RUN, ignore_errors=True)
    (project.folder / LOG).unlink(missing_ok=True)
    snakemake = project.start(TARGET, "--cores", "1")
    wait_for(lambda: jobs(project) or snakemake.poll() is not None)
    time.sleep(delay)
    kill(project, snakemake)
    snakemake.wait(timeout=60)
    return (project.folder / RUN / "checkpoint.safetensors").exists()


def kill_job(project, snakemake):
    """Kill the training process, as the system does when memory runs out."""
    for process in jobs(project):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def kill_snakemake(project, snakemake):
    """Kill Snakemake alone: its job lives on, and may even finish."""
    snakemake.kill()


def kill_everything(project, snakemake):
    """Kill Snakemake and its job at once, as a power cut does."""
    os.killpg(snakemake.pid, signal.SIGKILL)
    wait_for(lambda: not jobs(project))


MOMENTS = [
    *((kill, number) for number in range(KILLS) for kill in (kill_job, kill_snakemake)),
    *((kill_everything, number) for number in range(ceil(KILLS / 4))),
]


@pytest.mark.parametrize(("kill", "number"), MOMENTS)
def test_a_killed_run_ends_with_the_same_bytes(trained, kill, number):
    project, expected, seconds = trained
    # The first as soon as there is a checkpoint, on any machine; the others anywhere.
    delay = random.Random(number).uniform(0.0, 0.8) * seconds if number else 0.0
    saved = interrupt(project, kill if number else kill_after_checkpoint(kill), delay)
    assert saved or number or kill is kill_snakemake
    if kill is not kill_job:
        project.snakemake("--unlock")
    project.snakemake(TARGET, "--cores", "1")
    wait_for(lambda: not jobs(project))
    found = {name: (project.folder / RUN / name).read_bytes() for name in OUTPUTS}
    assert found == expected, f"killed after {delay:.2f} s"
    assert sorted(os.listdir(project.folder / RUN)) == sorted([".made", *OUTPUTS])
    # A job that lives on may end before the next one starts, and take its checkpoint along.
    if saved and kill is not kill_snakemake:
        text = (project.folder / LOG).read_bytes().decode(errors="replace")
        assert "resumed at step" in text, f"killed after {delay:.2f} s: trained from the start"


def kill_after_checkpoint(kill):
    """Kill as soon as there is a checkpoint."""

    def later(project, snakemake):
        wait_for((project.folder / RUN / "checkpoint.safetensors").exists)
        kill(project, snakemake)

    return later
