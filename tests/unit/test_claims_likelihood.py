"""Claims on ELBO and likelihood: planted effects, null data, and what they must not decide."""

import numpy as np
import pandas as pd
import pytest

from linvae.claims.inference_costs import encoder_costs_more
from linvae.claims.more_latents import more_latents
from linvae.claims.same_order import same_order
from linvae.settings.margins import Margins

MARGINS = Margins()
STUDIES = 100


def trained_on(rng, used=0.0, scatter=0.5, seeds=3, variances=(3.0, 10.0)):
    """Make up runs trained on by both bounds: latents that the importance-weighted one has more."""
    return pd.DataFrame(
        [
            {"model": model, "initial": variance, "n_latent": 100, "seed": seed,
             "cpu_seconds": 60.0, "decoder_used": round(used + scatter * rng.normal()),
             "test_decoder_used": round(used + scatter * rng.normal()),
             "decoder_kl": 0.1, "test_decoder_kl": 0.1, "iwae": 1.0, "test_iwae": 0.5}
            for model in ("deep", "deep-principal")
            for variance in variances
            for seed in range(seeds)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("used", "verdict"), [(12.0, "supported"), (0.0, "not supported"), (-9.0, "not supported")]
)
def test_the_bound_that_uses_more_latents_is_told_from_one_that_does_not(used, verdict):
    found = more_latents(trained_on(np.random.default_rng(0), used, scatter=0.0), MARGINS)
    assert found.verdicts == {"deep": verdict, "deep-principal": verdict}
    assert found.verdict == verdict


def test_what_scatters_as_widely_as_the_margin_decides_nothing():
    rng = np.random.default_rng(1)
    found = [more_latents(trained_on(rng, scatter=4.0), MARGINS) for _ in range(STUDIES)]
    assert sum(f.verdict == "supported" for f in found) == 0
    wrong = sum("supported" in f.verdicts.values() for f in found)
    assert wrong <= 0.05 * STUDIES
    row = next(row for row in found[0].rows if row.answer == "undecided")
    assert "more seed" in row.settles


def test_use_on_one_split_alone_is_not_enough():
    runs = trained_on(np.random.default_rng(0), 12.0, scatter=0.0).assign(test_decoder_used=0)
    assert more_latents(runs, MARGINS).verdict == "not supported"


def test_a_bound_that_rises_is_only_reported():
    runs = trained_on(np.random.default_rng(0), scatter=0.0).assign(test_iwae=50.0, iwae=50.0)
    found = more_latents(runs, MARGINS)
    told = [row for row in found.rows if row.quantity.startswith("importance-weighted bound")]
    assert {row.answer for row in told} == {None}
    assert found.verdict == "not supported"


def test_without_runs_nothing_is_said():
    assert more_latents(pd.DataFrame(), MARGINS).verdict == "inconclusive"
    assert encoder_costs_more(pd.DataFrame(), MARGINS).verdict == "inconclusive"
    assert same_order(pd.DataFrame(), MARGINS).verdict == "inconclusive"


def deep(rng, amortisation, approximation, seeds=3, variances=(3.0, 10.0), model="deep"):
    return pd.DataFrame(
        [
            {"model": model, "initial": variance, "n_latent": 100, "seed": seed,
             **{f"{prefix}amortisation_gap": amortisation + 0.2 * rng.normal()
                for prefix in ("", "test_")},
             **{f"{prefix}approximation_gap": approximation + 0.2 * rng.normal()
                for prefix in ("", "test_")},
             "unreliable_data": 60, "test_unreliable_data": 64, "data": "mnist",
             "cpu_seconds": 60.0}
            for variance in variances
            for seed in range(seeds)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("amortisation", "approximation", "verdict"),
    [
        (20.0, 8.0, "supported"),
        # More, but by less than log p(x) may be higher than its estimate.
        (8.3, 8.0, "inconclusive"),
        (4.0, 8.0, "not supported"),
        (8.0, 8.0, "inconclusive"),
    ],
)
def test_the_encoder_costs_more_only_beyond_what_the_estimate_may_lack(
    amortisation, approximation, verdict
):
    found = encoder_costs_more(deep(np.random.default_rng(0), amortisation, approximation), MARGINS)
    assert found.verdict == verdict
    assert found.numbers["images whose log p(x) is not to be trusted"]["test"] == {"deep": 64.0}


def test_one_cell_can_refute_it():
    rng = np.random.default_rng(0)
    cells = [deep(rng, 20.0, 8.0, variances=(3.0,)), deep(rng, 1.0, 8.0, variances=(10.0,))]
    found = encoder_costs_more(pd.concat(cells), MARGINS)
    assert found.verdicts == dict.fromkeys(("train images", "test images"), "not supported")
    refuting = [row for row in found.rows if row.answer == "no"]
    assert {row.condition for row in refuting} == {"deep, sigma^2 = 10, k = 100"}
    counted = [row.mean for row in found.rows if row.quantity.startswith("recipes at a sigma^2")]
    assert counted == [1.0, 1.0]


def test_each_split_has_its_own_verdict():
    runs = deep(np.random.default_rng(0), 20.0, 8.0).assign(amortisation_gap=1.0)
    found = encoder_costs_more(runs, MARGINS)
    assert found.verdicts == {"train images": "not supported", "test images": "supported"}
    assert found.verdict == "inconclusive"


def test_where_nothing_is_lacking_nothing_is_divided():
    rng = np.random.default_rng(0)
    runs = pd.concat([deep(rng, 20.0, 8.0), deep(rng, 0.0, 0.1, model="collapsed")])
    assert encoder_costs_more(runs, MARGINS).verdict == "supported"
    assert encoder_costs_more(deep(rng, 0.0, 0.1), MARGINS).rows == ()


def test_without_an_upper_bound_more_seeds_do_not_settle_a_small_excess():
    found = encoder_costs_more(deep(np.random.default_rng(0), 8.25, 8.0), MARGINS)
    assert {row.settles for row in found.rows if row.answer} == {"an upper bound of log p(x)"}


def recipes(rng, *, elbo, log_p, used=(30.0, 90.0), scatter=0.3, seeds=3):
    """Make up two recipes at one sigma^2, the first ahead by `elbo` and by `log_p`."""
    rows = []
    for i, model in enumerate(("muon", "adam")):
        for seed in range(seeds):
            row = {"model": model, "initial": 3.0, "n_latent": 100, "data": "mnist", "layers": "9",
                   "seed": seed, "used": used[i]}  # fmt: skip
            for prefix in ("", "test_"):
                row[f"{prefix}elbo_optimised"] = (1 - i) * elbo + scatter * rng.normal()
                row[f"{prefix}log_likelihood"] = 5 + (1 - i) * log_p + scatter * rng.normal()
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("elbo", "log_p", "verdict"),
    [
        (12.0, 13.0, "supported"),
        (-12.0, -13.0, "supported"),
        (12.0, -13.0, "not supported"),
        (-12.0, 13.0, "not supported"),
        # Within what the slacks of two lower bounds may differ by.
        (12.0, 1.0, "inconclusive"),
        # Neither is preferred.
        (0.0, 13.0, "inconclusive"),
    ],
)
def test_both_prefer_one_recipe_or_not(elbo, log_p, verdict):
    found = same_order(recipes(np.random.default_rng(2), elbo=elbo, log_p=log_p), MARGINS)
    assert found.verdict == verdict
    better = "muon less adam" if elbo > 0 else "adam less muon"
    if elbo:
        assert all(better in row.quantity for row in found.rows)
        sign = 1 if elbo * log_p > 0 else -1
        assert all(np.sign(row.interval.mean) == sign for row in found.rows)
        assert all(row.interval.low < row.interval.high for row in found.rows)


def test_recipes_that_use_as_many_latents_are_not_compared():
    found = same_order(
        recipes(np.random.default_rng(0), elbo=12.0, log_p=-13.0, used=(50.0, 52.0)), MARGINS
    )
    assert found.verdict == "inconclusive"
    assert not found.rows


def test_two_recipes_that_are_the_same_are_ordered_in_few_studies():
    rng = np.random.default_rng(3)
    found = [same_order(recipes(rng, elbo=0.0, log_p=0.0, scatter=2.0), MARGINS).verdict
             for _ in range(STUDIES)]  # fmt: skip
    assert found.count("inconclusive") >= 0.95 * STUDIES


def test_networks_of_other_sizes_are_not_compared():
    runs = recipes(np.random.default_rng(0), elbo=12.0, log_p=-13.0)
    runs.loc[runs["model"] == "adam", "layers"] = "99"
    assert not same_order(runs, MARGINS).rows
