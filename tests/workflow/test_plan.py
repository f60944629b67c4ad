"""The plan counts what is left: nothing of a finished study, and what an edit leaves."""

import re
import subprocess
import sys


def plan(project, *arguments):
    """Lines that the plan prints."""
    done = subprocess.run(
        [sys.executable, "workflow/scripts/plan.py", project.overlay, *arguments],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    study, *lines = done.stdout.splitlines()
    assert study == "The study tiny, whose results go to results/tiny/."
    return lines


def test_a_finished_study_has_nothing_left_and_a_lost_run_is_one_job_more(project):
    (line,) = plan(project)
    assert re.fullmatch(r"Left to compute: 0 jobs, 0 of them trainings, of \d+ in .*", line)
    folder = project.folder / project.run_folder("tiny-naive", "learned-1")
    for path in (folder / "model.safetensors", folder / "curve.csv"):
        path.unlink()
    head, _, row, *_, longest, end = plan(project, "--jobs", "3")
    assert re.match(r"Left to compute: \d+ jobs, 1 of them trainings, ", head)
    assert row.split()[:2] == ["tiny-naive", "1"]
    assert longest.startswith("Longest job: ")
    assert end.startswith("With --jobs 3: ")


def test_all_of_a_study_is_left_before_it_runs(fresh):
    head, _, *rows = plan(fresh)
    left, training, of_study = map(int, re.findall(r"\d+", head))
    assert left > training == of_study
    counts = {row.split()[0]: row.split()[1] for row in rows}
    # Three arms, and a run whose latents are reopened.
    assert (counts["grafts"], counts["likelihood"]) == ("4", "2")


def test_a_results_link_that_leads_nowhere_is_named_before_anything_is_planned(fresh):
    (fresh.folder / "results").symlink_to("/nowhere/at/all")
    done = fresh.snakemake("-n", check=False)
    assert done.returncode != 0
    (line,) = [line for line in done.stdout.splitlines() if "/nowhere" in line]
    assert line.startswith("error: results is a link to /nowhere/at/all, which is not there")
