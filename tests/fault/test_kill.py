"""Jobs and Snakemake itself, killed at random moments: the same command then ends the same.

LINVAE_KILLS sets how often a job and Snakemake are killed, and a quarter as often both (1).
"""

import contextlib
import os
import random
import re
import shutil
import signal
import time
from math import ceil
from typing import NamedTuple

import psutil
import pytest

KILLS = int(os.environ.get("LINVAE_KILLS", "1"))
OUTPUTS = ("model.safetensors", "curve.csv")


def victim(settings):
    """Add a model that saves a checkpoint after each of its many epochs."""
    settings["checkpoint_seconds"] = 0
    settings["models"]["victim"] = {"extends": "tiny-deep", "training": {"epochs": 80}}
    settings["study"]["sizes"]["cases"][0]["models"] = ["victim"]


class Trained(NamedTuple):
    """A project with one training job, what it gives without interruption, and how long it takes.

    Attributes
    ----------
    project
        With a study that has the job's model.
    run
        The run's folder, relative to the project's.
    expected
        Bytes of its outputs.
    seconds
        That Snakemake takes for it.
    """

    project: object
    run: str
    expected: dict[str, bytes]
    seconds: float

    @property
    def target(self):
        return f"{self.run}/model.safetensors"

    @property
    def folder(self):
        return self.project.folder / self.run

    @property
    def log(self):
        name = self.run.removeprefix("results/train/")
        return self.project.folder / f"results/logs/train_deep/{name}.log"

    def outputs(self):
        return {name: (self.folder / name).read_bytes() for name in OUTPUTS}


@pytest.fixture(scope="module")
def trained(finished, tmp_path_factory):
    """Train without interruption, in a copy of the finished study."""
    project = finished.copy_to(tmp_path_factory.mktemp("kill") / "project")
    with project.reconfigured(victim):
        made = Trained(project, project.run_folder("victim", "fixed-1", k=2), {}, 0.0)
        start = time.monotonic()
        project.snakemake(made.target, "--cores", "1")
        seconds = time.monotonic() - start
        yield made._replace(expected=made.outputs(), seconds=seconds)


def jobs(project):
    """Training processes that work in the project's folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(part.endswith("/train_deep.py") for part in process.cmdline()):
                if process.cwd() == str(project.folder):
                    found.append(process)
    return found


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    return found


def interrupt(trained, kill, delay):
    """Start training anew, kill something after a while; return whether a checkpoint was left."""
    project = trained.project
    shutil.rmtree(trained.folder, ignore_errors=True)
    trained.log.unlink(missing_ok=True)
    snakemake = project.start(trained.target, "--cores", "1")
    wait_for(lambda: jobs(project) or snakemake.poll() is not None)
    time.sleep(delay)
    kill(project, snakemake)
    snakemake.wait(timeout=60)
    return (trained.folder / "checkpoint.safetensors").exists()


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
    project = trained.project
    # The first as soon as there is a checkpoint, on any machine; the others anywhere.
    delay = random.Random(number).uniform(0.0, 0.8) * trained.seconds if number else 0.0
    kill_then = kill if number else kill_after_checkpoint(kill, trained.folder)
    saved = interrupt(trained, kill_then, delay)
    assert saved or number or kill is kill_snakemake
    if kill is not kill_job:
        project.snakemake("--unlock")
    project.snakemake(trained.target, "--cores", "1")
    wait_for(lambda: not jobs(project))
    assert trained.outputs() == trained.expected, f"killed after {delay:.2f} s"
    assert sorted(os.listdir(trained.folder)) == sorted(["made.json", "times.csv", *OUTPUTS])
    # A job that lives on may end before the next one starts, and take its checkpoint along.
    if saved and kill is not kill_snakemake:
        text = trained.log.read_bytes().decode(errors="replace")
        resumed = re.search(r"training from step [1-9]\d* to 240 on cpu", text)
        assert resumed, f"killed after {delay:.2f} s: trained from the start"


def kill_after_checkpoint(kill, folder):
    """Kill as soon as there is a checkpoint in a run's folder."""

    def later(project, snakemake):
        wait_for((folder / "checkpoint.safetensors").exists)
        kill(project, snakemake)

    return later
