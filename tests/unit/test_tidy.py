"""What no study needs is found, and nothing else."""

import json
from pathlib import Path

import pytest
from configured import configuration

from linvae.planning.study_plan import plan_study
from linvae.planning.tidy import needed_folders, remove, report, unneeded
from linvae.planning.workflow import Workflow
from linvae.report.publish import publish

ROOT = Path(__file__).parents[2]
PLAN = plan_study(
    configuration(ROOT, "tests/workflow/tiny.yaml"), Workflow.beside(ROOT, keep=False)
)
RESULTS = Path("results")
OLD = [
    "train/deep.0123abcd/mnist-logit-first60/k3/fixed-1/seed0/model.safetensors",
    "spectrum/mnist-logit-first60.npz",
    "data/mnist/images.npz",
    "data/mnist-logit-first60/data.npz",
    "ppca/mnist-logit-first60/at4.csv",
    "saddles/mnist-logit-first60/0123abcd/points.csv",
    "rotated/mnist-logit-first60/0123abcd/points.csv",
    "tiny/.made/claims.json",
    "tiny/logs/claims.log",
]
OTHER_CODE = [
    "train/tiny-deep/mnist-logit-first60-test20/k3/fixed-1/seed0/0123456789ab/curve.csv",
    "report/page/0123456789ab/index.html",
    "train/gone/mnist-logit-first60-test20/k3/fixed-1/seed0/0123456789ab/curve.csv",
]
LOGS = ["logs/page/0123456789ab.log", "benchmarks/fetch/mnist.tsv"]
KEPT = ["data/mnist/auto.json", "data/mnist/download/MNIST/file.gz", "tiny/mine.txt", "note.md"]


def write(path, text="x" * 1000):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for job in PLAN.jobs.values():
        for path in job.outputs.values():
            if path.endswith("made.json"):
                write(path, json.dumps({"job": {"inputs": dict(job.inputs)}}))
            elif path != PLAN.stamp:
                write(path)
        write(f"results/logs/{job.program}/{job.address}.log")
    settings = PLAN.jobs[PLAN.final].settings
    publish(settings["files"], settings["runs"], PLAN.stamp, PLAN.wanted()[:-1])
    return tmp_path / "results"


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_nothing_of_a_planned_study_is_unneeded(results):
    found = unneeded(RESULTS, needed_folders(RESULTS, [PLAN]))
    assert found == []
    assert report(found) == ["Nothing: all that lies there is needed."]


def test_what_a_finished_study_rests_on_is_needed_without_its_configuration(results):
    found = {str(one.path) for one in unneeded(RESULTS, needed_folders(RESULTS, []))}
    # Its record and page can be made again from what is kept, and lie at their stable names too.
    assert not any("/train/" in path or "/data/" in path for path in found)
    assert not any("/figures/" in path or "/claims/" in path for path in found)


def test_older_addresses_the_old_layout_and_their_logs_are_found_and_removed(results):
    before = files(results)
    for path in (*OLD, *OTHER_CODE, *LOGS, *KEPT):
        write(results / path)
    found = unneeded(RESULTS, needed_folders(RESULTS, [PLAN]))
    kinds = {}
    for one in found:
        kinds.setdefault(one.kind, set()).add(one.path)
        assert one.size >= 1000
    assert len(kinds["the old layout"]) >= len(OLD) - 1
    assert len(kinds["other code or settings"]) == len(OTHER_CODE)
    assert kinds["logs and benchmarks"] == {RESULTS / path for path in LOGS}
    text = "\n".join(report(found))
    assert "other code or settings, 3 paths" in text
    remove(found)
    assert files(results) == before | set(KEPT)
    assert not (results / "train" / "gone").exists()
    assert unneeded(RESULTS, needed_folders(RESULTS, [PLAN])) == []


def test_links_are_not_followed_when_they_are_removed(results, tmp_path):
    write(tmp_path / "elsewhere" / "precious.txt")
    link = results / "report" / "page" / "0123456789ab"
    link.symlink_to(tmp_path / "elsewhere")
    found = unneeded(RESULTS, needed_folders(RESULTS, [PLAN]))
    remove(found)
    assert not link.is_symlink()
    assert (tmp_path / "elsewhere" / "precious.txt").exists()
