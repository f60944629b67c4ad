"""A record says what made the files beside it, and nothing that is no longer true."""

import json
import sys
from pathlib import Path

import pytest

from linvae.files import DamagedFileError
from linvae.program import run
from linvae.record import Record, find_records, recording


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("input.txt").write_text("data")
    Path("out").mkdir()


PATHS = ["input.txt", "out/a.txt", "out/b.txt"]


def make(spec="{}", rule="job", files=("out/a.txt", "out/b.txt")):
    with recording(rule, spec, PATHS):
        for file in files:
            Path(file).with_suffix(".part").write_text(spec or "by hand")
            Path(file).with_suffix(".part").rename(file)


def test_a_record_names_outputs_inputs_and_specification():
    make('{"b":  1}')
    (record,) = find_records(".")
    assert record.outputs == ["out/a.txt", "out/b.txt"]
    assert record.inputs == ["input.txt"]
    assert record.checksums == {
        "input.txt": "sha256:3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"
    }
    assert (record.rule, record.spec) == ("job", '{"b":  1}')
    assert record.file == Path("out/.made/a.txt.json")


def test_the_same_job_leaves_the_same_bytes():
    make()
    before = Path("out/.made/a.txt.json").read_bytes()
    make()
    assert Path("out/.made/a.txt.json").read_bytes() == before


@pytest.mark.parametrize("outputs_are_gone", [True, False])
def test_while_a_job_runs_and_after_it_failed_there_is_no_record(outputs_are_gone):
    make()
    for file in ("out/a.txt", "out/b.txt") if outputs_are_gone else ():
        Path(file).unlink()

    def fail():
        with recording("job", "{}", PATHS):
            assert not list(find_records("."))
            Path("out/a.txt").write_text("half")
            raise OSError("full")  # noqa: EM101

    with pytest.raises(OSError, match="full"):
        fail()
    assert not list(find_records("."))


def test_an_input_keeps_its_own_record():
    make()
    with recording("reader", "{}", ["out/a.txt", "out/b.txt", "out/c.txt"]):
        Path("out/c.txt").write_text("c")
    first, second = sorted(find_records("."), key=lambda record: record.rule)
    assert first.outputs == ["out/a.txt", "out/b.txt"]
    assert (second.inputs, second.outputs) == (["out/a.txt", "out/b.txt"], ["out/c.txt"])


def test_what_is_made_by_hand_has_no_record():
    make()
    make(spec=None)
    assert not list(find_records("."))


def test_another_makers_record_replaces_the_first():
    make(rule="train")
    for file in ("out/a.txt", "out/b.txt"):
        Path(file).unlink()
    make(rule="solve", spec='{"x": 1}')
    (record,) = find_records(".")
    assert record.rule == "solve"


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "null",
        "[1]",
        "{}",
        {"outputs": []},
        {"outputs": ["out/b.txt"]},
        {"outputs": "out/a.txt"},
        {"inputs": [1]},
        {"inputs": None},
        {"checksums": []},
        {"checksums": {"input.txt": 1}},
        {"spec": {}},
        {"more": 1},
    ],
)
def test_damage_is_told_and_hides_no_other_record(damage):
    make()
    file = Path("out/.made/a.txt.json")
    if isinstance(damage, dict):
        damage = json.dumps(json.loads(file.read_text()) | damage)
    file.write_text(damage)
    with recording("other", "{}", ["other.txt"]):
        Path("other.txt").write_text("other")
    damaged, other = sorted(find_records("."), key=lambda found: isinstance(found, Record))
    assert isinstance(damaged, DamagedFileError)
    assert "out/.made/a.txt.json is damaged" in str(damaged)
    assert other.rule == "other"


def test_leftovers_of_a_killed_writer_are_no_records():
    make()
    Path("out/.made/.a.txt.json.part-host-1.json").write_text("{")
    assert len(list(find_records("."))) == 1


def test_a_program_records_its_specification_to_the_letter(monkeypatch):
    def main(spec: dict, data: list[str], result: str) -> None:
        Path(result).write_text(f"{spec['code']} {len(data)}")

    monkeypatch.setattr("linvae.program.require_planned", lambda *_: None)
    text = '{"code":   "c", "x": 1e0}'
    arguments = ["--spec", text, "--data", "input.txt", "input.txt", "--result", "out/r.txt"]
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    run(main)
    (record,) = find_records(".")
    assert (record.rule, record.spec) == ("test_record", text)
    assert record.inputs == ["input.txt", "input.txt"]
    assert record.outputs == ["out/r.txt"]
