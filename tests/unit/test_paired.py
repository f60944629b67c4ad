"""Recipes are paired by seed, where all else is equal, and what is kept gives the same pairs."""

import io
import json
import math

import pandas as pd
import pytest
from scipy import stats

from linvae.files import write_csv, write_json
from linvae.report.kept import quotable
from linvae.tables.paired import paired_table, paired_text

ROUND = {"kind": "fixed", "data": "mnist-logit-first20", "n_latent": 4, "layers": "16-16"}


def run(model, seed, elbo, used=3.0, initial=3.0, length="100 of 8", **other):
    measured = {"elbo": elbo, "test_elbo": elbo - 5, "test_elbo_optimised": elbo - 3}
    measured |= {"test_log_likelihood": elbo - 2, "test_inference_gap": 3.0}
    named = {"model": model, "seed": seed, "initial": initial, "length": length, "used": used}
    return {**ROUND, **named, **measured, **other}


RUNS = pd.DataFrame(
    [
        run("deep", 0, -100.0),
        run("deep", 1, -110.0),
        run("deep", 2, -120.0),
        run("deep-long", 0, -50.0, length="200 of 8"),
        run("deep", 0, -70.0, initial=10.0),
        run("other", 2, -113.0, used=1.0),
        run("other", 0, -98.0, used=1.0),
        run("other-long", 0, -51.0, length="200 of 8"),
        run("other", 7, 0.0, initial=10.0),
        run("learns", 0, -1.0, kind="learned"),
        run("wide", 0, -2.0, layers="32-32"),
    ]
)


def test_seeds_of_both_are_paired_whatever_their_order():
    table = paired_table(RUNS)
    assert list(table["recipe"]) == ["other", "other-long"]
    assert list(table["less"]) == ["deep", "deep-long"]
    row = table.iloc[0]
    differences = [2.0, 7.0]  # Seeds 0 and 2; unpaired the means differ by 4.5 too.
    half = stats.t.ppf(0.975, 1) * (7.0 - 2.0) / 2.0
    assert row["seeds"] == 2
    assert row["elbo"] == pytest.approx(sum(differences) / 2)
    assert row["elbo_low"] == pytest.approx(4.5 - half)
    assert row["elbo_high"] == pytest.approx(4.5 + half)


def test_what_is_the_same_in_all_seeds_or_seen_once_has_no_interval():
    table = paired_table(RUNS)
    assert table.iloc[0]["used"] == -2.0
    assert math.isnan(table.iloc[0]["used_low"])
    assert table.iloc[1]["elbo"] == -1.0
    assert math.isnan(table.iloc[1]["elbo_low"])
    text = paired_text({"mine": table})
    assert "| `other` less `deep` | 2 | −2 | 4 [" in text
    assert "| `other-long` less `deep-long` | 1 | 0 | −1 | −1 |" in text


def test_nothing_to_pair_is_an_empty_table():
    assert paired_table(RUNS[RUNS["model"] == "deep"]).empty
    assert paired_table(pd.DataFrame()).empty


def test_a_file_gives_the_same_pairs():
    file = io.StringIO(RUNS.to_csv(index=False))
    pd.testing.assert_frame_equal(paired_table(pd.read_csv(file)), paired_table(RUNS))


def test_quotations_reach_means_and_pairs(tmp_path):
    write_json(tmp_path / "study.json", {"name": "mine", "data": {"label": "images"}})
    write_json(tmp_path / "claims.json", [{"id": 3, "verdict": "supported", "numbers": {}}])
    write_csv(tmp_path / "deep_runs.csv", RUNS)
    found = quotable(tmp_path)
    assert found["claims"]["3"]["verdict"] == "supported"
    where = "3, k = 4, mnist-logit-first20"
    assert found["cells"][f"deep fixed {where}"]["elbo"] == pytest.approx(-110.0)
    assert found["paired"][f"other less deep, {where}"]["elbo"] == pytest.approx(4.5)
    assert json.dumps(found["table1"]) == "{}"
