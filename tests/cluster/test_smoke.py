"""A part of the smoke study through SLURM, on a node that is drained in the middle of it.

LINVAE_EXHAUSTIVE takes the whole of it.
LINVAE_SMOKE_RESULTS may name the results of a local run to compare with; without it, one is made.
"""

import os
import re
from pathlib import Path

import pytest
from conftest import OVERLAY, copy_project, finish
from slurm_fixture import wait_for
from timed import shows_times, without_times

pytestmark = pytest.mark.slurm

FIGURES = ("fig1_elbo_vs_ppca", "fig13_kl_annealing")
SMOKE = ["--configfile", "config/smoke.yaml"]
# A job of the smoke study computes for less time than it takes to start on a node. So here,
# unlike in the profile, training jobs share SLURM jobs too: the study ends in minutes.
SHARED = [
    *("--groups", "train_deep=train", "train_linear=train", "solve=train"),
    *("evaluate=evaluate", "evaluate_encoder=evaluate", "evaluate_deep=evaluate", "graft=graft"),
    *("likelihood=graft", "--group-components", "train=8", "evaluate=50", "graft=8"),
    *("--cores", "2"),
    # A shared job takes most of a minute, and each look at it comes later than the last.
    *("--slurm-init-seconds-before-status-checks", "20"),
]
# What reports on the computing (times, process output, where the images were found, which
# commit it was, what each job was told), and not on what was computed.
ABOUT_THE_RUN = (
    "logs",
    "benchmarks",
    "study.json",
    "made.json",
    "found.json",
    ".lock",
)
# The page's last section says the same of provenance and study.
_MADE = re.compile(rb'<section id="made">.*?</section>', re.DOTALL)


def results(directory: Path) -> dict[str, bytes]:
    """Read every result, by path."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(directory)): without_times(_MADE.sub(b"", path.read_bytes()))
        for path in files
        if not set(path.relative_to(directory).parts) & set(ABOUT_THE_RUN)
        and not shows_times(str(path))
    }


def local_results(start, tmp_path: Path) -> Path:
    """Name the results of the smoke study run here; run it if there are none."""
    if given := os.environ.get("LINVAE_SMOKE_RESULTS"):
        return Path(given)
    local = copy_project(tmp_path / "local")
    finish(start(local, "--cores", "2", *SMOKE), local, timeout=1000)
    return local / "results"


def targets(expected: dict[str, bytes]) -> list[str]:
    """Figures and runs trained on, which need every kind of job, or with LINVAE_EXHAUSTIVE all."""
    if "LINVAE_EXHAUSTIVE" in os.environ:
        return []
    ends = ("graft.json", "likelihood.json", *(f"{name}.png" for name in FIGURES))
    found = [
        next(path for path in expected if path.endswith(end) and not path.startswith("smoke/"))
        for end in ends
    ]
    return [f"results/{path}" for path in found]


def test_same_bytes_as_the_local_run_although_the_node_was_drained(slurm, start, tmp_path):
    expected = results(local_results(start, tmp_path))
    cluster = copy_project(tmp_path / "cluster")
    made = targets(expected)
    arguments = [*OVERLAY, *SHARED, *SMOKE, "--", *made]
    process = start(cluster, "--workflow-profile", "profiles/slurm", *arguments)
    try:
        slurm.wait_for_job("RUNNING", cluster)
        slurm.drain()
        wait_for(lambda: slurm.node_state() == "drained", 300, "the running jobs have ended")
        waiting = slurm.wait_for_job("PENDING", cluster)
        assert process.poll() is None
    finally:
        slurm.resume()
    finish(process, cluster, timeout=1500)

    ended = slurm.jobs("all", directory=cluster)
    assert {job.state for job in ended} == {"COMPLETED"}
    assert waiting.id in {job.id for job in ended}
    found = results(cluster / "results")
    assert any(path.endswith("model.safetensors") for path in found)
    assert {f"results/{path}" for path in found} >= set(made)
    assert set(found) <= set(expected) if made else set(found) == set(expected)
    assert [path for path in found if found[path] != expected[path]] == []
