"""The map of a study: each job once, at an address of all that decides it and nothing else."""

import time
from pathlib import Path

import pytest
import yaml
from configured import configuration

from linvae.config.configuration import load, merged
from linvae.config.study_name import configured
from linvae.naming import Product, product_of
from linvae.planning.checked import forget_false_stamp
from linvae.planning.images import Origin, memory_of, origin_of, settle
from linvae.planning.plan import keep_plan, last_plans, read_plan
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow
from linvae.report.publish import publish

ROOT = Path(__file__).parents[2]
WORKFLOW = Workflow.beside(ROOT, keep=False)
TINY = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text(encoding="utf-8"))
MNIST = Origin("MNIST", "local")


def tiny(**changes):
    """Plan of the tiny study with some keys changed."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return plan_study(load(merged(merged(raw, TINY), changes)), WORKFLOW)


PLAN = tiny()


def addresses(plan, *programs):
    return {a for a, job in plan.jobs.items() if job.program in programs}


def job_of(plan, program, name=""):
    (job,) = (j for j in plan.jobs.values() if j.program == program and name in j.folder)
    return job


def test_each_input_is_an_output_of_an_earlier_job():
    made = set()
    for job in PLAN.jobs.values():
        assert set(job.input_files()) <= made, job.folder
        made |= set(job.outputs.values())
    assert PLAN.stamp in made


def test_no_two_jobs_write_one_file_and_each_path_holds_its_address():
    paths = [path for job in PLAN.jobs.values() for path in job.outputs.values()]
    assert len(set(paths)) == len(paths)
    for address, job in PLAN.jobs.items():
        assert all(address in path for path in job.outputs.values())


def test_every_program_has_a_script_and_a_job():
    scripts = {path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py")}
    by_hand = {"compare", "keep", "plan", "schema", "tidy"}
    assert {job.program for job in PLAN.jobs.values()} == scripts - by_hand


def test_a_random_start_reads_no_spectrum_and_a_principal_one_does():
    with_principal = [
        job for job in tiny(**principal()).jobs.values() if job.program == "train_deep"
    ]
    read = {job.folder.split("/")[2]: bool(job.inputs["spectrum"]) for job in with_principal}
    assert read == {"tiny-deep": False, "tiny-annealed": False, "tiny-long": True}


def principal():
    recipes = {**TINY["study"]["recipes"]}
    recipes["fixed"] = [{"models": ["tiny-deep", "tiny-annealed"], "noise_variances": [1]}]
    long = {"extends": "tiny-deep", "start": {"weights": "principal"}}
    cases = [{**TINY["study"]["sizes"]["cases"][0], "models": ["tiny-long"]}]
    return {
        "models": {"tiny-long": long},
        "study": {
            "recipes": recipes,
            "endings": None,
            "one_setting": None,
            "sizes": {"cases": cases},
        },
    }


@pytest.mark.parametrize(
    ("changes", "programs"),
    [
        ({"checkpoint_seconds": 1}, {"record"}),
        ({"note": "mine"}, {"record"}),
        ({"name": "other"}, {"record", "claims", "summary"}),
        ({"margins": {"latents": 7}}, {"record", "claims", "table"}),
        ({"figures": {"fig6_latent_dim": {"title": "mine"}}}, {"record", "figure"}),
        ({"models": {"spare": {"extends": "tiny-adam"}}}, {"record"}),
    ],
    ids=["checkpoints", "note", "name", "margins", "style", "model"],
)
def test_a_change_moves_what_it_decides_and_what_reads_that(changes, programs):
    plan = tiny(**changes)
    moved = {plan.jobs[address].program for address in set(plan.jobs) - set(PLAN.jobs)}
    assert programs <= moved <= programs | {"summary", "page", "publish"}


def test_threads_and_device_decide_what_computes_with_them():
    computing = ("train_deep", "train_linear", "solve", "evaluate_deep", "graft")
    assert not addresses(PLAN, *computing) & addresses(tiny(threads=2), *computing)
    same = ("fetch", "preprocess", "spectrum", "ppca", "hessian", "restarts", "saddles")
    assert addresses(PLAN, *same) == addresses(tiny(threads=2), *same)
    on_gpu = tiny(models={"tiny-deep": {"job": {"device": "cuda"}}})
    moved = {job.folder for a, job in on_gpu.jobs.items() if a not in PLAN.jobs}
    assert any("train/tiny-deep/" in folder for folder in moved)
    assert not any("train/tiny-adam/" in folder for folder in moved)
    needs = [on_gpu.needs[a] for a in addresses(on_gpu, "train_deep")]
    # tiny-annealed, tiny-skip and tiny-long extend it.
    assert {need.gpus for need in needs} == {1}


def test_images_are_known_by_their_content_wherever_they_come_from():
    config = configuration(ROOT, "tests/workflow/tiny.yaml")
    local, download, embedded = (
        plan_study(config, WORKFLOW, origin=Origin("MNIST", source))
        for source in ("local", "download", "embedded")
    )
    assert local.images == download.images != embedded.images
    trained = ("fetch", "preprocess", "spectrum", "train_deep", "train_linear", "evaluate_deep")
    assert addresses(local, *trained) == addresses(download, *trained)
    assert not addresses(local, "preprocess") & addresses(embedded, "preprocess")
    # Figures print the source.
    assert not addresses(local, "figure") & addresses(download, "figure")
    assert local.environment["LINVAE_SOURCE"] == "local"


def test_images_of_another_hash_are_other_images(monkeypatch):
    config = configuration(ROOT, "tests/workflow/tiny.yaml")
    before = plan_study(config, WORKFLOW, origin=MNIST)
    monkeypatch.setattr(Origin, "pixels", {"train": "0", "test": "1"})
    after = plan_study(config, WORKFLOW, origin=MNIST)
    assert before.images != after.images
    assert not addresses(before, "train_deep") & addresses(after, "train_deep")


@pytest.mark.parametrize("known", [True, False])
def test_code_that_reads_images_counts_only_where_their_content_is_not_known(monkeypatch, known):
    config = configuration(ROOT, "tests/workflow/tiny.yaml")
    if not known:
        monkeypatch.setattr(Origin, "pixels", None)
    workflow = Workflow.beside(ROOT, keep=False)
    before = plan_study(config, workflow, origin=MNIST)
    workflow._codes["fetch",] = "another"
    after = plan_study(config, workflow, origin=MNIST)
    assert (before.images == after.images) == known
    assert bool(addresses(before, "train_deep") & addresses(after, "train_deep")) == known


def test_a_plan_is_kept_with_its_jobs_and_read_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digest = keep_plan(PLAN)
    assert read_plan(digest) == PLAN
    jobs = tmp_path / ".snakemake" / "linvae" / "jobs"
    assert {path.stem for path in jobs.iterdir()} == set(PLAN.jobs)
    assert last_plans() == [PLAN]
    keep_plan(tiny(name="other"))
    keep_plan(tiny(threads=2))
    assert keep_plan(PLAN) == digest
    assert {plan.name: plan == PLAN for plan in last_plans()} == {"tiny": True, "other": False}
    (jobs.parent / "plans" / f"{digest}.json").write_text("{}")
    with pytest.raises(RuntimeError, match="plans anew"):
        read_plan(digest)


def test_named_files_lead_to_addresses_and_back():
    settings = PLAN.jobs[PLAN.final].settings
    for name, path in settings["runs"].items():
        file = product_of(path)
        arm = f"graft-{file.variant}/" if file.variant else ""
        assert name == f"runs/{file.run}/{arm}{file.file}"
    assert settings["files"]["claims.json"] in PLAN.wanted()
    assert {"index.html", "summary.md", "runs.csv", "study.json"} <= set(settings["files"])
    files = {product_of(path) for path in PLAN.wanted() if "/train/" in path}
    run = next(iter(files)).run
    assert Product("metrics.json", run=run) in files


def test_what_is_left_of_a_study_shrinks_as_files_come(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(PLAN.left()) == len(PLAN.jobs)
    for job in PLAN.jobs.values():
        for path in job.outputs.values():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(path)
    assert PLAN.left() == PLAN.lacking() == []
    # A file that is only on the way is wanted by no one.
    Path(PLAN.images).unlink()
    assert PLAN.left() == []
    solved = job_of(PLAN, "solve", "/tiny-lbfgs/mnist-logit-first60-test20/k5")
    Path(solved.outputs["model"]).unlink()
    left = {job.program for job in PLAN.left()}
    assert {"solve", "evaluate", "figure", "summary", "page", "publish"} <= left
    assert not left & {"fetch", "preprocess", "spectrum", "train_deep", "train_linear"}
    # But with what it is made of.
    Path(next(solved.input_files())).unlink()
    assert "spectrum" in {job.program for job in PLAN.left()}


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for job in PLAN.jobs.values():
        for path in job.outputs.values():
            if path != PLAN.stamp:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_text(path)
    settings = PLAN.jobs[PLAN.final].settings
    publish(settings["files"], settings["runs"], PLAN.stamp)
    return tmp_path / "results" / "tiny"


def test_what_is_published_is_copied_and_linked(published):
    settings = PLAN.jobs[PLAN.final].settings
    for name, path in {**settings["files"], **settings["runs"]}.items():
        assert (published / name).read_text() == path
    assert all((published / name).is_symlink() for name in settings["runs"])
    assert not any((published / name).is_symlink() for name in settings["files"])
    assert len(Path(PLAN.stamp).read_text().splitlines()) == len(settings["files"]) + len(
        settings["runs"]
    )
    forget_false_stamp(PLAN)
    assert Path(PLAN.stamp).exists()


def test_publishing_anew_removes_what_is_no_longer_there_and_nothing_else(published):
    former = published / "finished-000000000000.txt"
    former.write_text("figures/fig99.png a/fig99.png\nruns/gone/seed0/curve.csv b/curve.csv\n- c/d")
    (published / "figures" / "fig99.png").write_text("old")
    (published / "runs" / "gone" / "seed0").mkdir(parents=True)
    (published / "runs" / "gone" / "seed0" / "curve.csv").symlink_to("/nowhere")
    for name in ("mine.txt", "figures/mine.txt", "runs/mine.txt"):
        (published / name).write_text("a user's own")
    settings = PLAN.jobs[PLAN.final].settings
    publish(settings["files"], settings["runs"], PLAN.stamp)
    assert not (published / "figures" / "fig99.png").exists()
    assert not (published / "runs" / "gone").exists()
    for name in ("mine.txt", "figures/mine.txt", "runs/mine.txt"):
        assert (published / name).exists()
    stamps = [path.name for path in published.glob("*finished-*")]
    assert stamps == [Path(PLAN.stamp).name]


def test_publishing_that_fails_leaves_what_the_study_rested_on(published):
    settings = PLAN.jobs[PLAN.final].settings
    with pytest.raises(FileNotFoundError):
        publish({**settings["files"], "new.md": "nowhere"}, settings["runs"], PLAN.stamp)
    assert [path.name for path in published.glob("*finished-*")] == [f"was-{Path(PLAN.stamp).name}"]


@pytest.mark.parametrize("change", ["edited", "lost", "link lost", "link changed"])
def test_a_stamp_that_is_not_true_is_forgotten(published, change):
    if change == "edited":
        (published / "claims.md").write_text("other")
    elif change == "lost":
        (published / "index.html").unlink()
    else:
        link = next((published / "runs").rglob("metrics.json"))
        link.unlink()
        if change == "link changed":
            link.symlink_to("/elsewhere")
    forget_false_stamp(PLAN)
    assert not Path(PLAN.stamp).exists()
    # What it rests on is named still, so that tidying keeps it.
    assert (published / f"was-{Path(PLAN.stamp).name}").exists()


def test_what_was_lost_at_its_address_leaves_the_stamp(published):
    settings = PLAN.jobs[PLAN.final].settings
    Path(settings["files"]["claims.md"]).unlink()
    forget_false_stamp(PLAN)
    assert Path(PLAN.stamp).exists()
    assert "claims" in {job.program for job in PLAN.left()}


def settled(tmp_path, dataset="MNIST", *, images=True, mirror=False, monkeypatch=None):
    monkeypatch.setattr("linvae.images.mirrors.answers", lambda name: mirror)
    memory = tmp_path / memory_of("mnist")
    return origin_of(dataset, "auto", None, memory, has_images=lambda origin: images).source


def test_auto_takes_the_first_that_works_and_stays_with_it(tmp_path, monkeypatch):
    monkeypatch.delenv("LINVAE_DATA_DIR", raising=False)
    told = {"monkeypatch": monkeypatch}
    assert settled(tmp_path, **told) == "embedded"
    assert settled(tmp_path, mirror=True, **told) == "download"
    assert settled(tmp_path, "FashionMNIST", **told) == "download"
    monkeypatch.setenv("LINVAE_DATA_DIR", "somewhere")
    assert settled(tmp_path, mirror=True, **told) == "local"
    monkeypatch.delenv("LINVAE_DATA_DIR")
    settle(Origin("MNIST", "embedded"), tmp_path / memory_of("mnist"))
    # A mirror that answers later makes no other study of it.
    assert settled(tmp_path, mirror=True, **told) == "embedded"
    assert settled(tmp_path, mirror=True, images=False, **told) == "download"
    (tmp_path / memory_of("mnist")).write_text("{")
    assert settled(tmp_path, **told) == "embedded"


@pytest.mark.parametrize("overlay", ["standard", "paper"])
def test_a_large_study_is_planned_in_about_a_second(overlay):
    config = configured(ROOT / "config.yaml", [ROOT / "config" / f"{overlay}.yaml"])
    begin = time.process_time()
    plan = plan_study(config, Workflow.beside(ROOT, keep=False), origin=MNIST)
    seconds = time.process_time() - begin
    assert len(plan.jobs) > 300
    # Measured: 0.5; with room for a slow machine, and none for work done twice.
    assert seconds < 2
