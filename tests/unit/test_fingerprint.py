"""The fingerprint follows code and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import linvae
from linvae.fingerprint import fingerprint, reached_modules, specification

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


@pytest.fixture
def project(tmp_path):
    """A copy of the package and a function that fingerprints in a fresh interpreter."""
    package = tmp_path / "src" / "linvae"
    shutil.copytree(Path(linvae.__file__).parent, package)
    script = tmp_path / "script.py"
    script.write_text('"""A script."""\nfrom linvae import ppca\n\nprint(ppca.fit)\n')

    def measure():
        code = f"from linvae.fingerprint import fingerprint; print(fingerprint({str(script)!r}))"
        return subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(tmp_path / "src")},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return package, script, measure


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("\n__all__", "\n# a comment\n__all__", False),
        ('"""', '"""Another docstring. ', False),
        ("__all__ = [", "EXTRA = 1\n__all__ = [", True),
    ],
)
def test_only_code_counts(project, old, new, changes):
    package, _, measure = project
    before = measure()
    module = package / "ppca.py"
    text = module.read_text()
    assert old in text
    module.write_text(text.replace(old, new, 1))
    assert (measure() != before) is changes


def test_modules_reached_through_others_count(project):
    package, _, measure = project
    before = measure()
    with (package / "files.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    assert measure() != before


def test_modules_out_of_reach_do_not_count(project):
    package, _, measure = project
    before = measure()
    with (package / "train.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    (package / "nobody.py").write_text("X = 1\n")
    assert measure() == before


def test_a_new_module_counts_once_it_is_imported(project):
    package, script, measure = project
    before = measure()
    (package / "fresh.py").write_text("X = 1\n")
    script.write_text(script.read_text() + "\n\ndef later():\n    import linvae.fresh\n")
    first = measure()
    (package / "fresh.py").write_text("X = 2\n")
    assert len({before, first, measure()}) == 3


def test_the_script_counts(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("X = 1\n")
    b.write_text("X = 2\n")
    assert fingerprint(a) != fingerprint(b)


def test_named_modules_count(tmp_path):
    script = tmp_path / "a.py"
    script.write_text("X = 1\n")
    assert fingerprint(script) != fingerprint(script, ["linvae.spectrum"])


@pytest.mark.parametrize(
    ("script", "out_of_reach"),
    [
        ("fetch", ["linvae.elbo", "linvae.training.loop", "linvae.config.load", "linvae.plots"]),
        ("preprocess", ["linvae.elbo", "linvae.training.loop", "linvae.config.load"]),
        ("spectrum", ["linvae.elbo", "linvae.ppca", "linvae.training.loop", "linvae.config.load"]),
        ("train", ["linvae.collapse", "linvae.config.load", "linvae.plots", "linvae.solve"]),
        (
            "solve",
            ["linvae.collapse", "linvae.config.load", "linvae.plots", "linvae.training.loop"],
        ),
        ("evaluate", ["linvae.config.load", "linvae.plots", "linvae.solve"]),
        ("figure", ["linvae.config.load", "linvae.training.loop", "linvae.training.models"]),
    ],
)
def test_scripts_reach_only_what_they_need(script, out_of_reach):
    reached = reached_modules(SCRIPTS / f"{script}.py")
    assert reached
    assert not set(out_of_reach) & set(reached)


def test_specification_is_one_sorted_string():
    assert json.loads(specification("c", b=1, a=[2])) == {"a": [2], "b": 1, "code": "c"}
    assert specification("c", b=1, a=2) == specification("c", a=2, b=1)
