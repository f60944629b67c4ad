import logging
import shlex

import pytest

from linvae.report.screen import Brief, brief_reason, without_spec

FILES = [f"results/train/deep.{i:08d}/metrics.json" for i in range(200)]
SPEC = '{"code": "1", "note": "it\'s {a} \\"b\\"", "model": {"hidden": [256]}}'
COMMAND = f"python workflow/scripts/solve.py --spec {shlex.quote(SPEC)} --model a.npz > b.log 2>&1"
SHORT = "python workflow/scripts/solve.py --spec ... --model a.npz > b.log 2>&1"


def record(level, msg, **extra):
    made = logging.LogRecord("snakemake.logging", level, __file__, 1, msg, None, None)
    vars(made).update(extra)
    assert Brief().filter(made)
    return made


def test_a_reason_names_the_first_files_of_each_kind():
    reason = f"Missing output files: a.json; Updated input files: {', '.join(FILES)}"
    assert brief_reason(reason) == (
        f"Missing output files: a.json; Updated input files: {FILES[0]}, {FILES[1]}, "
        "... and 198 more"
    )


@pytest.mark.parametrize(
    "reason",
    [
        "Forced execution",
        "Missing output files: a, b, c",
        "Missing output files: a; Code has changed since last execution",
        "Updated input files: a, b, ... and 7 more",
    ],
)
def test_a_short_reason_stays(reason):
    assert brief_reason(reason) == reason


def test_specifications_are_left_out_of_a_reason():
    reason = (
        "Set of input files has changed since last execution; Params have changed since last "
        f"execution: Union of exclusive params: before: {SPEC}; now: {SPEC}"
    )
    expected = "Set of input files has changed since last execution; Params have changed since"
    assert brief_reason(reason) == f"{expected} last execution"
    software = "Software environment definition has changed since last execution"
    assert brief_reason(f"{reason}; {software}") == f"{expected} last execution; {software}"


@pytest.mark.parametrize("told", [COMMAND, f"Command '{COMMAND}' returned 1", repr(COMMAND)])
def test_a_command_is_told_without_its_specification(told):
    found = without_spec(f"{told}\nthe next line {{stays}}")
    assert "hidden" not in found
    assert SHORT in found
    assert found.endswith("\nthe next line {stays}")


def test_what_failed_is_told_briefly():
    failed = record(logging.ERROR, f"CalledProcessError: {COMMAND}", shellcmd=COMMAND, input=FILES)
    assert failed.shellcmd == SHORT
    assert failed.getMessage() == f"CalledProcessError: {SHORT}"
    assert failed.input == [*FILES[:2], "... and 198 more"]


def test_what_is_asked_for_stays_whole():
    printed = record(logging.INFO, COMMAND, shellcmd=COMMAND, input=FILES)
    assert (printed.msg, printed.shellcmd, printed.input) == (COMMAND, COMMAND, FILES)
