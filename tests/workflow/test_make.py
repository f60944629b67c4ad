"""What `make` would do, and what it says of an environment that was made in another folder."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def make(request, tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy2(request.config.rootpath / name, tmp_path / name)

    def run(*arguments):
        done = subprocess.run(["make", *arguments], cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("build", ["cpu", "cu126"])
def test_another_build_of_torch_comes_from_its_index(make, build):
    _, told, _ = make("--dry-run", "results", f"TORCH={build}")
    (install,) = (line for line in told.splitlines() if "requirements.lock" in line)
    assert f"--extra-index-url https://download.pytorch.org/whl/{build} " in install
    assert f"touch .venv/.complete-{build}" in told
    assert "--clear .venv" in told


def test_without_a_build_the_default_index_counts_alone(make):
    _, told, _ = make("--dry-run", "results")
    assert "index" not in told
    assert "--clear" not in told


def test_several_overlays_are_given_to_one_option(make):
    _, told, _ = make("--dry-run", "report", "CONFIG=a.yaml b.yaml")
    assert "--configfile a.yaml b.yaml" in told
    assert told.count("--configfile") == told.count("--configfile a.yaml b.yaml")


@pytest.mark.parametrize("place", ["", "/elsewhere"])
def test_an_environment_that_was_moved_is_told_in_one_line(make, tmp_path, place):
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(
        f'VIRTUAL_ENV="{place or tmp_path}/.venv"\nPATH="$PWD/.venv/bin:$PATH"\n'
    )
    (programs / "snakemake").write_text("#!/bin/sh\necho started\n")
    (programs / "snakemake").chmod(0o755)
    (tmp_path / ".venv" / ".complete").touch()
    status, told, problem = make("results")
    assert ("started" in told) == (status == 0) == (not place)
    if place:
        line, _ = problem.splitlines()
        assert line.startswith(f"error: .venv was made in another folder than {tmp_path}")
