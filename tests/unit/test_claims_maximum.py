import numpy as np
import pandas as pd
import pytest

from linvae.claims.maximum import columns_are_components, reaches_maximum
from linvae.claims.rows import falling_share


def test_falling_share_is_of_the_last_tenth():
    curve = pd.DataFrame({"step": [0, 50, 90, 100], "gap": [9.0, 5.0, 4.0, 3.0]})
    assert falling_share(curve) == pytest.approx(0.25)
    assert falling_share(curve.assign(gap=0.0)) == 0.0


def _runs(gaps, falling=0.0, cosine=0.999):
    rows = [
        {"optimiser": name, "seed": seed, "gap": gap, "falling": falling, "mean_abs_cos": cosine}
        for name, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    return pd.DataFrame(rows).eval("marginal_gap = 0.75 * gap\ninference_gap = 0.25 * gap")


@pytest.mark.parametrize(
    ("gaps", "falling", "verdict"),
    [
        ({"adam": [20.0, 21.0], "lbfgs": [1e-6, 2e-6]}, 0.5, "supported"),
        ({"adam": [20.0, 21.0], "lbfgs": [1e-6, 3.0]}, 0.0, "not supported"),
        ({"adam": [20.0, 21.0]}, 0.5, "inconclusive"),
        ({"adam": [-1.0, 1e-6]}, 0.0, "not supported"),
    ],
)
def test_claim_1_maximum_is_reached(gaps, falling, verdict):
    found = reaches_maximum(_runs(gaps, falling))
    assert found.verdict == verdict
    assert set(found.numbers) == set(gaps)
    assert found.numbers["adam"]["gap"]["mean"] == pytest.approx(np.mean(gaps["adam"]))
    assert all(name in found.explanation for name in gaps)


@pytest.mark.parametrize(
    ("gaps", "cosine", "verdict"),
    [
        ({"adam": [20.0], "lbfgs": [1e-6]}, 0.999, "supported"),
        ({"adam": [20.0], "lbfgs": [1e-6]}, 0.5, "not supported"),
        ({"adam": [20.0]}, 0.999, "inconclusive"),
    ],
)
def test_claim_3_columns_are_judged_at_the_maximum(gaps, cosine, verdict):
    runs = _runs(gaps, cosine=cosine)
    # What a run short of the maximum does decides nothing.
    runs.loc[runs["optimiser"] == "adam", "mean_abs_cos"] = 0.2
    found = columns_are_components(runs)
    assert found.verdict == verdict
    assert "20 nats short" in found.explanation
    assert "15 in the likelihood" in found.explanation
