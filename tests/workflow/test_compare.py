"""Finished studies side by side: claims by study, and their collapse in one figure."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from project import ROOT

from linvae.files import read_json
from linvae.report.evidence_table import main_lines, rows_of
from linvae.report.kept import quotable


def compare(*arguments, script="compare"):
    return subprocess.run(
        [sys.executable, ROOT / "workflow" / "scripts" / f"{script}.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def studies(finished, tmp_path_factory):
    """The tiny study, and the same under another name with one verdict turned."""
    folder = tmp_path_factory.mktemp("studies")
    first = finished.folder / "results" / "tiny"
    shutil.copytree(first, folder / "other")
    study = read_json(first / "study.json")
    claims = read_json(first / "claims.json")
    claims[0] |= {"verdict": "not supported"}
    (folder / "other" / "study.json").write_text(json.dumps(study | {"name": "other"}))
    (folder / "other" / "claims.json").write_text(json.dumps(claims[:3]))
    return first, folder / "other"


def test_every_claim_that_ran_has_a_main_row(finished):
    claims = read_json(finished.folder / "results" / "tiny" / "claims.json")
    ran = [claim for claim in claims if claim["rows"]]
    assert len(ran) >= 12
    # At one noise variance there is nothing to compare.
    without = {claim["id"] for claim in ran if not main_lines(rows_of(claim))}
    assert without <= {7, 8, 9}


def test_verdicts_stand_side_by_side(studies, tmp_path):
    done = compare(*studies, "--to", tmp_path / "compared")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "compared" / "claims.csv", keep_default_na=False)
    given = {claim["id"]: claim["verdict"] for claim in read_json(studies[0] / "claims.json")}
    assert dict(zip(table["claim"], table["tiny: verdict"], strict=True)) == given
    assert list(table["other: verdict"][:3]) == ["not supported", given[2], given[3]]
    assert set(table["other: verdict"][3:]) == {"not run"}
    text = (tmp_path / "compared" / "claims.md").read_text()
    assert text.count("\n## Claim ") == len(given)
    assert "| other | not supported |" in text
    recipes = pd.read_csv(tmp_path / "compared" / "recipes.csv")
    own = pd.read_csv(studies[0] / "tables" / "table1_sigma.csv").query("kind == 'fixed'")
    assert len(recipes) == 2 * len(own)
    first = own.sort_values("initial", ascending=False, kind="stable").iloc[0]
    above = first["test_elbo_mean"] - first["test_linear_elbo_mean"]
    assert recipes["test ELBO"].iloc[0] == pytest.approx(above)
    assert "## other" in (tmp_path / "compared" / "recipes.md").read_text()
    for name in ("collapse", "held_out", "used"):
        for kind in ("png", "pdf"):
            assert (tmp_path / "compared" / f"{name}.{kind}").stat().st_size > 5000


def test_what_cannot_be_compared_is_one_line(studies, tmp_path):
    for folders, told in (
        ((studies[0], studies[0]), "two studies have one name (tiny, tiny): give one"),
        ((tmp_path,), "study.json is missing: is this the folder of a finished study?"),
    ):
        done = compare(*folders, "--to", tmp_path / "compared")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert told in line.replace("claims.json", "study.json")


@pytest.fixture(scope="module")
def kept(studies, tmp_path_factory):
    to = tmp_path_factory.mktemp("kept")
    done = compare(studies[0], "--to", to, script="keep")
    assert done.returncode == 0, done.stderr
    return to / "tiny"


def test_what_documents_quote_is_kept(studies, kept):
    found = quotable(kept)
    claims = read_json(studies[0] / "claims.json")
    assert {number: claim["verdict"] for number, claim in found["claims"].items()} == {
        str(claim["id"]): claim["verdict"] for claim in claims
    }
    rows = pd.read_csv(studies[0] / "tables" / "table1_sigma.csv")
    assert len(found["table1"]) == len(rows)
    row = rows[rows["kind"] == "fixed"].iloc[0]
    told = found["table1"][f"{row['model']} fixed {row['initial']:g}"]
    assert told["elbo_mean"] == pytest.approx(row["elbo_mean"], rel=1e-7)
    assert "location" not in read_json(kept / "study.json")["data"]


def test_what_was_kept_compares_as_the_study_itself(studies, kept, tmp_path):
    for name, folder in (("whole", studies[0]), ("kept", kept)):
        done = compare(folder, "--to", tmp_path / name)
        assert done.returncode == 0, done.stderr
    for name in ("claims.md", "recipes.md", "paired.md"):
        assert (tmp_path / "kept" / name).read_text() == (tmp_path / "whole" / name).read_text()
    for name in ("collapse", "held_out", "used"):
        assert (tmp_path / "kept" / f"{name}.png").is_file()


def test_a_study_stands_beside_the_one_that_was_kept_of_it(studies, kept, tmp_path):
    done = compare(f"mine={studies[0]}", kept, "--to", tmp_path)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "claims.csv", keep_default_na=False)
    assert list(table["mine: measured"]) == list(table["tiny: measured"])
