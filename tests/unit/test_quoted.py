"""Numbers that documents quote of a study are in what was kept of its run.

``docs/runs/quoted.yaml`` has the quotations, and for each number in them the expression that gives
it from ``docs/runs/<study>/``, or that it bounds from above (``<=``).
"""

import re
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, StrictUndefined

from linvae.report.kept import quotable

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "docs" / "runs"
NUMBER = re.compile(r"(?<![\w.^])[−-]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w^])")
QUOTED = yaml.safe_load((RUNS / "quoted.yaml").read_text())
CASES = [(file, quote) for file, quotes in QUOTED.items() for quote in quotes]


@pytest.fixture(scope="module")
def value():
    """Function from an expression to the number that a run gives."""
    runs = {folder.name: quotable(folder) for folder in RUNS.iterdir() if folder.is_dir()}
    environment = Environment(undefined=StrictUndefined)

    def value(expression):
        found = environment.compile_expression(expression, undefined_to_none=False)(**runs)
        return float(found)

    return value


def numbers(text):
    return [found.replace(",", "").replace("−", "-") for found in NUMBER.findall(text)]


def shows(shown, value):
    """Whether a number as it is written is this value, rounded to the digits written."""
    if "e" in shown:
        digits = len(shown.split("e")[0].lstrip("-").replace(".", "")) - 1
        return f"{value:.{digits}e}" == f"{float(shown):.{digits}e}"
    decimals = len(shown.partition(".")[2])
    return abs(value - float(shown)) <= 0.5 * 10.0**-decimals + 1e-9


@pytest.mark.parametrize(("file", "quote"), CASES, ids=[q["text"][:50] for _, q in CASES])
def test_a_quoted_number_is_that_of_the_run(file, quote, value):
    written = " ".join((ROOT / file).read_text().split())
    assert quote["text"] in written
    shown = numbers(quote["text"])
    assert len(shown) == len(quote["values"]), shown
    for text, expression in zip(shown, quote["values"], strict=True):
        # What is no result (a setting, the number of a claim) is quoted as itself.
        if isinstance(expression, int | float):
            assert shows(text, expression)
        elif expression.startswith("<="):
            assert value(expression.removeprefix("<=")) <= float(text)
        else:
            found = value(expression)
            assert shows(text, found), f"{text} is written, {expression} is {found}"


@pytest.mark.parametrize(
    ("shown", "value", "right"),
    [("31", 31.4, True), ("31", 31.6, False), ("0.756", 0.75551, True), ("1e-7", 1.15e-7, True),
     ("1e-7", 1.6e-7, False), ("-86", -85.5, True), ("8.90", 8.91, False)],
)  # fmt: skip
def test_digits_decide(shown, value, right):
    assert shows(shown, value) is right
