"""A rerun after an edit that goes wrong: the same command then ends with the bytes of a clean run.

Each test edits code so that a program computes anew, and to the same bytes, lets a job of it fail
in some way, and gives the same command again. LINVAE_EXHAUSTIVE takes every program that others
depend on.
"""

import os
import shutil
import signal
import time

import psutil
import pytest
import yaml

EXHAUSTIVE = "LINVAE_EXHAUSTIVE" in os.environ
# A program, and code that no other program reaches.
PROGRAMS = {
    "train_deep": "src/linvae/training/deep_job.py",
    "evaluate": "workflow/scripts/evaluate.py",
    "evaluate_deep": "workflow/scripts/evaluate_deep.py",
    "evaluate_encoder": "workflow/scripts/evaluate_encoder.py",
    "fetch": "workflow/scripts/fetch.py",
    "graft": "workflow/scripts/graft.py",
    "likelihood": "workflow/scripts/likelihood.py",
    "claims": "workflow/scripts/claims.py",
    "figure": "workflow/scripts/figure.py",
    "hessian": "workflow/scripts/hessian.py",
    "ppca": "workflow/scripts/ppca.py",
    "preprocess": "workflow/scripts/preprocess.py",
    "provenance": "workflow/scripts/provenance.py",
    "record": "workflow/scripts/record.py",
    "restarts": "workflow/scripts/restarts.py",
    "saddles": "workflow/scripts/saddles.py",
    "solve": "workflow/scripts/solve.py",
    "spectrum": "workflow/scripts/spectrum.py",
    "summary": "workflow/scripts/summary.py",
    "table": "workflow/scripts/table.py",
    "page": "workflow/scripts/page.py",
    "publish": "workflow/scripts/publish.py",
    "train_linear": "src/linvae/training/linear_job.py",
}
SHORT = ("train_deep", "evaluate")

# Imported by every Python of the project at its start, and part of no program: a job of the program
# that the file `fault` names comes to grief once it has written one file.
FAULT = """
import errno, os, pathlib, signal, sys, time
program, kind = pathlib.Path("fault").read_text().split() if os.path.exists("fault") else ("", "")
if program and any(f"scripts/{program}.py" in argument for argument in sys.orig_argv):
    replace = os.replace
    def replacing(source, target, **options):
        replace(source, target, **options)
        if not str(target).startswith("results/") or "checkpoint" in str(target):
            return
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "failed":
            raise RuntimeError("failed on purpose")
        if kind == "full":
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        if kind == "stopped":
            pathlib.Path("waiting").touch()
            signal.pause()
        if kind == "orphaned" and not os.path.exists("waiting"):
            pathlib.Path("waiting").write_text(str(os.getpid()))
            while not os.path.exists("go"):
                time.sleep(0.05)
    os.replace = replacing
"""


def edit(text):
    return text + "\n_EDITED = True\n"


def end_badly(project, kind):
    """Run the study to a bad end."""
    if kind not in ("stopped", "orphaned"):
        done = project.snakemake("--cores", "2", "--keep-going", check=False)
        assert done.returncode != 0
        assert "The study is finished" not in done.stdout
        return
    running = project.start("--cores", "2")
    deadline = time.monotonic() + 120
    while not (project.folder / "waiting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if kind == "stopped":
        # As Ctrl-C does: to Snakemake and its jobs.
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(60) != 0
        return
    # Snakemake alone is killed; its job lives on, and writes all of its outputs.
    orphan = int((project.folder / "waiting").read_text())
    running.kill()
    running.wait()
    (project.folder / "go").touch()
    while psutil.pid_exists(orphan):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    project.snakemake("--unlock")


CASES = [(program, "killed") for program in (PROGRAMS if EXHAUSTIVE else SHORT)]
CASES += [("train_deep", "full"), ("train_deep", "stopped"), ("evaluate", "failed")]
CASES += [("evaluate", "orphaned")]
CASES += (
    [("evaluate_deep", "full"), ("graft", "stopped"), ("claims", "orphaned")] if EXHAUSTIVE else []
)


@pytest.fixture(scope="module")
def clean(finished, tmp_path_factory):
    """The study whose reruns go wrong: that of all rules, or a part of it with both programs."""
    project = finished.copy_to(tmp_path_factory.mktemp("reruns") / "project")
    if not EXHAUSTIVE:
        part = project.study() | {"name": "part"}
        part["study"] = {
            name: section if name in ("sizes", "linear") else None
            for name, section in part["study"].items()
        }
        (project.folder / "config" / "part.yaml").write_text(yaml.safe_dump(part))
        project.overlay = "config/part.yaml"
        project.snakemake("--cores", "2")
    return project


@pytest.mark.parametrize(("program", "kind"), CASES)
def test_a_rerun_that_goes_wrong_ends_as_a_clean_run(clean, planner, tmp_path, program, kind):
    expected, project = clean.computed(), clean.copy_to(tmp_path / "project")
    (project.folder / "src" / "sitecustomize.py").write_text(FAULT)
    with project.edited({PROGRAMS[program]: edit}):
        left = planner(project)
        assert program in left
        (project.folder / "fault").write_text(f"{program} {kind}")
        end_badly(project, kind)
        (project.folder / "fault").unlink()
        # Nothing of a mixture may lie under a stable name.
        told = project.snakemake("--cores", "2").stdout
        assert "The study is finished" in told
        assert planner(project) == planner.snakemake(project) == {}
        assert project.computed() == expected
    if program != "publish":
        assert set(planner(project)) == {"publish"}


def test_stable_names_are_never_mixed(finished, project):
    before = {path: path.read_bytes() for path in (project.folder / "results/tiny").glob("*.md")}
    (project.folder / "src" / "sitecustomize.py").write_text(FAULT)
    with project.edited({PROGRAMS["claims"]: edit}):
        (project.folder / "fault").write_text("summary killed")
        end_badly(project, "killed")
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["-R", "train_deep"],
        ["-R", "spectrum", "--keep-going"],
        ["--forceall"],
    ],
    ids=["forced", "forced spectrum", "all"],
)
@pytest.mark.skipif(not EXHAUSTIVE, reason="minutes long; set LINVAE_EXHAUSTIVE")
def test_what_is_forced_ends_with_the_same_bytes(finished, project, arguments):
    told = project.snakemake("--cores", "2", *arguments).stdout
    assert "The study is finished" in told
    assert project.computed() == finished.computed()


def test_forced_and_killed_goes_on(finished, project, planner):
    (project.folder / "src" / "sitecustomize.py").write_text(FAULT)
    (project.folder / "fault").write_text("spectrum killed")
    done = project.snakemake("--cores", "2", "-R", "spectrum", "--keep-going", check=False)
    assert done.returncode != 0
    assert "The study is finished" not in done.stdout
    (project.folder / "fault").unlink()
    assert planner(project) == {}
    assert planner.snakemake(project) == {}
    # What else was computed from it is there, and the spectrum itself is only on the way.
    assert project.computed() == finished.computed()


def test_a_second_run_in_the_same_results_is_refused(project, tmp_path):
    (project.folder / "src" / "sitecustomize.py").write_text(FAULT)
    other = type(project)(tmp_path / "other")
    project.copy_to(other.folder)
    for part in ("results", ".snakemake"):
        shutil.rmtree(other.folder / part)
    (other.folder / "results").symlink_to(project.folder / "results")
    (project.folder / "fault").write_text("page stopped")
    with project.edited({PROGRAMS["page"]: edit}):
        running = project.start("--cores", "1")
        deadline = time.monotonic() + 120
        while not (project.folder / "waiting").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # Another working directory, and so another lock of Snakemake's.
        with other.edited({PROGRAMS["claims"]: edit}):
            done = other.snakemake("--cores", "1", check=False)
            assert done.returncode != 0
            holder = f"process {running.pid} on "
            assert f"error: results/.lock is held by {holder}" in done.stdout
            assert "Traceback" not in done.stdout
            assert other.snakemake("-n").returncode == 0
            # However it ends, the lock goes with it.
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            other.snakemake("--cores", "1")
