"""The smoke study through SLURM, on a node that is drained in the middle of it."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import OVERLAY, ROOT, finish
from slurm_fixture import wait_for

pytestmark = pytest.mark.slurm

SMOKE = ["--configfile", "config/smoke.yaml"]
# A job of the smoke study computes for less time than it takes to start on a node. So here,
# unlike in the profile, training jobs share SLURM jobs too: the study ends in minutes.
SHARED = [
    *("--groups", "train=train", "solve=train", "evaluate=evaluate", "evaluate_deep=evaluate"),
    *("--group-components", "train=8", "evaluate=50"),
    *("--cores", "2"),
]
# What reports on the computing (times, process output, where the images were found), and
# not on what was computed.
ABOUT_THE_RUN = ("logs", "benchmarks", "provenance.json")


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


def results(directory: Path) -> dict[str, bytes]:
    """Read every result, by path."""
    root = directory / "results"
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in files
        if not set(path.relative_to(root).parts) & set(ABOUT_THE_RUN)
    }


def test_same_bytes_as_the_local_run_although_the_node_was_drained(slurm, start, tmp_path):
    if not (ROOT / "Snakefile").exists():
        pytest.skip("there is no Snakefile")
    local, cluster = copy_project(tmp_path / "local"), copy_project(tmp_path / "cluster")
    reference = start(local, "--cores", "2", *SMOKE)
    process = start(cluster, "--workflow-profile", "profiles/slurm", *OVERLAY, *SMOKE, *SHARED)
    try:
        slurm.wait_for_job("RUNNING", cluster)
        slurm.drain()
        wait_for(lambda: slurm.node_state() == "drained", 120, "the running jobs have ended")
        waiting = slurm.wait_for_job("PENDING", cluster)
        assert process.poll() is None
    finally:
        slurm.resume()
    finish(process, cluster, timeout=1000)
    finish(reference, local, timeout=1000)

    ended = slurm.jobs("all", directory=cluster)
    assert {job.state for job in ended} == {"COMPLETED"}
    assert waiting.id in {job.id for job in ended}
    expected, found = results(local), results(cluster)
    assert any(path.endswith("model.safetensors") for path in expected)
    assert sorted(found) == sorted(expected)
    assert [path for path in expected if found[path] != expected[path]] == []
