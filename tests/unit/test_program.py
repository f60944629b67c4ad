"""Every script: options from a signature, and one clear line for an error."""

import errno
import json

import pytest

from linvae.program import run


def call(monkeypatch, main, *arguments):
    monkeypatch.setattr("sys.argv", ["program", *arguments])
    run(main)


def test_options_come_from_the_signature(monkeypatch):
    got = {}

    def main(spec: dict, inputs: list[str], model_file: str, extra: str = "none") -> None:
        got.update(spec=spec, inputs=inputs, model_file=model_file, extra=extra)

    spec = {"a": [1, "two"], "quote": "'\" $ {"}
    arguments = ["--spec", json.dumps(spec), "--inputs", "a", "b", "--model-file", "m"]
    call(monkeypatch, main, *arguments)
    assert got == {"spec": spec, "inputs": ["a", "b"], "model_file": "m", "extra": "none"}


def test_a_list_may_be_empty(monkeypatch):
    got = []

    def main(data: list[str], model: str) -> None:
        got.append((data, model))

    call(monkeypatch, main, "--data", "--model", "m")
    assert got == [([], "m")]


@pytest.mark.parametrize("arguments", [[], ["--spec", "{"], ["--spec", "{}", "--other", "1"]])
def test_wrong_options_are_refused(monkeypatch, capsys, arguments):
    def main(spec: dict) -> None:
        raise AssertionError

    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, main, *arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("k=0 is wrong"), "error: k=0 is wrong"),
        (FloatingPointError("the loss is nan"), "error: the loss is nan"),
        (RuntimeError("taken over"), "error: taken over"),
        (MemoryError("2 GiB"), "error: out of memory (2 GiB)"),
        (
            OSError(errno.ENOSPC, "No space left on device", "results/x.npz"),
            "error: results/x.npz: No space left on device; the disk is full: free some space",
        ),
        (OSError(errno.EROFS, "Read-only file system", "x"), "make results/ writable"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "no permission"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), "error: x: No such"),
    ],
)
def test_an_error_is_one_line(monkeypatch, error, expected):
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, main)
    assert expected in str(caught.value.code)
    assert "\n" not in str(caught.value.code)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def main() -> None:
        raise KeyError("bug")  # noqa: EM101

    with pytest.raises(KeyError):
        call(monkeypatch, main)


def test_an_interruption_is_one_line(monkeypatch, capsys):
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        call(monkeypatch, main)
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted: the same command goes on from here\n"
