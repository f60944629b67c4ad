"""Edits while a study runs, or while its jobs wait in a queue: one line, nothing written."""

import subprocess
import time

import pytest

# Imported by every Python of the project at its start, and part of no program: the job named waits
# while a file `hold` is there, so that a test can edit what jobs after it will run.
HOLD = """
import pathlib, sys, time
if any("scripts/preprocess.py" in argument for argument in sys.orig_argv):
    pathlib.Path("held").touch()
    while pathlib.Path("hold").exists():
        time.sleep(0.05)
"""


def wait_for(file):
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def edit(text):
    return text + "\n_EDITED = True\n"


def comment(text):
    return text + "\n# Edited.\n"


@pytest.fixture
def targets(project):
    """Code that is edited, or commented, and a file that it makes, which is not there now."""
    edited = {
        "src/linvae/training/objectives.py": project.run_file(
            "model.safetensors", "tiny-sampled", "learned-1"
        ),
        "src/linvae/plots/fig6_latent_dim.py": made(project, "report/figures/fig6*/*/*.csv"),
        "workflow/scripts/restarts.py": made(project, "restarts/*/*/restarts.csv"),
    }
    commented = {"src/linvae/landscape/maxima_table.py": made(project, "ppca/*/*/*/maxima.csv")}
    held = made(project, "data/mnist-pixels*/*/data.npz")
    for path in (held, *edited.values(), *commented.values()):
        (project.folder / path).unlink()
    return edited, commented, held


def made(project, pattern):
    (path,) = project.folder.glob(f"results/{pattern}")
    return str(path.relative_to(project.folder))


def test_an_edit_while_a_study_runs_stops_the_jobs_that_it_reaches(finished, project, targets):
    folder, (edited, commented, held) = project.folder, targets
    (folder / "src" / "sitecustomize.py").write_text(HOLD)
    files = [held, *edited.values(), *commented.values()]
    (folder / "hold").touch()
    command = project.command(*files, "--cores", "1", "--keep-going", "--prioritize", held)
    running = subprocess.Popen(
        command,
        cwd=folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(folder / "held")
    with project.edited({name: edit for name in edited} | {name: comment for name in commented}):
        # The overlay too, with what is no YAML: what runs was planned before.
        overlay = folder / project.overlay
        text = overlay.read_text()
        overlay.write_text("{")
        (folder / "hold").unlink()
        told, _ = running.communicate(timeout=120)
        overlay.write_text(text)
        assert running.returncode == 1
        for name, output in edited.items():
            line = f"error: {name} has changed since this run was planned; run the same command"
            assert line in told
            assert not (folder / output).exists()
        # From each job's log, and once more on the last screen.
        assert len(edited) <= told.count("has changed since") <= 2 * len(edited)
        assert "Traceback" not in told
        for output in (held, *commented.values()):
            assert (folder / output).exists()
    project.snakemake("--cores", "2")
    assert project.computed() == finished.computed()


def submitting(project, change):
    """Options under which each job of a cluster finds something changed when it starts."""
    submit = project.folder / "submit.sh"
    submit.write_text(f'{change}; bash "$1" > submitted.log 2>&1; echo 1\n')
    return [
        *("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "bash submit.sh"),
        *("--seconds-between-status-checks", "1", "--jobs", "1", "--retries", "0"),
    ]


def test_a_cluster_runs_what_was_planned_too(project, targets):
    # There each job starts Snakemake again, which would find the edited code to be its plan.
    (name, output), *_ = targets[0].items()
    options = submitting(project, f'echo "EDITED = 1" >> {name}')
    done = project.snakemake(output, *options, check=False)
    assert done.returncode != 0
    assert f"error: {name} has changed since this run was planned" in done.stdout
    assert not (project.folder / output).exists()


@pytest.mark.parametrize(
    "change",
    [
        "echo 'threads: 2' >> config/tiny.yaml",
        "echo 'models: {}' > config/tiny.yaml",
        "echo 'nonsense: 1' >> config/tiny.yaml",
    ],
    ids=["threads", "models", "key"],
)
def test_an_overlay_that_is_edited_while_jobs_queue_changes_none_of_them(
    finished, project, targets, change
):
    output = next(iter(targets[0].values()))
    project.snakemake(output, *submitting(project, change))
    assert (project.folder / output).read_bytes() == (finished.folder / output).read_bytes()


def test_an_overlay_that_is_broken_while_jobs_queue_is_one_line(finished, project, targets):
    output = next(iter(targets[0].values()))
    text = (project.folder / project.overlay).read_text()
    options = submitting(project, "echo '{' > config/tiny.yaml")
    done = project.snakemake(output, *options, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not (project.folder / output).exists()
    (project.folder / project.overlay).write_text(text)
    project.snakemake(output, "--cores", "1")
    assert (project.folder / output).read_bytes() == (finished.folder / output).read_bytes()
