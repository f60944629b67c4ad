"""Checkpoints: round trip, damage, other specifications, takeover."""

import logging

import pandas as pd
import pytest
import torch

from linvae.training.checkpoint import Checkpoint, Superseded

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(2.5, dtype=torch.float64)}
CURVE = pd.DataFrame({"step": [0, 1], "kl": [0.1, 1 / 3]})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "checkpoint.safetensors"


def test_what_is_saved_is_loaded(path):
    checkpoint = Checkpoint(path, "spec")
    assert checkpoint.load() is None
    checkpoint.save(TENSORS, 7, CURVE)
    tensors, step = Checkpoint(path, "spec").load()
    assert step == 7
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())


def test_saving_leaves_no_temporary_file(path):
    Checkpoint(path, "spec").save(TENSORS, 1, CURVE)
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "checkpoint.owner",
        "checkpoint.safetensors",
        "curve.partial.csv",
    ]


def test_the_curve_so_far_can_be_looked_at_until_the_job_ends(path):
    checkpoint = Checkpoint(path, "spec")
    checkpoint.save(TENSORS, 7, CURVE)
    partial = path.with_name("curve.partial.csv")
    pd.testing.assert_frame_equal(pd.read_csv(partial), CURVE)
    checkpoint.save(TENSORS, 8, CURVE[:1])
    assert len(pd.read_csv(partial)) == 1
    checkpoint.remove()
    assert list(path.parent.iterdir()) == []


def test_time_between_checkpoints_is_given_or_of_the_environment(path, monkeypatch):
    monkeypatch.delenv("LINVAE_CHECKPOINT_SECONDS", raising=False)
    assert Checkpoint(path, "spec").seconds == 20
    monkeypatch.setenv("LINVAE_CHECKPOINT_SECONDS", "0.5")
    assert Checkpoint(path, "spec").seconds == 0.5
    assert Checkpoint(path, "spec", seconds=0).seconds == 0


def test_another_specification_is_ignored_with_a_warning(path, caplog):
    Checkpoint(path, "old").save(TENSORS, 7, CURVE)
    assert Checkpoint(path, "new").load() is None
    assert "other settings or code" in caplog.text


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "flip header"])
def test_a_damaged_file_is_set_aside_with_a_warning(path, caplog, damage):
    checkpoint = Checkpoint(path, "spec")
    checkpoint.save(TENSORS, 7, CURVE)
    content = path.read_bytes()
    path.write_bytes(
        {
            "truncate": content[:-5],
            "garbage": b"no tensors here" * 10,
            "empty": b"",
            "flip header": content[:12] + b"\xff" + content[13:],
        }[damage]
    )
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
    assert "is damaged" in caplog.text
    assert not path.exists()
    assert path.with_suffix(".damaged").exists()
    checkpoint.save(TENSORS, 8, CURVE)
    assert checkpoint.load()[1] == 8


def test_the_newer_process_owns_the_job(path):
    old = Checkpoint(path, "spec")
    old.save(TENSORS, 1, CURVE)
    new = Checkpoint(path, "spec")
    with pytest.raises(Superseded, match="taken over"):
        old.save(TENSORS, 2, CURVE)
    with pytest.raises(Superseded):
        old.require_ownership()
    assert new.load()[1] == 1
    new.save(TENSORS, 3, CURVE)


def test_an_orphan_that_ends_leaves_the_newer_process_its_checkpoint(path):
    orphan, newer = Checkpoint(path, "spec"), Checkpoint(path, "spec")
    newer.save(TENSORS, 3, CURVE)
    orphan.remove()
    newer.require_ownership()
    assert path.exists()
    newer.remove()
    assert list(path.parent.iterdir()) == []


def test_an_orphan_of_a_finished_job_stops(path):
    old = Checkpoint(path, "spec")
    new = Checkpoint(path, "spec")
    new.save(TENSORS, 3, CURVE)
    new.remove()
    with pytest.raises(Superseded, match="a process that has finished it"):
        old.require_ownership()
    assert list(path.parent.iterdir()) == []
