"""What is kept of a study: the table of its runs, and its record."""

import json
import subprocess

import pandas as pd
import pytest

from linvae.files import write_csv, write_json
from linvae.inputs import Inputs
from linvae.naming import Run, parse_run
from linvae.report import study_record as record
from linvae.report.study_record import runs_table, study_record

RUNS = [
    Run("deep", "0123abcd", "mnist-logit-first60-test20", 3, "fixed-0.1", 1),
    Run("linear.v2", "4567cdef", "mnist-pixels-all", 200, "learned-1", 0),
]
COLUMNS = ["model", "data", "n_latent", "noise", "seed", "folder", "metrics"]
PROVENANCE = {"label": "made-up images", "train_sha256": "0a" * 32}


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    deep, linear = RUNS
    paths = [deep.file("draws2/metrics.json"), linear.file("metrics.json")]
    return Inputs([*paths, linear.file("curve.csv"), "results/x/claims.json"])


def test_every_run_has_its_row_with_its_folder_and_its_metrics(inputs):
    table = runs_table(inputs)
    assert list(table.columns) == COLUMNS
    assert len(table) == len(RUNS)
    for row, run in zip(table.to_dict("records"), RUNS, strict=True):
        assert row["folder"] == run.folder
        assert parse_run(row["metrics"]) == parse_run(row["folder"]) == run
        assert {name: row[name] for name in COLUMNS[:5]} == {
            name: getattr(run, name) for name in COLUMNS[:5]
        }
    # The measurement's folder is where the metrics lie, not where the weights are.
    assert table["metrics"][0] == RUNS[0].file("draws2/metrics.json")


def test_the_table_survives_its_file(inputs):
    table = runs_table(inputs)
    write_csv("runs.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv("runs.csv"), table)


def test_a_study_without_runs_has_an_empty_table():
    table = runs_table(Inputs(["results/x/claims.json"]))
    assert table.empty
    assert list(table.columns) == COLUMNS


def made(**changes):
    return study_record({"name": "mine", "threads": 1} | changes, "cpu", PROVENANCE)


def test_the_record_tells_the_whole_configuration_the_device_and_the_images(tmp_path):
    configuration = {"name": "mine", "models": {"deep": {"encoder": {"hidden": [8, 6]}}}}
    found = study_record(configuration, "cuda", PROVENANCE)
    assert found["name"] == "mine"
    assert found["configuration"] == configuration
    assert found["device"] == "cuda"
    assert found["data"] == PROVENANCE
    write_json(tmp_path / "study.json", found)
    assert json.loads((tmp_path / "study.json").read_text()) == found


def test_the_record_tells_the_versions_of_what_computes():
    import numpy as np
    import torch

    versions = made()["versions"]
    assert versions["numpy"] == np.__version__
    # What is behind the plus says how it was built.
    assert versions["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert versions["python"].count(".") == 2
    assert all(versions.values())


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(record, "_PACKAGES", ("numpy", "no-such-package"))
    versions = made()["versions"]
    assert versions["no-such-package"] is None
    assert versions["numpy"]


def test_two_records_of_a_study_are_the_same_and_tell_no_time_or_place():
    assert made() == made()
    assert "host" not in json.dumps(made()["platform"])
    assert set(made()["platform"]) == {"system", "release", "machine", "byteorder"}


def test_code_is_told_by_its_commit_and_whether_it_was_changed(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *identity, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    module = tmp_path / "src" / "linvae" / "report" / "record.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    monkeypatch.setattr(record, "__file__", str(module))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert made()["code"] == {"commit": None, "clean": None}
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    assert made()["code"] == {"commit": git("rev-parse", "HEAD"), "clean": True}
    # Started from a hook of another repository, which git tells of in the environment.
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(other / ".git"))
        patch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        told = made()["code"]["commit"]
    assert told == git("rev-parse", "HEAD")
    module.write_text("X = 1\n")
    assert made()["code"] == {"commit": git("rev-parse", "HEAD"), "clean": False}


def test_a_copy_inside_of_another_checkout_has_no_commit(monkeypatch):
    monkeypatch.setattr(record, "_git", lambda root, *arguments: str(root.parent))
    assert made()["code"] == {"commit": None, "clean": None}


def test_without_git_nothing_is_said_of_the_code(monkeypatch):
    def missing(*arguments, **options):
        raise FileNotFoundError

    monkeypatch.setattr(record.subprocess, "run", missing)
    assert made()["code"] == {"commit": None, "clean": None}
