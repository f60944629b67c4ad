"""Mistakes in the configuration and in the data, met through the commands that a user gives."""

import gzip
import json
import random
import subprocess
import sys

import pytest
import yaml

from linvae.config.load import ConfigError, load

IMAGES = "results/data/mnist/images.npz"
# Nothing listens there, so no mirror can be reached, with a network or without.
NO_NETWORK = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}


def refused(project, change):
    """Plan with a changed study, and return what Snakemake says about its configuration."""
    with project.reconfigured(change):
        done = project.snakemake("--dry-run", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    head, _, told = done.stdout.partition("what overlays change in it):\n")
    assert told, head
    return told.splitlines()


def test_mistakes_are_told_one_a_line(fresh):
    def change(settings):
        settings["datset"] = {}
        settings["study"]["linear"]["n_latent"] = 0
        settings["study"]["linear"]["seeds"] = "many"
        settings["study"]["linear"]["noise"] = "fixed--1"

    told = refused(fresh, change)
    assert [line.split(":")[0] for line in told] == [
        "study.linear.n_latent",
        "study.linear.noise",
        "study.linear.seeds",
        "datset",
    ]
    assert "did you mean 'dataset'?" in told[-1]


def test_a_model_name_cannot_leave_results(fresh):
    def change(settings):
        settings["models"]["../../x"] = {"extends": "tiny-adam"}

    (line,) = refused(fresh, change)
    assert "models.../../x: " in line


def test_broken_yaml_is_told_with_its_place(fresh):
    with fresh.edited({"config.yaml": "threads: 1\nstudy: {linear: [}\n"}):
        done = fresh.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    assert "config.yaml, line 2, column 18: " in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("text", ["study: [", "a: !!python/name:os"])
def test_a_file_that_is_no_mapping_is_refused(fresh, text):
    with fresh.edited({"config/tiny.yaml": text}):
        done = fresh.snakemake("--dry-run", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert "config" in done.stdout.lower()


def _some_edits(seed, settings):
    """Edit one to three values or keys at random, mostly to something still sensible."""
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 3)):
        section = draw.choice(list(settings["study"].values()))
        if section is None:
            continue
        key = draw.choice(list(section))
        new = [1, 7, 0.5, "pixels-first30", "learned-0.5", "tiny-relu", [0, 1], [5], None]
        section[key] = draw.choice(new)
        if draw.random() < 0.4:
            settings["study"][draw.choice(list(settings["study"]))] = None
    return settings


def _is_valid(settings, project):
    raw = yaml.safe_load((project.folder / "config.yaml").read_text())
    raw["dataset"] |= settings["dataset"]
    raw["models"] |= settings["models"]
    raw["study"] = settings["study"]
    try:
        load(raw)
    except ConfigError:
        return False
    return True


def test_what_is_valid_can_be_planned(fresh, planner):
    planned = 0
    for seed in range(400):
        settings = _some_edits(seed, fresh.study())
        if planned == 4:
            break
        if _is_valid(settings, fresh):
            with fresh.edited({"config/tiny.yaml": yaml.safe_dump(settings)}):
                plan = planner(fresh)
            outputs = {path for paths in plan.values() for path in paths}
            assert all(path.startswith("results/") and ".." not in path for path in outputs)
            planned += 1
    assert planned == 4


def test_no_mirror_is_told_in_the_log_that_is_shown(fresh):
    def change(settings):
        settings["dataset"]["source"] = "download"

    with fresh.reconfigured(change):
        done = fresh.snakemake(IMAGES, "--cores", "1", check=False, **NO_NETWORK)
    assert done.returncode != 0
    (line,) = {line for line in done.stdout.splitlines() if line.startswith("error: ")}
    assert "MNIST" in line
    assert "set dataset.source to local or embedded in config.yaml" in line
    assert "Traceback" not in done.stdout
    assert not (fresh.folder / IMAGES).exists()


def test_a_missing_folder_is_told_before_the_images_are_touched(project):
    def change(settings):
        settings["dataset"]["source"] = "local"

    before = (project.folder / IMAGES).stat().st_mtime_ns
    with project.reconfigured(change):
        done = project.snakemake("--cores", "1", check=False, LINVAE_DATA_DIR="nowhere")
    assert done.returncode != 0
    assert "error: the local folder nowhere for MNIST does not exist" in done.stdout
    assert "Traceback" not in done.stdout
    assert (project.folder / IMAGES).stat().st_mtime_ns == before
    assert "Nothing to be done" in project.snakemake("--cores", "1").stdout


def fetch(project, local_dir):
    """Run the program of the rule fetch on a local folder."""
    spec = {"name": "MNIST", "source": "local", "local": True}
    command = [sys.executable, "workflow/scripts/fetch.py", "--spec", json.dumps(spec)]
    command += ["--images", IMAGES, "--provenance", "results/data/mnist/provenance.json"]
    environment = project.environment | {"LINVAE_DATA_DIR": str(local_dir)}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (project.folder / IMAGES).exists()
    return done.stderr.splitlines()[-1]


def test_a_missing_folder_is_named(fresh):
    line = fetch(fresh, fresh.folder / "nowhere")
    assert "nowhere for MNIST does not exist" in line
    assert "LINVAE_DATA_DIR" in line


@pytest.mark.parametrize("kind", ["truncated", "other content"])
def test_a_wrong_file_is_named_with_both_hashes(fresh, kind):
    content = gzip.compress(bytes(range(256)) * 100, mtime=0)
    for name in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        rank = "idx3" if name.endswith("images") else "idx1"
        file = fresh.folder / f"{name}-{rank}-ubyte.gz"
        file.write_bytes(content[:-9] if kind == "truncated" else content)
    line = fetch(fresh, fresh.folder)
    assert line.startswith("error: ")
    assert "-ubyte.gz" in line
    assert "MD5" in line
