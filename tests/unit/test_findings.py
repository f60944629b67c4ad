"""The tables of docs/findings are those of the runs that were kept, and its figures are there."""

from pathlib import Path

import pandas as pd
import pytest
from configured import configuration

from linvae.plots.side_by_side import figures_of
from linvae.report import comparison
from linvae.report.finished import FinishedStudy
from linvae.tables.paired import paired_table, paired_text

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / "docs" / "findings"
# In the order of `make findings`.
NAMES = [n for n in ("default", "standard", "fashion") if (ROOT / "docs" / "runs" / n).is_dir()]


@pytest.fixture(scope="module")
def studies():
    return [FinishedStudy.read(ROOT / "docs" / "runs" / name) for name in NAMES]


def test_all_that_was_kept_is_compared():
    folders = {path.name for path in (ROOT / "docs" / "runs").iterdir() if path.is_dir()}
    # The pilot is kept for the margins, and compared with nothing.
    assert folders - {"pilot"} == set(NAMES)


def test_tables_are_those_of_the_runs(studies):
    paired = {study.name: paired_table(study.runs) for study in studies if study.runs is not None}
    for name, text in (
        ("claims", comparison.comparison_text(studies)),
        ("recipes", comparison.against_linear_text(studies)),
        ("paired", paired_text(paired)),
    ):
        assert (FINDINGS / f"{name}.md").read_text() == text, f"{name}.md: make findings"


def test_every_figure_is_there_and_shown(studies):
    page = (ROOT / "docs" / "findings.md").read_text()
    for name in figures_of(studies):
        assert (FINDINGS / f"{name}.png").stat().st_size > 5000
        assert f"findings/{name}.png" in page


def test_nothing_kept_names_a_place_on_a_disk():
    for path in (ROOT / "docs" / "runs").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert '"location"' not in text
            assert "local_dir" not in text
            assert str(Path.home()) not in text


def test_what_turned_since_is_what_the_default_study_says_now(studies):
    page = (ROOT / "docs" / "findings.md").read_text()
    table = page.partition("### What turned since")[2].partition("\n\nClaim 15")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    claims = next(study.claims for study in studies if study.name == "default")
    for number, before, now, why in rows[2:]:
        assert claims[int(number)]["verdict"] == now != before
        assert len(why) > 20
    assert len(rows) > 4


def test_margins_are_wider_than_what_seeds_move_in_the_pilot():
    """On images that no other study uses, of the recipes that were run with several seeds."""
    margins = configuration(ROOT).margins
    runs = pd.read_csv(ROOT / "docs" / "runs" / "pilot" / "deep_runs.csv")
    assert set(runs["data"]) == {"mnist-logit-after50000-first8000-test2000"}
    runs = runs.assign(share=100 * runs["used"] / runs["n_latent"])
    cells = runs.groupby(["model", "initial"])
    several = cells.filter(lambda cell: len(cell) > 2).groupby(["model", "initial"])
    assert len(several) == 4
    scatter = several[["elbo", "test_elbo", "share"]].std().max()
    # A mean of two seeds differs from another by the deviation of one.
    assert scatter["elbo"] < margins.elbo
    assert scatter["test_elbo"] < margins.elbo
    assert scatter["share"] < margins.latents
