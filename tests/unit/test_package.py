"""What the package says of itself, and what it needs to be imported."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import linvae

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Packages of the extras `workflow` and `data`, by the names that they are imported under.
EXTRAS = ("matplotlib", "mlxtend", "snakemake", "tabulate", "torchvision", "yaml")
# Parts of the library that are the workflow's: they read its files, draw and report. A diagnosis is
# drawn where matplotlib is there.
OF_THE_WORKFLOW = ("claims", "config", "plots", "report")
IMPORT_ALL = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))
import linvae
for module in pkgutil.walk_packages(linvae.__path__, "linvae."):
    drawing = module.name.endswith(".drawing")
    if not drawing and module.name.split(".")[1] not in {OF_THE_WORKFLOW!r}:
        importlib.import_module(module.name)
        print(module.name)
"""
FIT = f"""
import sys
sys.modules.update(dict.fromkeys({EXTRAS!r}))
import numpy as np
from linvae.images import load as data
from linvae.linear import ppca
from linvae.linear import solve
from linvae.linear.spectrum import Spectrum
spectrum = Spectrum.from_data(np.random.default_rng(0).standard_normal((30, 6)))
print(ppca.max_log_likelihood(spectrum, 2) - solve.lbfgs(spectrum, 2).elbo < 1e-3)
try:
    data.load("MNIST", source="embedded")
except data.DataError as error:
    print(error)
"""


def run(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_version_is_that_of_the_metadata():
    assert linvae.__version__ == version("linvae") == PROJECT["version"]
    with pytest.raises(AttributeError, match="no attribute 'versoin'"):
        _ = linvae.versoin


def test_the_annotations_are_there_for_type_checkers():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "py.typed" in settings["tool"]["setuptools"]["package-data"]["linvae"]
    assert (Path(linvae.__file__).parent / "py.typed").is_file()


def test_the_library_needs_no_extra():
    imported = run(IMPORT_ALL)
    assert {
        "linvae.images.load",
        "linvae.linear.ppca",
        "linvae.linear.solve",
        "linvae.training.deep_job",
    } <= set(imported)
    for name in EXTRAS:
        assert not any(name.startswith(package) for package in PROJECT["dependencies"])


def test_what_needs_an_extra_says_so_when_it_is_asked_for():
    fits, message = run(FIT)
    assert fits == "True"
    assert "needs the package mlxtend" in message


def test_only_the_workflow_bounds_a_version_from_above():
    bounds = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["data"]]
    assert all(">=" in package and "==" not in package for package in bounds)


def test_the_citation_is_whole():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    lucas, tipping = cited["references"]
    assert cited["preferred-citation"] == lucas
    assert lucas["identifiers"] == [{"type": "other", "value": "arXiv:1911.02469"}]
    assert (tipping["doi"], tipping["year"]) == ("10.1111/1467-9868.00196", 1999)


def pins(file):
    """Versions of a lock by package, each with the text up to the next."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==([^\s;]+)(.*\n(?:[ \t].*\n)*)", text, flags=re.MULTILINE)
    return {re.sub(r"[._]", "-", name).lower(): (version, rest) for name, version, rest in found}


def test_both_locks_have_the_same_versions_and_one_has_every_hash():
    plain, hashed = pins("requirements.lock"), pins("requirements-hashed.lock")
    assert len(plain) > 90
    assert set(plain) <= set(hashed)
    assert [name for name in plain if plain[name][0] != hashed[name][0]] == []
    for name, (_, rest) in hashed.items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest), name


def test_public_names_are_there_and_loaded_when_they_are_used():
    code = (
        "import sys, linvae\n"
        "assert not any(name.startswith('linvae.') for name in sys.modules)\n"
        "for name in linvae.__all__: assert getattr(linvae, name) is not None, name\n"
        "assert set(linvae.__all__) <= set(dir(linvae))\n"
        "from linvae import Spectrum, ppca\n"
        "assert ppca.fit and Spectrum.from_data\n"
        "try: linvae.nobody\n"
        "except AttributeError: print('none')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "none\n", done.stderr


def test_nothing_inside_imports_by_the_lazy_names():
    """A fingerprint could not see what they load."""
    lazy = set(linvae.__all__)
    for path in [*ROOT.glob("src/linvae/**/*.py"), *ROOT.glob("workflow/**/*.py")]:
        if path == ROOT / "src" / "linvae" / "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "linvae":
                assert not lazy & {alias.name for alias in node.names}, path
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert not (node.value.id == "linvae" and node.attr in lazy), path
