"""Tables 2 and 3, on made-up runs in the workflow's layout."""

import pandas as pd
import pytest
from endings_study import DATA, ONE_SETTING, SETTINGS, write_endings, write_runs
from lying import path_of

from linvae.claims.end_of_training import CHECKS
from linvae.faults import KEY
from linvae.files import read_json, write_json
from linvae.inputs import Inputs
from linvae.naming import Product, Run
from linvae.tables import table2, table3

THIRD = SETTINGS | {"section": ONE_SETTING}


def second(tmp_path, settings=SETTINGS, **made):
    inputs = Inputs(write_endings(tmp_path, **made))
    return inputs, table2.tabulate(inputs, settings)


def said(table, settings=SETTINGS):
    return table2.shown(table, settings).set_index(["recipe", "sigma^2"])


def test_where_all_checks_hold_a_number_is_said_of_the_objective(tmp_path):
    inputs, table = second(tmp_path, active=60)
    rows = said(table)
    assert list(rows.index) == [("fast", "3"), ("poor", "3"), ("poor", "10")]
    row = rows.loc[("fast", "3")]
    assert row["room"] == "yes"
    assert [row[name] for name in CHECKS] == ["yes"] * 6
    assert row["train ELBO"] == "-90.0 / -90.0"
    assert row["used latents"] == "40.0 / 40.0"
    assert row["said of"] == "objective"
    without = said(second(tmp_path, active=100)[1]).loc[("fast", "3")]
    assert without["room"] == "no"
    assert [without[name] for name in CHECKS] == ["yes"] * 6
    assert without["said of"] == "objective, ELBO alone"
    text = table2.text(table, inputs, SETTINGS)
    assert "made up" in text
    assert all(f"- *{name}*: {asked}" in text for name, asked in CHECKS.items())


def test_a_start_that_ends_elsewhere_is_said_to(tmp_path):
    row = said(second(tmp_path, principal=(-80.0, 40), active=100)[1]).loc[("fast", "3")]
    assert (row["start"], row["known"], row["said of"]) == ("no", "no", "recipe")


def test_a_better_recipe_speaks_against_a_number_and_a_worse_one_does_not(tmp_path):
    better = said(second(tmp_path / "b", poor=(-85.0, 80), active=100)[1])
    assert better.loc[("fast", "3"), "known"] == "no"
    assert better.loc[("poor", "3"), "known"] == "yes"
    worse = said(second(tmp_path / "w", poor=(-95.0, 80), active=100)[1])
    assert worse.loc[("fast", "3"), "known"] == "yes"
    assert worse.loc[("poor", "3"), "known"] == "no"


def test_checks_that_were_not_run_are_told_as_such(tmp_path):
    row = said(second(tmp_path)[1]).loc[("poor", "10")]
    assert row[["start", "longer", "slower", "reopened"]].tolist() == ["not run"] * 4
    assert row["said of"] == "recipe"


def test_reopened_latents_are_compared_with_those_of_the_run(tmp_path):
    table = second(tmp_path, kept=90)[1]
    (row,) = table[(table["check"] == "reopened") & (table["recipe"] == "fast")].to_dict("records")
    assert row["mean"] == pytest.approx(50.0)
    assert row["side"] == "beyond"


def test_runs_on_other_images_are_in_no_cell(tmp_path):
    paths = write_endings(tmp_path, active=100)
    for seed in (0, 1, 2):
        run = Run("fast", DATA.replace("first60", "first30"), 100, "fixed-3", seed)
        path = tmp_path / path_of(Product("metrics.json", run=run))
        path.parent.mkdir(parents=True)
        own = Run("fast", DATA, 100, "fixed-3", seed)
        told = read_json(tmp_path / path_of(Product("metrics.json", run=own)))
        write_json(path, told | {"elbo": -500.0, "test_elbo": -500.0})
        paths.append(str(path))
    table = table2.tabulate(Inputs(paths), SETTINGS)
    ends = table[(table["check"] == "end") & (table["with"] == "fast")]
    assert ends["seeds"].unique().tolist() == [3]
    assert said(table).loc[("fast", "3"), "start"] == "yes"


def test_margins_decide(tmp_path):
    wide = SETTINGS | {"margins": SETTINGS["margins"] | {"elbo": 50.0}}
    table = second(tmp_path, wide, principal=(-80.0, 40), active=100)[1]
    assert said(table, wide).loc[("fast", "3"), "start"] == "yes"


def test_a_run_that_could_not_be_measured_is_left_out(tmp_path):
    paths = write_endings(tmp_path)
    run = Run("fast", DATA, 100, "fixed-3", 0)
    write_json(tmp_path / path_of(Product("metrics.json", run=run)), {KEY: "the ELBO is nan"})
    table = table2.tabulate(Inputs(paths), SETTINGS)
    ends = table[(table["check"] == "end") & (table["with"] == "fast")]
    assert ends["seeds"].unique().tolist() == [2]


def test_a_study_of_which_nothing_could_be_measured_has_a_table(tmp_path):
    inputs = Inputs([path for path in write_endings(tmp_path) if path.endswith("provenance.json")])
    for module, settings in ((table2, SETTINGS), (table3, THIRD)):
        table = module.tabulate(inputs, settings)
        assert table.empty
        assert "No run could be measured" in module.text(table, inputs, settings)


def test_single_settings_are_compared_with_the_base(tmp_path):
    paths = write_endings(tmp_path)
    for noise in ONE_SETTING["noises"]:
        paths += write_runs(tmp_path, ["plain"], noise, [0, 1, 2], -120, 1)
    paths += write_runs(tmp_path, ["poor"], "learned-3", [0, 1, 2], -100, 5)
    inputs = Inputs(paths)
    table = table3.tabulate(inputs, THIRD)
    assert table["noise"].tolist() == ["fixed-10", "fixed-10", "learned-3", "learned-3"]
    assert table["recipe"].tolist() == ["plain", "poor"] * 2
    assert table["changed"].tolist() == ["", "learning_rate 0.1"] * 2
    learned = table.iloc[3]
    assert learned["above_linear_change"] == pytest.approx(20.0, abs=0.1)
    assert learned["above_linear_change_low"] < 20.0 < learned["above_linear_change_high"]
    assert pd.isna(table.iloc[0]["above_linear_change"])
    rows = table3.shown(table, THIRD)
    assert rows["sigma^2"].tolist() == ["10", "10", "learned from 3", "learned from 3"]
    assert rows.iloc[0]["change of used latents"] == "-"
    assert rows.iloc[3]["change of train ELBO - linear"].startswith("20.0 ± ")
    assert "differs from plain in" in table3.text(table, inputs, THIRD)
