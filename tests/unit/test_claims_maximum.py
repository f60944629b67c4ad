"""Claims 1 and 3 on made-up runs."""

import numpy as np
import pandas as pd
import pytest

from linvae.claims.maximum import columns_are_components, reaches_maximum

REACHED, ALIGNED = 0.01, 0.99


def _runs(gaps, cosine=0.999, ended=("lbfgs", "plain")):
    rows = [
        {"optimiser": name, "seed": seed, "gap": gap, "mean_abs_cos": cosine}
        for name, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    runs = pd.DataFrame(rows).eval("marginal_gap = 0.75 * gap\ninference_gap = 0.25 * gap")
    return runs.assign(ended=runs["optimiser"].isin(ended), rotates=runs["optimiser"] == "lbfgs")


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ({"adam": [20.0, 21.0], "lbfgs": [1e-6, 2e-6]}, "supported"),
        ({"adam": [20.0, 21.0], "lbfgs": [1e-6, 3.0]}, "not supported"),
        # A budget that ends decides nothing, however even the results.
        ({"adam": [20.0, 20.0]}, "inconclusive"),
        ({"adam": [-1.0, 1e-6]}, "not supported"),
    ],
)
def test_claim_1_maximum_is_reached(gaps, verdict):
    found = reaches_maximum(_runs(gaps), REACHED)
    assert found.verdict == verdict
    assert set(found.numbers) == set(gaps)
    assert found.numbers["adam"]["gap"]["mean"] == pytest.approx(np.mean(gaps["adam"]))
    assert all(name in found.explanation for name in gaps)


@pytest.mark.parametrize(
    ("gaps", "cosine", "verdict"),
    [
        ({"adam": [20.0], "lbfgs": [1e-6], "plain": [1e-7]}, 0.999, "supported"),
        ({"adam": [20.0], "lbfgs": [1e-6], "plain": [1e-7]}, 0.5, "not supported"),
        # Rotations alone build the alignment in.
        ({"adam": [20.0], "lbfgs": [1e-6]}, 0.999, "inconclusive"),
        ({"adam": [20.0]}, 0.999, "inconclusive"),
    ],
)
def test_claim_3_columns_are_judged_at_the_maximum(gaps, cosine, verdict):
    runs = _runs(gaps, cosine=cosine)
    # What a run short of the maximum does decides nothing.
    runs.loc[runs["optimiser"] == "adam", "mean_abs_cos"] = 0.2
    found = columns_are_components(runs, REACHED, ALIGNED)
    assert found.verdict == verdict
    assert "20 nats short" in found.explanation
    assert "15 in the likelihood" in found.explanation


def test_claim_3_does_not_judge_a_run_whose_budget_ended_near_the_maximum():
    runs = _runs({"lbfgs": [1e-6], "plain": [1e-3]}, ended=("lbfgs",))
    runs.loc[runs["optimiser"] == "plain", "mean_abs_cos"] = 0.9
    assert columns_are_components(runs, REACHED, ALIGNED).verdict == "inconclusive"
