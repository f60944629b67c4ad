"""What is there is what its path says: caches that could lie, and have nothing to lie with."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from addresses import plain

FIGURE = "src/linvae/plots/fig6_latent_dim.py"
OBJECTIVES = "src/linvae/training/objectives.py"
REDRAWN = {
    "figure": {"results/report/figures/fig6_latent_dim/fig6_latent_dim.png"},
    "page": {"results/report/page/index.html"},
    "publish": {"results/tiny/finished.txt"},
}
SUFFIXES = (".json", ".csv", ".safetensors", ".npz", ".md", ".png", ".pdf", ".html")


def edit(text):
    return text + "\n_EDITED = True\n"


def faster(settings):
    settings["models"]["tiny-relu"]["training"]["learning_rate"] = 0.02


@pytest.fixture(scope="module")
def settled(finished, tmp_path_factory):
    """One copy for all tests that put back what they change, `.snakemake` aside."""
    return finished.copy_to(tmp_path_factory.mktemp("addresses") / "project")


def forget(project):
    """Lose all that Snakemake knows."""
    shutil.rmtree(project.folder / ".snakemake", ignore_errors=True)


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


def test_without_snakemakes_memory_finished_work_is_finished_and_an_edit_is_an_edit(
    settled, planner
):
    forget(settled)
    assert planner.snakemake(settled) == {}
    for change in (faster, OBJECTIVES):
        context = settled.reconfigured if callable(change) else edited(settled)
        with context(change):
            forget(settled)
            assert planner.snakemake(settled) == planner(settled) != {}
    assert planner.snakemake(settled) == {}


def edited(project):
    return lambda name: project.edited({name: edit})


def test_another_store_of_snakemakes_changes_nothing(project):
    forget(project)
    options = ["--persistence-backend", "db"]
    help_text = project.snakemake("--help").stdout
    if "--persistence-backend" not in help_text:
        pytest.skip("this Snakemake has one store only")
    assert "Nothing to be done" in project.snakemake("-n", *options).stdout
    with project.edited({FIGURE: edit}):
        told = project.snakemake("--cores", "1", *options).stdout
        assert "Drawing fig6_latent_dim" in told
        assert "3 of 4 steps" in told
    assert "Bringing everything" in project.snakemake("--cores", "1", *options).stdout


def test_a_change_that_is_taken_back_plans_the_copying_alone(project, planner):
    before = project.computed()
    with project.edited({FIGURE: edit}):
        assert planner(project) == REDRAWN
        project.snakemake("--cores", "2")
        assert planner(project) == {}
    assert planner.snakemake(project) == {"publish": REDRAWN["publish"]}
    project.snakemake("--cores", "1")
    assert planner.snakemake(project) == {}
    assert project.computed() == before
    # And forth again.
    with project.edited({FIGURE: edit}):
        assert planner.snakemake(project) == {"publish": REDRAWN["publish"]}
    # A folder of a study says one thing.
    assert len(list((project.folder / "results" / "tiny").glob("finished-*.txt"))) == 1


@pytest.mark.parametrize("lost", ["times", "place", "hidden", "links"])
def test_a_copy_or_a_move_runs_nothing(project, tmp_path, lost):
    other = type(project)(tmp_path / "elsewhere" / "Projekt ü")
    if lost == "place":
        other.folder.parent.mkdir()
        project.folder.rename(other.folder)
    elif lost == "times":
        shutil.copytree(project.folder, other.folder, copy_function=shutil.copy, symlinks=True)
    else:
        hidden = shutil.ignore_patterns(".*")
        shutil.copytree(project.folder, other.folder, symlinks=True, ignore=hidden)
    if lost == "links":
        for part in ("train", "data", "report"):
            (other.folder / "results" / part).rename(tmp_path / part)
            (other.folder / "results" / part).symlink_to(tmp_path / part)
    # With the settings of the profile, which knows a file without its times by its content.
    assert "Nothing to be done" in other.snakemake("-n").stdout
    with other.edited({FIGURE: edit}):
        told = other.snakemake("-n", "--quiet", "rules").stdout
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", told, flags=re.MULTILINE))
        assert jobs == {**dict.fromkeys(REDRAWN, "1"), "all": "1", "total": "4"}


def test_a_copy_without_times_and_memory_is_accepted_by_touching(project, planner, tmp_path):
    other = type(project)(tmp_path / "copied")
    hidden = shutil.ignore_patterns(".*")
    shutil.copytree(
        project.folder, other.folder, symlinks=True, ignore=hidden, copy_function=shutil.copy
    )
    # Inputs that are newer than what was made of them: Snakemake cannot know better.
    for path in other.folder.glob("results/spectrum/*/*/spectrum.npz"):
        os.utime(path)
    assert planner.snakemake(other) != {}
    other.snakemake("--touch", "--cores", "1")
    assert planner.snakemake(other) == {}
    assert other.computed() == project.computed()


def test_results_of_other_code_finish_no_study(finished, planner, tmp_path):
    other = type(finished).create(tmp_path / "clone")
    path = other.folder / OBJECTIVES
    path.write_text(edit(path.read_text()))
    shutil.copytree(finished.folder / "results", other.folder / "results", symlinks=True)
    plan = planner.snakemake(other)
    assert plan == planner(other)
    assert {"train_deep", "train_linear", "publish"} <= set(plan)


def test_nothing_that_is_kept_says_where_the_checkout_lies(finished):
    files = [*(finished.folder / ".snakemake" / "metadata").rglob("*")]
    files += (finished.folder / ".snakemake" / "linvae").rglob("*.json")
    files += (finished.folder / "results").rglob("*.json")
    files = [path for path in files if path.is_file()]
    assert len(files) > 200
    for path in files:
        assert str(finished.folder) not in path.read_text(), path


def test_a_stable_name_that_was_changed_is_brought_back_alone(project, planner):
    page = project.folder / "results" / "tiny" / "index.html"
    before = page.read_bytes()
    page.write_text("mine")
    assert planner.snakemake(project) == {"publish": REDRAWN["publish"]}
    project.snakemake("--cores", "1")
    assert page.read_bytes() == before
    assert planner.snakemake(project) == {}


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
    assert plan["publish"] == {"results/longer/finished.txt"}
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
    assert "results/two/finished-" in done.stdout


def test_a_figure_is_asked_for_by_a_name(project):
    for path in project.folder.glob("results/report/figures/fig6*/*/*.png"):
        path.unlink()
    told = project.snakemake("fig6", "--cores", "1").stdout
    (path,) = project.folder.glob("results/report/figures/fig6*/*/*.png")
    assert f"It is there: {path.relative_to(project.folder)}" in told
    assert "Writing the page" not in told


def test_files_of_a_run_lie_under_its_name(finished):
    run = (
        finished.folder / "results/tiny/runs/tiny-deep/mnist-logit-first60-test20/k3/fixed-1/seed0"
    )
    names = {"model.safetensors", "curve.csv", "metrics.json", "kl.npz", "residual.npz"}
    assert names <= {path.name for path in run.iterdir()}
    target = finished.folder / finished.run_file("model.safetensors", "tiny-deep", "fixed-1")
    assert (run / "model.safetensors").samefile(target)
    assert not os.path.isabs(os.readlink(run / "model.safetensors"))
    arm = run / "graft-certificate-4" / "graft.json"
    assert plain(os.path.relpath(arm.resolve(), finished.folder)).endswith(
        "/seed0/graft-certificate-4/graft.json"
    )


def test_each_result_says_what_made_it(finished):
    import json

    made = finished.folder / finished.run_file("curve.csv", "tiny-deep", "fixed-1")
    told = json.loads(made.with_name("made.json").read_text())
    assert told["address"] == made.parent.name
    assert told["job"]["program"] == "train_deep"
    # A random start reads no spectrum.
    assert told["job"]["inputs"]["spectrum"] == []
    assert told["computed"]["versions"]["python"] == sys.version.split()[0]
    record = json.loads((finished.folder / "results/tiny/study.json").read_text())
    assert [group["versions"] for group in record["computed"]] == [told["computed"]["versions"]]
