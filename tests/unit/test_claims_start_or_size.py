"""Claim 15: start or size."""

import numpy as np
import pandas as pd
import pytest
from deep_runs import MARGINS, deep_runs

from linvae.claims.apart_from_size import recipes_apart_from_size
from linvae.claims.start_or_size import start_decides
from linvae.settings.model import ModelSettings

SIZES = [(100, "256-256", "d4000"), (50, "256-256", "d4000"), (100, "256-256", "d2000")]


def case(factors_of_sizes, factor_of_start, n_seeds=(3, 1, 1), cost=0.0, scatter=0.0, seed=0):
    """Runs at one noise variance from two starts, at three sizes."""
    parts = []
    for start, factor, nats in (("random", 1.0, 0.0), ("principal", factor_of_start, cost)):
        for (k, hidden, data), of_size, n in zip(SIZES, factors_of_sizes, n_seeds, strict=True):
            runs = deep_runs({3.0: 70.0}, n_seeds=n, elbo=-90.0 - nats, jitter=0.0)
            used = 30.0 * factor * of_size
            runs = runs.assign(n_latent=k, layers=hidden, data=data, start=start, recipe="deep")
            parts.append(runs.assign(used=used, test_used=used))
    return other_seeds(pd.concat(parts, ignore_index=True), scatter, seed)


def other_seeds(runs, scatter, seed):
    """Scatter numbers of latents by a share, alike on train and test in part; ELBOs by 0.5 nats."""
    rng = np.random.default_rng(seed)
    shared, train, test, nats = rng.normal(size=(4, len(runs)))
    return runs.assign(
        used=runs["used"] * np.exp(scatter * (shared + train) / np.sqrt(2)),
        test_used=runs["test_used"] * np.exp(scatter * (shared + test) / np.sqrt(2)),
        elbo=runs["elbo"] + 0.5 * nats * (scatter > 0),
    )


def judge(runs):
    return start_decides(runs, MARGINS)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (case([1, 1.05, 0.95], 2.0, scatter=0.03), "supported"),
        # Sizes that matter refute, whatever starts do.
        (case([1, 1.8, 1], 1.0, scatter=0.03), "not supported"),
        (case([1, 1.8, 1], 3.0, scatter=0.03), "not supported"),
        # Starts at other ELBOs show nothing.
        (case([1, 1.05, 0.95], 2.0, scatter=0.03, cost=8.0), "inconclusive"),
        (case([1, 1.8, 1], 2.0, scatter=0.03, cost=8.0), "not supported"),
        (case([1, 1, 1], 1.0, scatter=0.03), "inconclusive"),
        (case([1, 1.05, 0.95], 2.0), "inconclusive"),
        (case([1, 1.05, 0.95], 2.0, n_seeds=(1, 1, 1), scatter=0.03), "inconclusive"),
    ],
)
def test_start_or_size(runs, verdict):
    assert judge(runs).verdict == verdict


TWICE = (1 + MARGINS.sizes) ** 2


@pytest.mark.parametrize(
    ("sizes", "start", "n_seeds", "verdict"),
    [
        ([1, 1, 1], 1.0, (2, 1, 1), "inconclusive"),
        ([1, 1, 1], 1.0, (3, 3, 3), "inconclusive"),
        ([1, 1, 1], TWICE, (3, 3, 3), "supported"),
        ([1, TWICE, 1], 1.0, (3, 3, 3), "not supported"),
    ],
)
def test_null_and_planted_studies(sizes, start, n_seeds, verdict):
    runs = case(sizes, start, n_seeds)
    found = [judge(other_seeds(runs, 0.03, seed)).verdict for seed in range(100)]
    assert found.count(verdict) >= 95
    assert set(found) <= {verdict, "inconclusive"}


def test_train_and_test_stand_apart():
    runs = case([1, 1.05, 0.95], 2.0, scatter=0.03)
    runs["test_used"] = case([1, 1.8, 1], 1.0, scatter=0.03)["test_used"]
    splits = judge(runs).numbers["deep"]["3"]["splits"]
    assert (splits["train"]["answer"], splits["test"]["answer"]) == ("yes", "no")
    assert judge(runs).verdict == "not supported"


def test_ratios_and_a_ceiling_are_told():
    runs = case([1, 1.05, 0.95], 2.0, n_seeds=(3, 1, 1), scatter=0.001)
    found = judge(runs)
    numbers = found.numbers["deep"]["3"]["splits"]["train"]
    assert numbers["ratio_of_starts"]["mean"] == pytest.approx(2.0, rel=0.01)
    assert numbers["ratio_of_sizes"]["random"]["mean"] == pytest.approx(1.05 / 0.95, rel=0.01)
    # 63 latents of 50.
    assert "from principal k = 50 leaves no room" in found.explanation
    assert "from random k" not in found.explanation


def test_one_start_or_one_size_makes_no_case():
    runs = case([1, 1, 1], 2.0, scatter=0.03)
    for part in (runs[runs["start"] == "random"], runs[runs["n_latent"] == 50]):
        found = judge(part)
        assert (found.verdict, found.numbers) == ("inconclusive", {})


def test_models_that_differ_in_start_and_width_are_one_recipe():
    def model(start="random", hidden=(8, 8), steps=9, standardize=False, records=9):
        return ModelSettings.model_validate(
            {
                "encoder": {"hidden": hidden, "posterior": "amortised"},
                "decoder": {"hidden": hidden},
                "start": {"weights": start, "standardize": standardize},
                "training": {"objective": "stochastic", "steps": steps},
                "job": {"records": records},
            }
        )

    settings = {
        "principal": model("principal"),
        "plain": model(),
        "narrow": model(hidden=(4, 4), records=3),
        "narrow-principal": model("principal", hidden=(4, 4)),
        "longer": model(steps=18),
        "standard": model(standardize=True),
    }
    models = pd.Series([*settings, "plain"], index=range(10, 17))
    found = recipes_apart_from_size(models, settings)
    assert list(found.index) == list(models.index)
    expected = ["plain"] * 4 + ["longer", "standard", "plain"]
    assert found["recipe"].tolist() == expected
    assert found["start"].tolist()[:4] == ["principal", "random", "random", "principal"]
    assert found["layers"].tolist()[:4] == ["8-8", "8-8", "4-4", "4-4"]
