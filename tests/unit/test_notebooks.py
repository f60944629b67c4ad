"""The notebooks as they are committed: executed, in order, small, and able to fail.

`make test-long` executes them.
"""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LARGEST = 250_000
MACHINE = re.compile(r"/(?:root|home|tmp|work|Users)/")


def cells(path, kind):
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def source(cell):
    return "".join(cell["source"])


def test_there_are_three():
    assert len(NOTEBOOKS) == 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_was_executed_once_from_top_to_bottom_without_an_error(path):
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not any(output["output_type"] == "error" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_is_small_and_names_no_machine(path):
    assert path.stat().st_size < LARGEST
    text = path.read_text(encoding="utf-8")
    assert not MACHINE.search(re.sub(r'"image/png": "[^"]*"', "", text))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_can_fail(path):
    assert sum(source(cell).count("\nassert ") for cell in cells(path, "code")) >= 5
    assert all("%matplotlib inline" in source(cell) for cell in cells(path, "code")[:1])


def test_the_ordinary_tests_do_not_execute_them():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = dict(re.findall(r"^([\w-]+):[^\n=]*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE))
    assert "pytest --nbmake" in recipes["notebooks"]
    assert "docs/notebooks" in recipes["notebooks"]
    assert "$(MAKE) notebooks" in recipes["test-long"]
    assert "--nbmake" not in recipes["test"]
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'testpaths = ["tests"]' in pyproject
    assert "--nbmake" not in pyproject
