"""Damaged files: a clear line that names the file, never a wrong result."""

import os
import subprocess
import sys

import numpy as np
import pytest

LINEAR, DEEP = ("tiny-lbfgs", "learned-1"), ("tiny-deep", "fixed-1")
KINDS = ("images", "spectrum", "linear weights", "deep weights")


def read(project, kind):
    """A file to be damaged, and one that is computed from it, which is not there any more."""
    data = "results/data/mnist-logit-first60-test20/*/data.npz"
    file, result = {
        "images": ("results/data/mnist/*/images.npz", data),
        "spectrum": (
            "results/spectrum/mnist-logit-first60-test20/*/spectrum.npz",
            project.run_file("metrics.json", *LINEAR),
        ),
        "linear weights": (
            project.run_file("model.safetensors", *LINEAR),
            project.run_file("metrics.json", *LINEAR),
        ),
        "deep weights": (
            project.run_file("model.safetensors", *DEEP),
            project.run_file("metrics.json", *DEEP),
        ),
    }[kind]
    found = [next(project.folder.glob(path)) for path in (file, result)]
    return [str(path.relative_to(project.folder)) for path in found]


def truncate(content):
    return content[: len(content) // 2]


def flip(content):
    """Change one byte in the middle of the numbers."""
    middle = len(content) * 2 // 3
    return content[:middle] + bytes([content[middle] ^ 0x40]) + content[middle + 1 :]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_named_and_never_used(project, kind):
    file, result = read(project, kind)
    expected = (project.folder / result).read_bytes()
    (project.folder / result).unlink()
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
    (project.folder / result).unlink()
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
    spectrum, result = read(project, "spectrum")
    np.savez(
        project.folder / spectrum, mean=np.array([Payload(trap)], dtype=object), allow_pickle=True
    )
    (project.folder / result).unlink()
    done = project.snakemake(result, "--cores", "1", check=False)
    assert f"error: {spectrum} is damaged" in done.stdout
    assert not trap.exists()
    # The trap works where pickles are loaded.
    code = (
        f"import numpy; numpy.load({str(project.folder / spectrum)!r}, allow_pickle=True)['mean']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert trap.exists()


def test_a_damaged_checkpoint_is_set_aside_and_training_starts_anew(project):
    def slower(settings):
        settings["checkpoint_seconds"] = 0

    run = project.run_folder(*DEEP)
    folder = project.folder / run
    expected = (folder / "curve.csv").read_bytes()
    checkpoint = folder / "checkpoint.safetensors"
    with project.reconfigured(slower):
        # A finished model's file stands in for a checkpoint: it is read the same way.
        checkpoint.write_bytes(flip((folder / "model.safetensors").read_bytes()))
        (folder / "model.safetensors").unlink()
        project.snakemake(f"{run}/model.safetensors", "--cores", "1")
    log = project.folder / f"results/logs/train_deep/{run.removeprefix('results/train/')}.log"
    assert "WARNING" in log.read_text()
    assert f"{run}/checkpoint.safetensors is damaged" in log.read_text()
    assert "starting anew" in log.read_text()
    assert (folder / "checkpoint.damaged").exists()
    assert not checkpoint.exists()
    assert (folder / "curve.csv").read_bytes() == expected
