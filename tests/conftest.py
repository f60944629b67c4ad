"""A copy of the project with a finished tiny study, and ways to ask what an edit would rerun."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
import torch
from addresses import plain
from project import SNAKEMAKE, WORKFLOW_TESTS, Project
from threadpoolctl import threadpool_limits

# Processes of tests share the cores: with several threads each, products wait for the slowest.
torch.set_num_threads(1)
threadpool_limits(limits=1, user_api="blas")


class Planner:
    """Plans in a helper process that imports Snakemake once."""

    def __init__(self, log):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKFLOW_TESTS / "planner.py")],
            env=os.environ | ({"PYTHONPATH": SNAKEMAKE[0]} if SNAKEMAKE else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def __call__(self, project, by="library"):
        """First outputs of the jobs that are left, by rule, without their addresses."""
        request = {"project": str(project.folder), "overlays": [project.overlay], "by": by}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer["error"]
        plan = {}
        for rule, output in answer["jobs"]:
            plan.setdefault(rule, set()).add(plain(output))
        return plan

    def snakemake(self, project):
        """Return the same by a dry run of Snakemake."""
        return self(project, by="snakemake")

    def close(self):
        """End the helper process."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


# In the order in which they start: what takes a minute by itself comes before what takes seconds,
# or the last of it would run alone at the end.
LONGEST_FIRST = ("test_same_bytes", "test_generic", "test_addresses", "test_reruns", "test_kill")


def pytest_collection_modifyitems(items):
    """Start the longest tests first, and those of units last."""

    def place(item):
        module, folder = item.path.stem, item.path.parent.name
        if module in LONGEST_FIRST:
            return LONGEST_FIRST.index(module)
        return len(LONGEST_FIRST) + (folder == "unit")

    items.sort(key=place)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The project with a finished tiny study, run once for all test processes; do not change it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    done, failed = folder / "finished.txt", folder / "failed.txt"
    try:
        # Only one process can make the folder, and that one runs the study.
        project = Project.create(folder / "finished")
    except FileExistsError:
        while not done.exists():
            assert not failed.exists(), "the tiny study failed in another process"
            time.sleep(0.2)
        return Project(folder / "finished")
    try:
        log = project.snakemake("--cores", "2").stdout
    except BaseException:
        failed.touch()
        raise
    (folder / "part.txt").write_text(log)
    (folder / "part.txt").rename(done)
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished study that a test may change."""
    yield finished.copy_to(tmp_path / "project")
    shutil.rmtree(tmp_path / "project", ignore_errors=True)


@pytest.fixture
def fresh(tmp_path):
    """The project with no results."""
    yield Project.create(tmp_path / "fresh")
    shutil.rmtree(tmp_path / "fresh", ignore_errors=True)


@pytest.fixture(scope="session")
def planner(tmp_path_factory):
    """Function from a project to the jobs that it would run."""
    with (tmp_path_factory.mktemp("planner") / "log.txt").open("w") as log:
        made = Planner(log)
        yield made
        made.close()
