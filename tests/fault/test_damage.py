"""Damaged files: a clear line that names the file, never a wrong result."""

import os
import subprocess
import sys

import numpy as np
import pytest

DATA = "mnist-logit-first60-test20"
SPECTRUM = f"results/spectrum/{DATA}.npz"

# A damaged file, and a file that is computed from it.
READ = {
    "images": ("results/data/mnist/images.npz", f"results/data/{DATA}/data.npz"),
    "spectrum": (SPECTRUM, "{linear}/metrics.json"),
    "linear weights": ("{linear}/model.safetensors", "{linear}/metrics.json"),
    "deep weights": ("{deep}/model.safetensors", "{deep}/draws2-importance_draws5/metrics.json"),
}


def runs(project):
    return {
        "linear": project.run_folder("tiny-lbfgs", "learned-1"),
        "deep": project.run_folder("tiny-deep", "fixed-1"),
    }


def read(project, kind):
    """A damaged file, and one that is computed from it, in a project."""
    return [path.format(**runs(project)) for path in READ[kind]]


def truncate(content):
    return content[: len(content) // 2]


def flip(content):
    """Change one byte in the middle of the numbers."""
    middle = len(content) * 2 // 3
    return content[:middle] + bytes([content[middle] ^ 0x40]) + content[middle + 1 :]


@pytest.mark.parametrize("kind", READ)
def test_a_damaged_file_is_named_and_never_used(project, kind):
    file, result = read(project, kind)
    expected = (project.folder / result).read_bytes()
    (project.folder / file).write_bytes(flip((project.folder / file).read_bytes()))
    done = project.snakemake(result, "--cores", "1", check=False)
    assert done.returncode != 0
    assert f"error: {file} is damaged" in done.stdout
    assert "delete it and run again" in done.stdout
    assert "Traceback" not in done.stdout
    # What was computed before the damage may stay; nothing may be computed from it.
    left = project.folder / result
    assert not left.exists() or left.read_bytes() == expected


def test_a_damaged_file_is_made_anew_once_deleted(project):
    file, result = read(project, "linear weights")
    expected = {name: (project.folder / name).read_bytes() for name in (file, result)}
    (project.folder / file).write_bytes(truncate(expected[file]))
    done = project.snakemake(result, "--cores", "1", check=False)
    assert f"error: {file} is damaged" in done.stdout
    (project.folder / file).unlink()
    project.snakemake(result, "--cores", "1")
    assert {name: (project.folder / name).read_bytes() for name in expected} == expected


class Payload:
    """Pickled, this makes a file on loading."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_a_pickle_in_an_array_file_is_refused_unread(project, tmp_path):
    trap = tmp_path / "executed"
    np.savez(
        project.folder / SPECTRUM, mean=np.array([Payload(trap)], dtype=object), allow_pickle=True
    )
    result = f"{runs(project)['linear']}/metrics.json"
    done = project.snakemake(result, "--cores", "1", check=False)
    assert f"error: {SPECTRUM} is damaged" in done.stdout
    assert not trap.exists()
    # The trap works where pickles are loaded.
    code = (
        f"import numpy; numpy.load({str(project.folder / SPECTRUM)!r}, allow_pickle=True)['mean']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert trap.exists()


def test_a_damaged_checkpoint_is_set_aside_and_training_starts_anew(project):
    def slower(settings):
        settings["checkpoint_seconds"] = 0

    run = runs(project)["deep"]
    folder = project.folder / run
    expected = (folder / "curve.csv").read_bytes()
    checkpoint = folder / "checkpoint.safetensors"
    with project.reconfigured(slower):
        # A finished model's file stands in for a checkpoint: it is read the same way.
        checkpoint.write_bytes(flip((folder / "model.safetensors").read_bytes()))
        (folder / "model.safetensors").unlink()
        project.snakemake(f"{run}/model.safetensors", "--cores", "1")
    log = (project.folder / "results/logs/train_deep").joinpath(*run.split("/")[2:-1], "seed0.log")
    assert "WARNING" in log.read_text()
    assert f"{run}/checkpoint.safetensors is damaged" in log.read_text()
    assert "starting anew" in log.read_text()
    assert (folder / "checkpoint.damaged").exists()
    assert not checkpoint.exists()
    assert (folder / "curve.csv").read_bytes() == expected
