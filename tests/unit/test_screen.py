import logging

import pytest

from linvae.report.screen import Brief, brief_reason

FILES = [f"results/train/deep.{i:08d}/metrics.json" for i in range(200)]


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


def test_what_failed_is_told_briefly():
    failed = record(logging.ERROR, "Error in rule claims", input=FILES)
    assert failed.getMessage() == "Error in rule claims"
    assert failed.input == [*FILES[:2], "... and 198 more"]


def test_what_is_asked_for_stays_whole():
    printed = record(logging.INFO, "python a.py", input=FILES)
    assert (printed.msg, printed.input) == ("python a.py", FILES)
