import json

import numpy as np
import pandas as pd
import pytest
from inference_told import with_gaps
from lying import path_of

from linvae.inputs import Inputs
from linvae.naming import Product, Run
from linvae.tables.table1 import run_table, runs_below_bound, sigma_table, table_text


def _metrics(elbo, collapse, noise_variance):
    metrics = {
        "elbo": elbo,
        "linear_bound": -100.0,
        "noise_variance": noise_variance,
        "largest_eigenvalue": 7.0,
        "kl": 3.0,
        "tuned_elbo": elbo + 5.0,
        "tuned_noise_variance": 0.5,
        "predicted_inactive_percent": 20.0,
        "collapse_percent": {"0.01": collapse, "1": 100.0},
        "used_latents": {"0.01": 4, "1": 0},
        "above_linear": elbo + 100.0,
        "linear_elbo": -100.0,
        "test_linear_elbo": -102.0,
        "test_elbo": elbo - 1.0,
        "test_above_linear": elbo + 101.0,
        "test_collapse_percent": {"0.01": 0.0, "1": 100.0},
        "test_used_latents": {"0.01": 5, "1": 0},
        "residual_max": 2.0,
        "residual_gain": 1.5,
        "test_residual_max": 3.0,
        "test_residual_gain": 2.5,
    }
    return with_gaps(metrics)


@pytest.fixture
def inputs(tmp_path):
    paths = []
    for noise, seed, values in [
        ("fixed-0.1", 0, (-90.0, 10.0, 0.1)),
        ("fixed-0.1", 1, (-98.0, 30.0, 0.1)),
        ("fixed-30", 0, (-120.0, 80.0, 30.0)),
        ("learned-30", 0, (-95.0, 50.0, 2.0)),
    ]:
        run = Run("deep", "mnist-logit-first9", 5, noise, seed)
        path = tmp_path / path_of(Product("metrics.json", run=run))
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(_metrics(*values)))
        paths.append(str(path))
    return Inputs(paths)


def test_means_and_standard_errors_over_seeds(inputs):
    table = sigma_table(run_table(inputs, 0.01)).set_index(["kind", "initial"])
    assert list(table.index) == [("fixed", 0.1), ("fixed", 30.0), ("learned", 30.0)]
    first = table.loc[("fixed", 0.1)]
    # Of two values the standard error is half their difference.
    assert (first["elbo_mean"], first["elbo_se"]) == pytest.approx((-94.0, 4.0))
    assert (first["collapse_mean"], first["collapse_se"]) == pytest.approx((20.0, 10.0))
    assert first["test_elbo_mean"] == pytest.approx(-95.0)
    # 2 nats that the encoder costs, and 1 that the family does, above -95.
    assert first["test_elbo_optimised_mean"] == pytest.approx(-93.0)
    assert first["test_log_likelihood_mean"] == pytest.approx(-92.0)
    assert (first["amortisation_gap_mean"], first["test_approximation_gap_mean"]) == (2.0, 1.0)
    assert first["test_unreliable_data_mean"] == 4
    assert (first["linear_elbo_mean"], first["test_linear_elbo_mean"]) == (-100.0, -102.0)
    assert table["seeds"].tolist() == [2, 1, 1]
    assert (first["residual_gain_mean"], first["test_residual_gain_mean"]) == (1.5, 2.5)
    assert (first["residual_max_mean"], first["test_residual_max_mean"]) == (2.0, 3.0)
    assert table["below_bound"].tolist() == [0, 1, 0]
    assert np.isnan(table.loc[("fixed", 30.0), "elbo_se"])
    assert table.loc[("learned", 30.0), "noise_variance_mean"] == 2.0


def test_the_best_known_is_of_any_recipe_and_seed_at_the_same_noise(inputs):
    runs = run_table(inputs, 0.01).set_index(["kind", "initial", "seed"])
    assert runs["best_known"].to_dict() == {
        ("fixed", 0.1, 0): -90.0,
        ("fixed", 0.1, 1): -90.0,
        ("fixed", 30.0, 0): -120.0,
        ("learned", 30.0, 0): -95.0,
    }


def test_epsilon_chooses_the_collapse(inputs):
    assert (run_table(inputs, 1.0)["collapse"] == 100.0).all()


def test_text_names_the_runs_below_the_bound_and_no_others(inputs):
    runs = run_table(inputs, 0.01)
    text = table_text(sigma_table(runs), runs, "some data", 0.01)
    assert "some data" in text
    assert "-94.0 ± 4.0" in text
    assert "- deep, fixed-30, seed 0: 20 nats below, collapse 80 %" in text
    assert text.count("nats below,") == len(runs_below_bound(runs)) == 1
    better = runs.assign(elbo=-1.0)
    assert "Every run reached" in table_text(sigma_table(better), better, "some data", 0.01)


def test_a_total_collapse_at_the_bound_is_not_below_it(inputs):
    runs = run_table(inputs, 0.01).assign(elbo=-100.00004)
    assert sigma_table(runs)["below_bound"].tolist() == [0, 0, 0]
    assert "Every run reached" in table_text(sigma_table(runs), runs, "some data", 0.01)


def test_recipes_stand_side_by_side_in_the_order_of_their_runs(inputs):
    runs = run_table(inputs, 0.01)
    plain = runs[runs["kind"] == "fixed"].assign(model="a-plain", elbo=-110.0)
    table = sigma_table(pd.concat([runs, plain]))
    keys = table[["kind", "model", "initial"]].to_numpy().tolist()
    assert keys == [
        ["fixed", "deep", 0.1],
        ["fixed", "deep", 30.0],
        ["fixed", "a-plain", 0.1],
        ["fixed", "a-plain", 30.0],
        ["learned", "deep", 30.0],
    ]
    assert table["elbo_mean"].tolist() == [-94.0, -120.0, -110.0, -110.0, -95.0]


def test_an_error_beyond_six_digits_of_the_mean_is_left_out():
    runs = pd.DataFrame(
        {
            "model": "deep",
            "kind": "fixed",
            "initial": 1.0,
            "seed": [0, 1],
            **dict.fromkeys(
                (
                    "linear_bound",
                    "noise_variance",
                    "kl",
                    "tuned_elbo",
                    "tuned_noise_variance",
                    "collapse",
                    "linear_elbo",
                    "test_linear_elbo",
                    "test_elbo",
                    "test_elbo_optimised",
                    "test_log_likelihood",
                    "amortisation_gap",
                    "test_amortisation_gap",
                    "approximation_gap",
                    "test_approximation_gap",
                    "test_unreliable_data",
                    "test_collapse",
                    "used",
                    "residual_gain",
                    "test_residual_gain",
                    "residual_max",
                    "test_residual_max",
                    "best_known",
                ),
                0.0,
            ),
            "elbo": [3431.910001, 3431.910003],
        }
    )
    assert "| 3431.91 " in table_text(sigma_table(runs), runs, "", 0.01)
