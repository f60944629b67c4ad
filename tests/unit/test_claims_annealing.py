import pandas as pd
import pytest
from deep_runs import deep_runs

from linvae.claims.annealing import annealing_leaves_collapse

PAIRS = [("deep", "annealed")]


def _annealed(before, after, n_seeds=3):
    return pd.concat(
        [deep_runs(before, n_seeds=n_seeds), deep_runs(after, n_seeds=n_seeds, model="annealed")]
    )


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_annealed({1.0: 50.0, 9.0: 90.0}, {1.0: 45.0, 9.0: 90.0}), "supported"),
        (_annealed({1.0: 50.0, 9.0: 90.0}, {1.0: 5.0, 9.0: 90.0}), "not supported"),
        (_annealed({1.0: 50.0}, {1.0: 45.0}, n_seeds=1), "inconclusive"),
        (_annealed({1.0: 2.0}, {1.0: 0.0}), "inconclusive"),
        (_annealed({1.0: 50.0}, {2.0: 50.0}), "inconclusive"),
        (_annealed({1.0: 50.0}, {1.0: 5.0}).assign(elbo=-300.0), "inconclusive"),
    ],
)
def test_claim_11_annealing(runs, verdict):
    assert annealing_leaves_collapse(runs, PAIRS).verdict == verdict


def test_claim_11_pairs_by_seed_and_noise():
    found = annealing_leaves_collapse(_annealed({1.0: 50.0}, {1.0: 45.0}), PAIRS)
    (row,) = found.numbers.values()
    assert (row["elbo_gained"]["mean"], row["test_elbo_gained"]["mean"]) == (0.0, 0.0)
    # Of 50 latents, five percent: 2.5, counted in whole ones.
    assert row["used_gained"]["mean"] == pytest.approx(2.33, abs=0.4)
    assert row["removed"] == pytest.approx({"mean": 5.0, "low": 5.0, "high": 5.0, "n": 3})
