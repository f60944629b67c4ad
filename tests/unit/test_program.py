"""Every script: what its job says, threads, what made its outputs, and one line for an error."""

import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from linvae.jobs import program
from linvae.jobs.job import Job, text_hash, write_job


@pytest.fixture
def call(monkeypatch, tmp_path):
    """Function that runs a main on a job in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    # Of a function of a test there is no script whose code could be compared.
    for name in ("require_code", "require_covered"):
        monkeypatch.setattr(program, name, lambda *_: None)
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def run(main, settings=None, inputs=None, files=None, **more):
        job = Job("program", "results/{address}", settings or {}, inputs or {}, files or {}, "0")
        job = Job(**{**job.to_dict(), **more})
        write_job(job)
        monkeypatch.setattr("sys.argv", ["program", job.address])
        program.run(main)
        return job

    return run


def test_a_program_is_given_settings_inputs_and_outputs_by_name(call):
    got = {}

    def main(settings: dict, inputs: list[str], data: str, extra: list[str], model: str) -> None:
        got.update(settings=settings, inputs=inputs, data=data, extra=extra, model=model)

    settings = {"a": [1, "two"], "quote": "'\" $ {"}
    inputs = {"inputs": ["a", "b"], "data": "c", "extra": []}
    job = call(main, settings, inputs, {"model": "m-{address}.npz"})
    assert got == {
        "settings": settings,
        **inputs,
        "model": f"results/{job.address}/m-{job.address}.npz",
    }


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--spec", "{}"]])
def test_wrong_options_are_refused(monkeypatch, capsys, arguments):
    monkeypatch.setattr("sys.argv", ["program", *arguments])
    with pytest.raises(SystemExit) as caught:
        program.run(lambda: None)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_job_that_was_not_planned_is_one_line(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["program", "0123456789ab"])
    with pytest.raises(SystemExit) as caught:
        program.run(lambda: None)
    assert caught.value.code == (
        "error: .snakemake/linvae/jobs/0123456789ab.json: No such file or directory; run the same "
        "command again, which plans the job anew"
    )


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
def test_an_error_is_one_line(call, error, expected):
    def main(settings: dict) -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        call(main)
    assert expected in str(caught.value.code)
    assert "\n" not in str(caught.value.code)


def test_a_bug_keeps_its_traceback(call):
    def main(settings: dict) -> None:
        raise KeyError("bug")  # noqa: EM101

    with pytest.raises(KeyError):
        call(main)


def test_an_interruption_is_one_line(call, capsys):
    def main(settings: dict) -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        call(main)
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted: the same command goes on from here\n"


def test_a_job_that_is_told_to_end_is_interrupted(call, capsys):
    def main(settings: dict) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as caught:
            call(main)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == 130
    assert capsys.readouterr().err.startswith("interrupted: ")


def test_what_made_the_outputs_lies_beside_them(call, tmp_path):
    def main(settings: dict, table: str) -> None:
        (tmp_path / table).parent.mkdir(parents=True)
        (tmp_path / table).write_text("1")

    job = call(main, {"k": 3}, files={"table": "table.csv", "made": "made.json"})
    made = json.loads((tmp_path / job.outputs["made"]).read_text())
    assert made["address"] == job.address
    assert Job.from_dict(made["job"]) == job
    assert made["computed"]["versions"]["numpy"]


def test_a_job_that_fails_leaves_nothing_of_what_made_it(call, tmp_path):
    def main(settings: dict) -> None:
        raise ValueError

    with pytest.raises(SystemExit):
        call(main, files={"made": "made.json"})
    assert list(tmp_path.glob("results/**/made.json")) == []


def test_texts_of_the_workflow_are_read_and_compared(call, monkeypatch, tmp_path):
    script = tmp_path / "workflow" / "scripts" / "program.py"
    text = tmp_path / "workflow" / "report" / "page.html"
    text.parent.mkdir(parents=True)
    text.write_text("ä\n", encoding="utf-8")
    monkeypatch.setattr(program.inspect, "getmodule", lambda _: type("m", (), {"__file__": script}))
    got = []

    def main(settings: dict, template: str) -> None:
        got.append(template)

    hashes = {"template": text_hash("ä")}
    files = {"template": "report/page.html"}
    call(main, texts=hashes, text_files=files)
    assert got == ["ä"]
    text.write_text("other")
    with pytest.raises(SystemExit, match=r"page.html has changed since this run was planned"):
        call(main, texts=hashes, text_files=files)


THREADS = """
import sys
from linvae.jobs import program
program.require_code = program.require_covered = lambda *_: None

def main(settings):
    from threadpoolctl import threadpool_info
    import numpy, scipy.linalg, torch
    print(sorted({found["num_threads"] for found in threadpool_info()}), torch.get_num_threads())

program.run(main)
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_job_computes_with_its_own_number_of_threads(tmp_path, threads):
    job = Job("program", "results", {"threads": threads}, {}, {}, "0")
    write_job(job, tmp_path / ".snakemake" / "linvae" / "jobs")
    (tmp_path / "script.py").write_text(THREADS)
    # As Snakemake sets it, by its own count of cores.
    other = {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3", "MKL_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "script.py", job.address],
        cwd=tmp_path,
        env=os.environ | other,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"[{threads}] {threads}\n", done.stderr
