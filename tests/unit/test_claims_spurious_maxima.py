import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from linvae.claims.spurious_maxima import no_spurious_maxima
from linvae.linear.curvature import largest_curvature

NOTHING = float("nan")


def _starts(n=24, **changes):
    """Half of the starts with rotations; changes are made to one without."""
    table = pd.DataFrame({"kind": "random", "rotate": [True, False] * (n // 2), "gap": 1e-7})
    table = table.assign(gradient=1e-4, curvature=NOTHING, saddles=0, saddle_gap=NOTHING)
    table = table.assign(iterations=100, mean_abs_cos=0.99999)
    for column, value in changes.items():
        table.loc[3, column] = value
    return table


@pytest.mark.parametrize(
    ("starts", "verdict"),
    [
        (_starts(), "supported"),
        # Still climbing, but as near as the margin says.
        (_starts(gap=0.009), "supported"),
        # It stopped at a saddle point and went on.
        (_starts(saddles=1, saddle_gap=0.8), "supported"),
        # Too few; one way of solving alone.
        (_starts(n=22), "inconclusive"),
        (_starts(n=48).query("rotate"), "inconclusive"),
        # Short of it and climbing, at a saddle point, or undecided by the Hessian.
        (_starts(gap=5.0), "inconclusive"),
        (_starts(gap=5.0, gradient=1e-7, curvature=1e-3), "inconclusive"),
        (_starts(gap=5.0, gradient=1e-7, curvature=0.0), "inconclusive"),
        # Stationary without a direction of ascent, however near.
        (_starts(gap=5.0, gradient=1e-7, curvature=-1e-3), "not supported"),
        (_starts(gap=0.001, gradient=1e-7, curvature=-1e-3), "not supported"),
        # Of a point that is not stationary the curvature says nothing.
        (_starts(gap=5.0, gradient=1e-2, curvature=-1e-3), "inconclusive"),
    ],
)
def test_claim_2_restarts(starts, verdict):
    found = no_spurious_maxima(starts)
    assert found.verdict == verdict
    assert max(row["worst_gap"] for row in found.numbers.values()) == starts["gap"].max()
    for row in found.numbers.values():
        assert sum(row["n_by_kind"].values()) == sum(row["outcomes"].values()) == row["n_starts"]


def test_none_elsewhere_in_twelve_bounds_the_share_that_may_end_there():
    (row, _) = no_spurious_maxima(_starts()).numbers.values()
    share = row["share_elsewhere_below"]
    # With this share none of twelve is seen in one study of twenty.
    assert (1 - share) ** 12 == pytest.approx(0.05, rel=1e-12)


def _two_hills(x, tilt):
    """Hills at x = 1 and -1, the second lower by about twice the tilt; a ridge in y."""
    return -((x[0] ** 2 - 1) ** 2) + tilt * x[0] - 0.5 * x[1] ** 2


def _climbed(function, starts):
    """Ends of L-BFGS on a function, measured as restarts are: gradient and Hessian at each."""
    step, ends = 1e-4, [minimize(lambda x: -function(x), x, method="L-BFGS-B").x for x in starts]
    best, rows, identity = max(function(x) for x in ends), [], np.eye(2)
    for x in ends:
        slopes = [function(x + step * e) - function(x - step * e) for e in identity]
        hessian = [
            [
                function(x + step * (a + b))
                - function(x + step * (a - b))
                - function(x - step * (a - b))
                + function(x - step * (a + b))
                for a in identity
            ]
            for b in identity
        ]
        matrix = np.array(hessian) / (4 * step**2)
        rows.append(
            {
                "gap": best - function(x),
                # L-BFGS's own tolerance is looser than what counts as stationary.
                "gradient": 0.1 * np.linalg.norm(slopes) / (2 * step),
                "curvature": largest_curvature(lambda v, m=matrix: m @ v, 2).curvature
                if best - function(x) > 1e-4
                else NOTHING,
            }
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("tilt", "verdict"), [(0.2, "not supported"), (0.0, "supported")])
def test_a_true_second_maximum_is_found(tilt, verdict):
    starts = np.random.default_rng(0).normal(size=(24, 2))
    rows = _climbed(lambda x: _two_hills(x, tilt), starts)
    found = no_spurious_maxima(_starts().assign(**{name: rows[name] for name in rows}))
    assert found.verdict == verdict
    below = sum(row["outcomes"].get("maximum below", 0) for row in found.numbers.values())
    # The hills share the starts about evenly.
    assert 6 <= below <= 18 if tilt else below == 0
