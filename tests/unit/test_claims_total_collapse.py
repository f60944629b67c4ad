import pandas as pd
import pytest
from deep_runs import deep_runs

from linvae.claims.total_collapse import total_collapse

FAILED = deep_runs({1.0: 100.0}, elbo=-200.0, n_seeds=1)
ESCAPED = deep_runs({1.0: 10.0}, elbo=-95.0, n_seeds=1, model="slow")
ABOVE = deep_runs({80.0: 100.0}, n_seeds=1)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([FAILED, ESCAPED, ABOVE], "supported"),
        ([FAILED, ABOVE], "inconclusive"),
        ([FAILED, ESCAPED.assign(elbo=-250.0)], "inconclusive"),
        ([FAILED, ESCAPED.assign(initial=2.0)], "inconclusive"),
        ([FAILED.assign(elbo=-99.0), ESCAPED, ABOVE], "not supported"),
        ([ESCAPED, ABOVE], "supported"),
        ([ESCAPED.assign(elbo=-500.0), ABOVE], "inconclusive"),
        ([ESCAPED], "inconclusive"),
    ],
)
def test_claim_12_total_collapse(runs, verdict):
    assert total_collapse(pd.concat(runs)).verdict == verdict


def test_claim_12_lists_failures_and_what_escapes():
    found = total_collapse(pd.concat([FAILED, ESCAPED, ABOVE]))
    (failure,) = found.numbers["failures"]
    assert failure["bound_minus_elbo"] == pytest.approx(100.0)
    assert failure["escapes"] == [{"model": "slow", "seed": 0, "elbo": -95.0}]
    assert found.numbers["n_total_above"] == 1
