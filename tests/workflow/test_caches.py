"""What is there is what it is said to be: caches that could lie, and do not."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from linvae.config.load import load

WORKFLOW_TESTS = Path(__file__).parent
ROOT = WORKFLOW_TESTS.parents[1]

# Imported by every Python of the project at its start, and part of no program: the one job named
# waits while a file `hold` is there, so that a test can edit what jobs after it will run.
HOLD = """
import pathlib, sys, time
if any("scripts/preprocess.py" in argument for argument in sys.orig_argv):
    pathlib.Path("held").touch()
    while pathlib.Path("hold").exists():
        time.sleep(0.05)
"""


def tiny():
    """The validated tiny study."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    update_config(raw, yaml.safe_load((WORKFLOW_TESTS / "tiny.yaml").read_text()))
    return load(raw)


def run_file(model, name):
    """A file of the first run of a model that learns the noise variance."""
    config = tiny()
    runs = config.study.all_runs(config.names())
    return next(r for r in runs if (r.model, r.noise) == (model, "learned-1")).file(name)


NAMES = tiny().names()
HELD = f"results/data/{NAMES.data('pixels-first60')}/data.npz"
# Code, and an output that it makes: a module of training, a module of a figure, a script.
EDITED = {
    "src/linvae/training/objectives.py": run_file("tiny-sampled", "model.safetensors"),
    "src/linvae/plots/fig6_latent_dim.py": "results/tiny/figures/fig6_latent_dim.csv",
    "workflow/scripts/restarts.py": tiny().study.restarts.table(NAMES),
}
COMMENTED = {
    "src/linvae/evaluation/maxima.py": f"results/ppca/{NAMES.data('logit-first60')}/at4.csv"
}
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
        # From each job's log, and once more on the last screen.
        assert len(EDITED) <= text.count("has changed since") <= 2 * len(EDITED)
        assert "Traceback" not in text
        for output in (HELD, *COMMENTED.values()):
            assert (folder / output).exists()
    project.snakemake(*targets, "--cores", "2")
    assert project.results(*SUFFIXES) == expected


def test_a_cluster_runs_what_was_planned_too(project):
    # There each job starts Snakemake again, which would find the edited code to be its plan.
    (name, output), *_ = EDITED.items()
    submit = project.folder / "submit.sh"
    submit.write_text(f'echo "EDITED = 1" >> {name}; bash "$1" > submitted.log 2>&1; echo 1\n')
    (project.folder / output).unlink()
    cluster = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "bash submit.sh"]
    cluster += ["--seconds-between-status-checks", "1"]
    done = project.snakemake(output, "--jobs", "1", *cluster, check=False)
    assert done.returncode != 0
    assert f"error: {name} has changed since this run was planned" in done.stdout
    assert not (project.folder / output).exists()


@pytest.mark.parametrize("source", ["first/src", "site-packages"])
def test_the_linvae_of_another_checkout_or_a_copy_is_refused(fresh, tmp_path, source):
    shutil.copytree(fresh.folder / "src", tmp_path / source)
    environment = fresh.environment | {"PYTHONPATH": str(tmp_path / source)}
    done = subprocess.run(
        fresh.command("-n"), cwd=fresh.folder, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = (line for line in done.stderr.splitlines() if "profile" not in line)
    found, expected = tmp_path / source / "linvae", fresh.folder / "src" / "linvae"
    assert line.startswith(f"error: linvae comes from {found} and not from {expected}")
    assert "pip install -e '.[workflow,data]'" in line


@pytest.fixture(scope="module")
def settled(finished, tmp_path_factory):
    """One copy for all tests that put back what they change, `.snakemake` aside."""
    return finished.copy_to(tmp_path_factory.mktemp("caches") / "project")


def forget(project):
    """Lose all that Snakemake knows."""
    shutil.rmtree(project.folder / ".snakemake")


def record_of(project, output):
    """File of the record of what made an output."""
    path = project.folder / output
    return path.parent / ".made" / f"{path.name}.json"


def faster(settings):
    settings["models"]["tiny-relu"]["training"]["learning_rate"] = 0.02


def fewer(settings):
    settings["study"]["latent_dim"]["n_latents"] = [5]


def test_without_snakemakes_memory_finished_work_is_finished(settled, planner):
    forget(settled)
    text = settled.snakemake("-n").stdout
    assert "Nothing to be done" in text
    assert "Restored what made" in text
    assert planner(settled) == {}


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (faster, {"train_linear"}),
        (fewer, {"figure"}),
        ("src/linvae/training/objectives.py", {"train_deep", "train_linear"}),
        ("src/linvae/plots/fig6_latent_dim.py", {"figure"}),
    ],
)
def test_without_snakemakes_memory_the_same_runs_again(settled, planner, change, first):
    edited = settled.reconfigured(change) if callable(change) else settled.edited({change: edit})
    with edited:
        expected = planner(settled)
        assert first <= set(expected)
        forget(settled)
        assert planner(settled) == expected
    # Planning has changed nothing.
    assert planner(settled) == {}


def test_what_runs_again_is_recorded_anew(project, planner):
    figure = "src/linvae/plots/fig6_latent_dim.py"
    with project.edited({figure: edit}):
        forget(project)
        assert "Params have changed" in project.snakemake("--cores", "1").stdout
        forget(project)
        assert planner(project) == {}
    assert planner(project) == {
        "figure": {"results/tiny/figures/fig6_latent_dim.png"},
        "page": {"results/tiny/index.html"},
    }


def test_metadata_that_was_cleaned_up_is_restored(project, planner):
    outputs = [run_file("tiny-relu", name) for name in ("model.safetensors", "curve.csv")]
    with project.edited({"src/linvae/training/objectives.py": edit}):
        expected = planner(project)
        project.snakemake("--cleanup-metadata", *outputs)
        assert planner(project) == expected


def test_a_damaged_record_is_named_and_left_aside(project):
    text = record_of(project, run_file("tiny-relu", "model.safetensors")).read_text()
    damaged = ["", "[]", "{}", text.replace("model", "other")]
    outputs = [f"results/tiny/figures/fig{n}.png" for n in ("1_elbo_vs_ppca", "2_gram_within")]
    outputs += [run_file("tiny-relu", name) for name in ("model.safetensors", "metrics.json")]
    files = [record_of(project, output) for output in outputs]
    for file, damage in zip(files, damaged, strict=True):
        assert file.exists()
        file.write_text(damage)
    forget(project)
    text = project.snakemake("-n").stdout
    for file in files:
        assert f"warning: {file.relative_to(project.folder)} is damaged" in text
    assert "Nothing to be done" in text


def test_a_record_is_believed_before_snakemake(settled, planner):
    # A cluster's job that read other settings than those planned: Snakemake cannot know it.
    output = run_file("tiny-relu", "model.safetensors")
    file = record_of(settled, output)
    record = json.loads(file.read_text())
    name = str(file.relative_to(settled.folder))
    other = record | {"spec": record["spec"].replace('"seed": 0', '"seed": 1')}
    with settled.edited({name: json.dumps(other)}):
        assert planner(settled)["train_linear"] == {output}
    assert planner(settled) == {}


def test_without_snakemakes_memory_the_set_of_inputs_counts(settled, planner):
    output = "results/tiny/tables/table1_sigma.csv"
    file = record_of(settled, output)
    record = json.loads(file.read_text())
    name = str(file.relative_to(settled.folder))
    with settled.edited({name: json.dumps(record | {"inputs": record["inputs"][1:]})}):
        forget(settled)
        assert planner(settled)["table1"] == {output}
    forget(settled)
    assert planner(settled) == {}


def test_what_touch_accepts_stays_accepted(project, planner):
    with project.edited({"src/linvae/plots/fig6_latent_dim.py": edit}):
        assert set(planner(project)) == {"figure", "page"}
        project.snakemake("--touch", "--cores", "1")
        assert planner(project) == {}
        forget(project)
        assert planner(project) == {}
    assert set(planner(project)) == {"figure", "page"}


@pytest.mark.parametrize("lost", ["times", "times and memory", "place"])
def test_a_copy_or_a_move_runs_nothing(project, tmp_path, lost):
    other = type(project)(tmp_path / "elsewhere" / "Projekt ü")
    if lost == "place":
        other.folder.parent.mkdir()
        project.folder.rename(other.folder)
    else:
        shutil.copytree(project.folder, other.folder, copy_function=shutil.copy)
    if lost == "times and memory":
        forget(other)
    assert "Nothing to be done" in other.snakemake("-n").stdout


def test_nothing_that_is_compared_says_where_the_checkout_lies(finished):
    files = [*(finished.folder / ".snakemake" / "metadata").rglob("*")]
    files += (finished.folder / "results").rglob(".made/*.json")
    files = [path for path in files if path.is_file()]
    assert len(files) > 100
    for path in files:
        assert str(finished.folder) not in path.read_text(), path


def test_studies_lie_side_by_side(project, planner):
    before = project.results(*SUFFIXES)
    other = project.study() | {"name": None}
    del other["name"]
    other["models"]["tiny-deep"]["training"]["epochs"] = 5
    for name in set(other["study"]) - {"recipes", "lengths"}:
        other["study"][name] = None
    (project.folder / "config" / "longer.yaml").write_text(yaml.safe_dump(other))
    assert planner(project) == {}
    mine = type(project)(project.folder)
    mine.overlay = "config/longer.yaml"
    plan = planner(mine)
    # The recipe that is the same is there; what the study says is its own.
    assert not any("tiny-long" in path for path in plan["train_deep"])
    assert {path.split("/")[1] for paths in plan.values() for path in paths} == {"longer", "train"}
    mine.snakemake("--cores", "2")
    assert planner(mine) == planner(project) == {}
    after = project.results(*SUFFIXES)
    assert {name: after[name] for name in before} == before
    for name in ("tiny", "longer"):
        text = (project.folder / "results" / name / "summary.md").read_text()
        assert text.startswith(f"# Summary of the study {name}\n")


def test_values_given_one_by_one_need_a_name(settled):
    done = settled.snakemake("-n", "--config", "threads=2", check=False)
    assert done.returncode == 1
    assert "name: --config changes threads, which makes another study" in done.stdout
    assert "Traceback" not in done.stdout
    done = settled.snakemake("-n", "--config", "threads=2", "name=two")
    assert "results/two/summary.md" in done.stdout
