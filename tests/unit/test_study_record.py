"""What is kept of a study: the table of its runs, and its record."""

import json

import pandas as pd
import pytest
from lying import TRAINED, path_of

from linvae.files import write_csv, write_json
from linvae.inputs import Inputs
from linvae.naming import Product, Run, parse_run
from linvae.report.runs import runs_table
from linvae.report.study_record import study_record

RUNS = [
    Run("deep", "mnist-logit-first60-test20", 3, "fixed-0.1", 1),
    Run("linear.v2", "mnist-pixels-all", 200, "learned-1", 0),
]
COLUMNS = ["model", "data", "n_latent", "noise", "seed", "folder", "metrics"]
PROVENANCE = {"label": "made-up images", "train_sha256": "0a" * 32}
CLAIMS = path_of(Product("claims.json"))
COMPUTED = {
    "commit": "0123abc",
    "clean": True,
    "versions": {"numpy": "2.0", "torch": None},
    "platform": {"system": "Linux"},
}


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [path_of(Product("metrics.json", run=run)) for run in RUNS]
    return Inputs([*paths, path_of(Product("curve.csv", run=RUNS[1])), CLAIMS])


def test_every_run_has_its_row_with_its_folder_and_its_metrics(inputs):
    table = runs_table(inputs)
    assert list(table.columns) == COLUMNS
    assert len(table) == len(RUNS)
    for row, run in zip(table.to_dict("records"), RUNS, strict=True):
        assert row["folder"] == f"results/train/{run}/{TRAINED}"
        assert parse_run(row["metrics"]) == parse_run(row["folder"]) == run
        assert {name: row[name] for name in COLUMNS[:5]} == {
            name: getattr(run, name) for name in COLUMNS[:5]
        }
        # The measurement's folder is where the metrics lie, not where the weights are.
        assert row["metrics"] == path_of(Product("metrics.json", run=run))
        assert row["folder"] == path_of(Product("model.safetensors", run=run)).rsplit("/", 1)[0]


def test_the_table_survives_its_file(inputs):
    table = runs_table(inputs)
    write_csv("runs.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv("runs.csv"), table)


def test_a_study_without_runs_has_an_empty_table():
    table = runs_table(Inputs([CLAIMS]))
    assert table.empty
    assert list(table.columns) == COLUMNS


def made(**changes):
    """What lies beside a run's weights, of which the job itself is no part of the record."""
    return {"computed": COMPUTED | changes, "job": {"program": "solve"}, "address": "0123456789ab"}


def recorded(*found):
    return study_record({"name": "mine", "threads": 1}, "cpu", PROVENANCE, found)


def test_the_record_tells_the_whole_configuration_the_device_and_the_images(tmp_path):
    configuration = {"name": "mine", "models": {"deep": {"encoder": {"hidden": [8, 6]}}}}
    found = study_record(configuration, "cuda", PROVENANCE, [made()])
    assert found["name"] == "mine"
    assert found["configuration"] == configuration
    assert found["device"] == "cuda"
    assert found["data"] == PROVENANCE
    write_json(tmp_path / "study.json", found)
    assert json.loads((tmp_path / "study.json").read_text()) == found


def test_runs_that_were_computed_with_the_same_are_one_group():
    assert recorded(made(), made(), made())["computed"] == [COMPUTED | {"runs": 3}]
    assert recorded()["computed"] == []


@pytest.mark.parametrize(
    "other",
    [
        {"commit": "456789a"},
        {"clean": False},
        {"commit": None, "clean": None},
        {"versions": {"numpy": "2.1", "torch": None}},
        {"platform": {"system": "Darwin"}},
    ],
)
def test_runs_that_were_computed_with_something_else_are_another_group(other):
    found = recorded(made(**other), made(), made())["computed"]
    # The largest group comes first.
    assert found == [COMPUTED | {"runs": 2}, COMPUTED | other | {"runs": 1}]


def test_two_records_of_a_study_are_the_same_in_whatever_order_its_runs_come():
    runs = [made(), made(clean=False), made(commit="456789a"), made(clean=False)]
    assert json.dumps(recorded(*runs)) == json.dumps(recorded(*runs[::-1]))
