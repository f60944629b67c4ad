"""Mistakes in the configuration and in the data, met through the commands that a user gives."""

import gzip
import json
import random
import subprocess
import sys

import pytest
import yaml

from linvae.config.configuration import ConfigError, load
from linvae.jobs.job import FOLDER, write_job

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


# Commands `snakemake -n --configfile ...`, one for each argument, in forks of one process.
COMMANDS = """
import json, os, sys
from snakemake.cli import get_argument_parser, main

get_argument_parser()  # imports the plugins, once for all
for overlay in sys.argv[1:]:
    if os.fork() == 0:
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1), os.dup2(output, 2)
        sys.argv = ["snakemake", "-n", "--quiet", "rules", "host", "--configfile", overlay]
        main()
    status = os.waitstatus_to_exitcode(os.wait()[1])
    print(json.dumps([overlay, status, open("output.txt").read().splitlines()]), flush=True)
"""
# Overlays at fault, and how the one line about each begins.
BROKEN_OVERLAYS = {
    "twice": ("study:\n  linear: null\nstudy: {}\n", "twice, line 3, column 1: study: this key "),
    "tab": ("study:\n\tlinear: null\n", "tab, line 2, column 1: "),
    "broken": ("threads: 1\nstudy: {linear: [}\n", "broken, line 2, column 18: "),
    "empty": ("", "empty: the file is empty"),
    "list": ("- threads: 1\n", "list, line 1, column 1: list where sections are expected"),
    "two": ("threads: 1\n---\nthreads: 2\n", "two, line 2, column 1: "),
    "tag": ("threads: !!python/name:os.system\n", "tag, line 1, column 10: "),
    "circle": ("models: &a\n  x: *a\n", "circle, line 2, column 6: "),
    "date": ("threads: 2020-13-01\n", "date, line 1, column 10: "),
    "latin": ("# für\n".encode("latin-1"), "latin, line 1, column 4: byte 0xfc is no UTF-8"),
    "utf16": ("threads: 1\n".encode("utf-16"), "utf16, line 1, column 1: byte 0xff is no UTF-8"),
    "control": ("a: 'x\x07'\n", "control, line 1, column 6: character U+0007 is not allowed"),
    "missing": (None, "missing: there is no such file"),
    "config": (None, "config: this is a folder"),
}


def test_a_broken_overlay_is_told_in_one_line_with_its_place(fresh):
    for name, (content, _) in BROKEN_OVERLAYS.items():
        if content is not None:
            raw = content if isinstance(content, bytes) else content.encode()
            (fresh.folder / name).write_bytes(raw)
    (fresh.folder / "good").write_bytes(b"\xef\xbb\xbfthreads: 2\n")
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, *BROKEN_OVERLAYS, "good"],
        cwd=fresh.folder,
        env=fresh.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    *refused, good = map(json.loads, done.stdout.splitlines())
    for name, status, (profile, *told) in refused:
        assert profile.startswith("Using workflow specific profile")
        assert len(told) == 1, told
        assert told[0].startswith(BROKEN_OVERLAYS[name][1])
        assert status == 1
    assert len(refused) == len(BROKEN_OVERLAYS)
    assert good[:2] == ["good", 0]


@pytest.mark.parametrize("profile", ["default", "none"])
def test_a_key_given_twice_is_told_whichever_file_gives_it(fresh, profile):
    name = {"default": "config.yaml", "none": fresh.overlay}[profile]
    with fresh.edited({name: "threads: 1\n" + (fresh.folder / name).read_text() + "threads: 2\n"}):
        done = fresh.snakemake("--dry-run", "--workflow-profile", profile, check=False)
    assert done.returncode == 1
    *_, line = done.stdout.splitlines()
    assert line.startswith(f"{name}, line ")
    assert line.endswith("threads: this key stands in line 1 already; keep one of the two")
    assert "Traceback" not in done.stdout


def test_the_plan_tells_a_broken_file_in_one_line(fresh):
    def plan(*overlays):
        command = [sys.executable, "workflow/scripts/plan.py", *overlays]
        done = subprocess.run(
            command, cwd=fresh.folder, env=fresh.environment, capture_output=True, text=True
        )
        return done.returncode, done.stderr.splitlines()

    (fresh.folder / "config" / "second.yaml").write_text("name: second\n")
    assert plan(fresh.overlay, "config/second.yaml") == (0, [])
    with fresh.edited({"config/smoke.yaml": "study: [\n"}):
        status, (line,) = plan(fresh.overlay, "config/smoke.yaml")
    assert status == 1
    assert line.startswith("config/smoke.yaml, line 2, column 1: ")


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
        images = fresh.plan().images
        done = fresh.snakemake(images, "--cores", "1", check=False, **NO_NETWORK)
    assert done.returncode != 0
    (line,) = {line for line in done.stdout.splitlines() if line.startswith("error: ")}
    assert "MNIST" in line
    assert "set dataset.source to local or embedded in config.yaml" in line
    assert "Traceback" not in done.stdout
    assert not (fresh.folder / images).exists()


def local(settings):
    settings["dataset"]["source"] = "local"


def test_a_missing_folder_is_told_before_anything_runs(project, planner):
    with project.reconfigured(local):
        done = project.snakemake("--cores", "1", check=False, LINVAE_DATA_DIR="nowhere")
    assert done.returncode != 0
    assert "error: the local folder nowhere for MNIST does not exist" in done.stdout
    assert "Traceback" not in done.stdout
    assert "Job stats" not in done.stdout
    assert planner.snakemake(project) == {}


def fetch(project, local_dir):
    """Run the program of the rule fetch on a local folder."""
    with project.reconfigured(local):
        plan = project.plan()
    (address,) = plan.addresses("fetch")
    write_job(plan.jobs[address], project.folder / FOLDER)
    done = subprocess.run(
        [sys.executable, "workflow/scripts/fetch.py", address],
        cwd=project.folder,
        env=project.environment | {"LINVAE_DATA_DIR": str(local_dir)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (project.folder / plan.images).exists()
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


def test_what_auto_comes_to_is_said_when_it_is_planned(fresh):
    with fresh.reconfigured(lambda settings: settings["dataset"].update(source="auto")):
        told = fresh.snakemake("-n", **NO_NETWORK).stdout
        assert (
            "note: no local folder is given and no mirror answers: the images are the 5,0" in told
        )
        told = fresh.snakemake("-n", LINVAE_DATA_DIR=str(fresh.folder), **NO_NETWORK).stdout
        assert "note: the images of MNIST come from the local folder that is given" in told
