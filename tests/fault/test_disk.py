"""A full disk and a read-only one: a clear line, nothing half written."""

import os
import subprocess

import pytest


@pytest.fixture
def mounted(fresh):
    """Function that mounts a small file system in memory on `results/`."""
    results = fresh.folder / "results"
    results.mkdir()
    done = []

    def mount(options):
        if os.geteuid() != 0:
            pytest.skip("mounting a small file system needs root")
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(results)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"cannot mount a small file system here: {made.stderr.strip()}")
        done.append(results)

    yield mount
    for path in done:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_named_with_what_to_do(fresh, mounted):
    mounted("size=1m")
    images = fresh.plan().images
    done = fresh.snakemake(images, "--cores", "1", check=False)
    assert done.returncode != 0
    line = f"error: {images}: No space left on device; the disk is full: free"
    assert line in done.stdout
    assert "Traceback" not in done.stdout
    assert list((fresh.folder / "results").glob("data/mnist/*/images*")) == []


def test_a_read_only_results_folder_is_named(fresh, mounted):
    mounted("ro")
    done = fresh.snakemake("--cores", "1", check=False)
    assert done.returncode != 0
    assert "results/ cannot be written to" in done.stdout
    assert "Traceback" not in done.stdout
    # Looking is still allowed.
    assert fresh.snakemake("--dry-run").returncode == 0
