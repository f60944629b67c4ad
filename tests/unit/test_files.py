"""Files are whole or absent, damaged ones are named, and nothing is unpickled."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from linvae.files import (
    DamagedFileError,
    read_arrays,
    read_json,
    read_last,
    write_arrays,
    write_csv,
    write_json,
    write_text,
)
from linvae.jobs.atomic import discard_leftovers, replacing

ARRAYS = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], dtype=np.uint8)}


def dead_pid():
    """Id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leftover(path, pid, host=None):
    host = host or socket.gethostname()
    part = path.with_name(f".{path.name}.part-{host}-{pid}{path.suffix}")
    part.write_text("half")
    return part


def test_a_failed_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["x.json"]


def test_nobody_sees_a_half_written_file(tmp_path):
    path = tmp_path / "sub" / "x.txt"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
    assert path.read_text() == "half"


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls, sync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        calls.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    def replaced(source, target):
        calls.append(str(target))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    with replacing(tmp_path / "x.txt") as temporary:
        temporary.write_text("whole")
        inode = temporary.stat().st_ino
    assert calls == [inode, str(tmp_path / "x.txt")]


def test_what_killed_writers_left_is_removed_and_others_work_is_not(tmp_path):
    path = tmp_path / "x.npz"
    dead = leftover(path, dead_pid())
    alive = leftover(path, os.getppid())
    elsewhere = leftover(path, dead_pid(), host="another-machine")
    other = leftover(tmp_path / "y.npz", dead_pid())
    write_arrays(path, **ARRAYS)
    assert not dead.exists()
    assert all(part.exists() for part in (alive, elsewhere, other))


def test_a_name_with_pattern_characters_is_taken_literally(tmp_path):
    path = tmp_path / "[ab].csv"
    dead = leftover(path, dead_pid())
    discard_leftovers(path)
    assert not dead.exists()


def test_a_full_disk_names_the_target(tmp_path):
    with pytest.raises(OSError, match="No space") as caught, replacing(tmp_path / "x.npz"):
        raise OSError(28, "No space left on device")
    assert caught.value.filename == str(tmp_path / "x.npz")


def test_the_name_of_another_file_is_kept(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "x.npz"):
        (tmp_path / "input").read_text()
    assert caught.value.filename == str(tmp_path / "input")


def test_arrays_come_back_and_their_bytes_repeat(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, **ARRAYS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_a_damaged_array_file_is_never_a_wrong_result(tmp_path, position):
    path = tmp_path / "x.npz"
    write_arrays(path, **ARRAYS)
    content = bytearray(path.read_bytes())
    content[len(content) * position // 100] ^= 0x10
    path.write_bytes(content)
    try:
        found = read_arrays(path)
    except DamagedFileError as error:
        message = str(error)
    else:  # a byte that means nothing, such as a date
        assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
        return
    assert message.startswith(f"{path} is damaged")
    assert message.endswith("delete it and run again")


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all"])
def test_what_is_no_array_file_is_named(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"x\.npz is damaged"):
        read_arrays(path)


def test_a_missing_file_is_missing_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "x.npz")


class Payload:
    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_pickles_are_refused_unread(tmp_path):
    trap = tmp_path / "executed"
    np.savez(tmp_path / "x.npz", a=np.array([Payload(trap)], dtype=object))
    with pytest.raises(DamagedFileError, match="allow_pickle=False"):
        read_arrays(tmp_path / "x.npz")
    assert not trap.exists()


def test_json_is_sorted_exact_and_finite(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"b": 0.1 + 0.2, "a": [1]})
    assert path.read_text() == '{\n  "a": [\n    1\n  ],\n  "b": 0.30000000000000004\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path)["a"] == [1]


def test_damaged_json_is_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"a": 1})[:-2])
    with pytest.raises(DamagedFileError, match=r"x\.json is damaged .*delete it"):
        read_json(path)


def test_tables_keep_every_digit(tmp_path):
    table = pd.DataFrame({"x": [0.1 + 0.2, 1e-300, -np.pi], "n": [1, 2, 3]})
    write_csv(tmp_path / "x.csv", table)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "x.csv"), table, check_exact=True)


def test_the_last_number_of_a_column_is_read(tmp_path):
    path = tmp_path / "x.csv"
    write_csv(path, pd.DataFrame({"step": [0, 7], "elbo": [-2.0, 0.1 + 0.2]}))
    assert (read_last(path, "step"), read_last(path, "elbo")) == (7, 0.1 + 0.2)


@pytest.mark.parametrize(
    "content", [b"", b"step,elbo\n", b"elbo\n1\n", b"elbo,step\n1\n", b"\xff\n"]
)
def test_a_table_without_a_last_number_is_damaged(tmp_path, content):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"x\.csv is damaged .*'step'.*delete it"):
        read_last(path, "step")


def test_text_ends_with_one_newline(tmp_path):
    write_text(tmp_path / "x.md", "a\n\n")
    assert (tmp_path / "x.md").read_bytes() == b"a\n"
