import pandas as pd
import pytest

from linvae.claims.added_saddles import added_saddles

NOTHING = float("nan")


def _points(**changes):
    """Two numbers of latents, both ways on; changes are made to one row."""
    table = pd.DataFrame({"n_latent": [4, 4, 8, 8], "way": ["along", "against"] * 2})
    table = table.assign(
        gap=0.5, predicted_gap=0.5, marginal_gap=0.25, gradient=1e-7, likelihood_gradient=0.1,
        curvature=1e-3, turning_curvature=5e-4, end_gap=1e-3, end_gradient=1e-3,
        end_curvature=NOTHING, saddles=1, iterations=900,
    )  # fmt: skip
    for column, value in changes.items():
        table.loc[2, column] = value
    return table


@pytest.mark.parametrize(
    ("points", "verdict"),
    [
        (_points(), "supported"),
        # A maximum where L-BFGS stopped, or at the end of a way on.
        (_points(curvature=-1e-3), "not supported"),
        (_points(end_gap=0.3, end_gradient=1e-7, end_curvature=-1e-3), "not supported"),
        # An end that climbs still, that the Hessian does not decide, or at another saddle point.
        (_points(end_gap=0.3), "inconclusive"),
        (_points(end_gap=0.3, end_gradient=1e-7, end_curvature=0.0), "inconclusive"),
        (_points(end_gap=0.3, end_gradient=1e-7, end_curvature=1e-3), "inconclusive"),
        (_points(gradient=1e-2, curvature=NOTHING), "inconclusive"),
        # Null: every climb ends at the maximum at once, or at a saddle point of the likelihood.
        (_points().assign(gap=1e-6, curvature=NOTHING), "inconclusive"),
        (_points().assign(likelihood_gradient=1e-7), "inconclusive"),
    ],
)
def test_claim_14(points, verdict):
    found = added_saddles(points)
    assert found.verdict == verdict
    assert {"k=4", "k=8"} < set(found.numbers)
    assert found.numbers["k=8"]["end_gap"] == points["end_gap"][2:].max()
