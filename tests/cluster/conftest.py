"""What the cluster tests share: one SLURM for all of them, and copies to run Snakemake in."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slurm_fixture import OneNodeSlurm, unavailable

ROOT = Path(__file__).parents[2]
# The node has no accounting database, and nobody wants to wait 20 s for a job of two.
OVERLAY = [
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "2"),
]


@pytest.fixture(scope="session")
def slurm() -> Iterator[OneNodeSlurm]:
    """One SLURM for the session; skips where it cannot be started."""
    if reason := unavailable():
        pytest.skip(reason)
    with OneNodeSlurm() as running:
        yield running


def copy_toy(directory: Path) -> Path:
    """Copy the toy study with the project's own profiles."""
    shutil.copytree(ROOT / "tests" / "cluster" / "toy", directory)
    shutil.copytree(ROOT / "profiles", directory / "profiles")
    return directory


def copy_project(directory: Path) -> Path:
    """Copy what git tracks, as a user's clone would hold it."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: there is no list of the project's files")
    for name in filter(None, listing.stdout.split("\0")):
        if (source := ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, directory / name)
    return directory


def config(**values: float) -> list[str]:
    """Give the toy study its settings."""
    return ["--config", *(f"{name}={value}" for name, value in values.items())]


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start Snakemake in a directory; what a failed test leaves running is ended."""
    running = []

    def start(directory: Path, *arguments: str) -> subprocess.Popen:
        process = launch(directory, *arguments)
        running.append(process)
        return process

    yield start
    for process in running:
        end(process)


def launch(directory: Path, *arguments: str) -> subprocess.Popen:
    """Start Snakemake; its output goes to ``snakemake.log``, a pipe could fill up."""
    scripts = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if "SNAKEMAKE" not in name}
    environment["PATH"] = f"{scripts}{os.pathsep}{environment['PATH']}"
    if (directory / "src").is_dir():
        # A copy plans with its own linvae, and with no other.
        environment["PYTHONPATH"] = str(directory / "src")
    with (directory / "snakemake.log").open("a") as log:
        return subprocess.Popen(
            [scripts / "snakemake", *arguments],
            cwd=directory,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen) -> None:
    """End Snakemake and its local jobs, if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process: subprocess.Popen, directory: Path, timeout: float = 180) -> None:
    """Wait for Snakemake and demand success, with the end of its output if it failed."""
    code = process.wait(timeout)
    assert code == 0, (directory / "snakemake.log").read_text()[-6000:]
