"""What is there is what it is said to be: caches that could lie, and do not."""

import shutil
import subprocess
import time

# Imported by every Python of the project at its start, and part of no program: the one job named
# waits while a file `hold` is there, so that a test can edit what jobs after it will run.
HOLD = """
import pathlib, sys, time
if any("scripts/preprocess.py" in argument for argument in sys.orig_argv):
    pathlib.Path("held").touch()
    while pathlib.Path("hold").exists():
        time.sleep(0.05)
"""
HELD = "results/data/mnist-pixels-first60/data.npz"
TRAIN = "results/train/{}/mnist-logit-first60/k3/learned-1/seed0"
# Code, and an output that it makes: a module of training, a module of a figure, a script.
EDITED = {
    "src/linvae/training/objectives.py": f"{TRAIN.format('tiny-sampled')}/model.safetensors",
    "src/linvae/plots/fig6_latent_dim.py": "results/figures/fig6_latent_dim.csv",
    "workflow/scripts/restarts.py": "results/restarts/mnist-logit-first60/k3.csv",
}
COMMENTED = {"src/linvae/evaluation/maxima.py": "results/ppca/mnist-logit-first60.csv"}
SUFFIXES = (".json", ".csv", ".safetensors", ".npz", ".md", ".png")


def wait_for(file):
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def edit(text):
    return text + "\n_EDITED = True\n"


def comment(text):
    return text + "\n# Edited.\n"


def test_an_edit_while_a_study_runs_stops_the_jobs_that_it_reaches(project):
    folder = project.folder
    expected = project.results(*SUFFIXES)
    (folder / "src" / "sitecustomize.py").write_text(HOLD)
    targets = [HELD, *EDITED.values(), *COMMENTED.values()]
    for name in targets:
        (folder / name).unlink()
    (folder / "hold").touch()
    command = project.command(*targets, "--cores", "1", "--keep-going", "--prioritize", HELD)
    running = subprocess.Popen(
        command,
        cwd=folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(folder / "held")
    with project.edited({name: edit for name in EDITED} | {name: comment for name in COMMENTED}):
        (folder / "hold").unlink()
        text, _ = running.communicate(timeout=120)
        assert running.returncode == 1
        for name, output in EDITED.items():
            line = f"error: {name} has changed since this run was planned; run the same command"
            assert line in text
            assert not (folder / output).exists()
        assert text.count("has changed since") == len(EDITED)
        assert "Traceback" not in text
        for output in (HELD, *COMMENTED.values()):
            assert (folder / output).exists()
    project.snakemake(*targets, "--cores", "2")
    assert project.results(*SUFFIXES) == expected


def test_the_environment_of_another_checkout_is_refused(project):
    copy = project.copy_to(project.folder.with_name("copy"))
    environment = copy.environment | {"PYTHONPATH": str(project.folder / "src")}
    refused(copy, environment, project.folder / "src")


def test_an_installed_copy_of_linvae_is_refused(project, tmp_path):
    shutil.copytree(project.folder / "src", tmp_path / "site-packages")
    environment = project.environment | {"PYTHONPATH": str(tmp_path / "site-packages")}
    refused(project, environment, tmp_path / "site-packages")


def refused(project, environment, source):
    """Plan, and expect one line that says which linvae was found, and which is meant."""
    done = subprocess.run(
        project.command("-n"), cwd=project.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = (line for line in done.stderr.splitlines() if "profile" not in line)
    expected = project.folder / "src" / "linvae"
    assert line.startswith(f"error: linvae comes from {source / 'linvae'} and not from {expected}")
    assert "pip install -e ." in line
