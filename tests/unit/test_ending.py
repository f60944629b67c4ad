import pytest

from linvae.files import write_json
from linvae.report.ending import failure_lines, lacking_lines, success_lines

ERROR = """[Wed Nov 25 15:00:00 2026]
Error in rule {rule}:
    message: Training
    jobid: 3
    input: results/data/a.npz
    log: {log} (check log file(s) for error details)
    shell:
        python workflow/scripts/{rule}.py 0123456789ab
        (command exited with non-zero exit code)

[Wed Nov 25 15:00:01 2026]
Finished jobid: 4 (Rule: solve)
"""


def test_verdicts_are_counted_and_the_page_is_named(tmp_path):
    claims = [
        {"id": 1, "verdict": "supported"},
        {"id": 2, "verdict": "inconclusive"},
        {"id": 3, "verdict": "supported"},
    ]
    write_json(tmp_path / "claims.json", claims)
    lines = success_lines(tmp_path)
    text = "\n".join(lines)
    assert "2 supported: 1, 3\n" in text
    assert "0 not supported\n" in text
    assert "1 inconclusive: 2\n" in text
    assert lines[-1].endswith(f"{tmp_path}/index.html")
    assert len(lines) <= 10


def test_files_that_are_missing_though_no_job_failed_are_named():
    first, told, second, again = lacking_lines(["results/a.npz"])
    assert (first, second) == ("", "    results/a.npz")
    assert told.startswith("error: the study is not finished")
    assert "The same command goes on" in again


def test_of_many_missing_files_the_first_are_named():
    lines = lacking_lines([f"results/{i}.npz" for i in range(40)])
    assert sum(line.startswith("    results/") for line in lines) == 5
    assert any("and 35 more" in line for line in lines)
    assert "more" not in "".join(lacking_lines([f"results/{i}.npz" for i in range(5)]))


def test_a_failed_job_is_told_with_the_last_lines_of_its_log(tmp_path):
    own = tmp_path / "own.log"
    own.write_text("".join(f"line {i}\n" for i in range(20)) + "\nerror: the disk is full\n")
    text = "\n".join(failure_lines(ERROR.format(rule="train_deep", log=own)))
    assert f"Failed: train_deep, whose log ends ({own}):" in text
    assert "    error: the disk is full" in text
    assert "line 16" in text
    assert "line 15" not in text
    assert "workflow/scripts" not in text


def test_a_job_that_failed_twice_is_told_once(tmp_path):
    own = tmp_path / "own.log"
    own.write_text("")
    log = ERROR.format(rule="fetch", log=own)
    text = "\n".join(failure_lines(log + log))
    assert text.count("Failed:") == 1
    assert "(it is empty)" in text


def test_of_many_jobs_the_first_are_told(tmp_path):
    log = "".join(ERROR.format(rule="solve", log=tmp_path / f"{i}.log") for i in range(8))
    lines = failure_lines(log)
    assert sum(line.startswith("Failed:") for line in lines) == 3
    assert any("and 5 more" in line for line in lines)


def test_without_a_failed_job_the_run_was_stopped():
    assert "stopped" in failure_lines("Finished jobid: 4 (Rule: solve)\n")[1]


@pytest.mark.parametrize(
    "last", ["interrupted: the same command goes on from here", "KeyboardInterrupt"]
)
def test_ctrl_c_is_no_failure(tmp_path, last):
    stopped, failed = tmp_path / "stopped.log", tmp_path / "failed.log"
    stopped.write_text(f"training\n{last}\n")
    failed.write_text("error: the disk is full\n")
    log = ERROR.format(rule="train_deep", log=stopped)
    lines = failure_lines(log)
    assert lines[1] == "The run was stopped before its end."
    assert not any(line.startswith(("Failed", "Mend")) for line in lines)
    both = failure_lines(log + ERROR.format(rule="solve", log=failed))
    assert [line.split(",")[0] for line in both if line.startswith("Failed")] == ["Failed: solve"]
