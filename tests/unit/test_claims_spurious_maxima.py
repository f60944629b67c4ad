import pandas as pd
import pytest

from linvae.claims.spurious_maxima import no_spurious_maxima


def _starts(n=20, **changes):
    table = pd.DataFrame({"kind": ["random", "collapsed"] * (n // 2), "gap": 1e-7})
    table = table.assign(converged=True, iterations=100, mean_abs_cos=0.99999)
    for column, value in changes.items():
        table.loc[3, column] = value
    return table


@pytest.mark.parametrize(
    ("starts", "verdict"),
    [
        (_starts(), "supported"),
        (_starts(n=10), "inconclusive"),
        (_starts(gap=5.0), "not supported"),
        (_starts(gap=5.0, converged=False), "inconclusive"),
    ],
)
def test_claim_2_restarts(starts, verdict):
    found = no_spurious_maxima(starts)
    assert found.verdict == verdict
    assert found.numbers["worst_gap"] == starts["gap"].max()
    assert sum(found.numbers["n_by_kind"].values()) == len(starts)
