"""What a file was computed with lies beside it: versions, commit, machine."""

import json
import subprocess

import numpy as np
import pytest
import torch

from linvae.jobs import made
from linvae.jobs.job import Job
from linvae.jobs.made import computed_with, write_made

JOB = Job(
    "solve", "results/x/{address}", {"seed": 3}, {"data": "a.npz"}, {"made": "made.json"}, "c"
)


def code():
    found = computed_with()
    return {key: found[key] for key in ("commit", "clean")}


def test_what_made_a_file_is_told_in_full(tmp_path):
    write_made(tmp_path / "made.json", JOB)
    found = json.loads((tmp_path / "made.json").read_text())
    assert Job.from_dict(found["job"]) == JOB
    assert found["address"] == JOB.address
    assert found["computed"] == computed_with()
    assert set(found) == {"job", "address", "computed"}


def test_the_versions_of_what_computes_are_told():
    versions = computed_with()["versions"]
    assert versions["numpy"] == np.__version__
    # What is behind the plus says how it was built.
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert versions["python"].count(".") == 2
    assert all(versions.values())


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(made, "_PACKAGES", ("numpy", "no-such-package"))
    versions = computed_with()["versions"]
    assert versions["no-such-package"] is None
    assert versions["numpy"]


def test_it_is_told_the_same_twice_and_no_time_or_place():
    assert computed_with() == computed_with()
    assert "host" not in json.dumps(computed_with()["platform"])
    assert set(computed_with()["platform"]) == {"system", "release", "machine", "byteorder"}
    assert set(computed_with()) == {"commit", "clean", "versions", "platform"}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A function that runs git in a folder, which the module seems to lie in."""

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    module = tmp_path / "src" / "linvae" / "jobs" / "made.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.setattr(made, "__file__", str(module))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return git


def test_code_is_told_by_its_commit_and_whether_it_was_changed(checkout, tmp_path, monkeypatch):
    git = checkout
    assert code() == {"commit": None, "clean": None}
    git("init", "-q")
    assert code() == {"commit": None, "clean": None}
    git("add", ".")
    git("commit", "-qm", "all")
    assert code() == {"commit": git("rev-parse", "HEAD"), "clean": True}
    # Started from a hook of another repository, which git tells of in the environment.
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(other / ".git"))
        patch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        told = code()["commit"]
    assert told == git("rev-parse", "HEAD")
    (tmp_path / "src" / "linvae" / "jobs" / "made.py").write_text("X = 1\n")
    assert code() == {"commit": git("rev-parse", "HEAD"), "clean": False}


def test_a_copy_inside_of_another_checkout_has_no_commit(monkeypatch):
    monkeypatch.setattr(made, "_git", lambda root, *arguments: f"{root.parent}\n0123abc")
    assert code() == {"commit": None, "clean": None}


def test_without_git_nothing_is_said_of_the_code(monkeypatch):
    def missing(*arguments, **options):
        raise FileNotFoundError

    monkeypatch.setattr(made.subprocess, "run", missing)
    assert code() == {"commit": None, "clean": None}
