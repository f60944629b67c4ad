"""An address stands for all that decides a result, and for nothing else."""

import json
import re
from dataclasses import replace

import pytest

from linvae.jobs.job import Job, MissingJobError, read_job, write_job

JOB = Job(
    "train_deep",
    "results/train/deep/{address}",
    {"seed": 0, "threads": 2},
    {"data": "results/data/a/0123456789ab/data.npz", "spectrum": []},
    {"model": "model.safetensors", "stamp": "finished-{address}.txt"},
    "0123456789abcdef",
)


def test_paths_hold_the_address():
    assert re.fullmatch("[0-9a-f]{12}", JOB.address)
    assert JOB.folder == f"results/train/deep/{JOB.address}"
    assert JOB.outputs == {
        "model": f"{JOB.folder}/model.safetensors",
        "stamp": f"{JOB.folder}/finished-{JOB.address}.txt",
    }
    assert list(JOB.input_files()) == ["results/data/a/0123456789ab/data.npz"]
    assert JOB.threads == 2


@pytest.mark.parametrize(
    "change",
    [
        {"program": "train_linear"},
        {"place": "results/train/other/{address}"},
        {"settings": {"seed": 1, "threads": 2}},
        {"settings": {"seed": 0, "threads": 1}},
        {"inputs": {"data": "results/data/a/0123456789ac/data.npz", "spectrum": []}},
        {"files": {"model": "model.safetensors"}},
        {"code": "0123456789abcdee"},
        {"modules": ("linvae.linear.elbo",)},
        {"texts": {"template": "0"}},
        {"checked": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_a_result_changes_its_address(change):
    assert replace(JOB, **change).address != JOB.address


def test_the_code_of_a_job_that_is_checked_is_no_part_of_its_address():
    checked = replace(JOB, checked=True)
    assert checked.address != JOB.address
    assert replace(checked, code="1").address == checked.address
    assert replace(checked, settings={}).address != checked.address


def test_the_order_of_keys_changes_no_address():
    assert replace(JOB, settings={"threads": 2, "seed": 0}).address == JOB.address


def test_a_job_is_kept_and_found_by_its_address(tmp_path):
    write_job(JOB, tmp_path)
    found = read_job(JOB.address, tmp_path)
    assert found == JOB
    assert found.address == JOB.address


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"program": 1}', "other"])
def test_a_damaged_job_is_told_in_one_line_and_planned_anew(tmp_path, damage):
    write_job(JOB, tmp_path)
    path = tmp_path / f"{JOB.address}.json"
    if damage == "other":
        damage = json.dumps(JOB.to_dict() | {"code": "1"})
    path.write_text(damage)
    with pytest.raises(MissingJobError, match="run the same command again") as caught:
        read_job(JOB.address, tmp_path)
    assert "\n" not in str(caught.value)
    # What is not there is written by the next plan.
    assert path.exists() == (damage != "" and "code" in damage)
