"""Claim 14: saddle points that the ELBO adds."""

import json

import pandas as pd
import pytest

from linvae.claims.added_saddles import ADDED_SADDLES, added_saddles

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
    assert set(found.numbers) == {"k=4", "k=8"}


def test_claim_14_each_half_has_a_verdict_and_says_whose_it_is():
    found = added_saddles(_points())
    assert found.verdicts == {
        "saddle points (this project)": "supported",
        "no maxima (paper, Theorem 1)": "supported",
    }
    assert ADDED_SADDLES.checked == "theorem"
    assert found.sentence == (
        "The ELBO adds saddle points, at k = 8 one 0.5 nats below the maximum, "
        "and every way on from them ends at the maximum."
    )
    json.dumps([row.to_dict() for row in found.rows], allow_nan=False)


def test_claim_14_a_maximum_below_is_said_of_the_second_half():
    found = added_saddles(_points(end_gap=0.3, end_gradient=1e-7, end_curvature=-1e-3))
    (no,) = (row for row in found.rows if row.answer == "no")
    assert (no.subject, no.interval.mean) == ("no maxima (paper, Theorem 1)", 1)
    assert found.verdicts["saddle points (this project)"] == "supported"


def test_claim_14_open_rows_say_what_would_settle_them():
    climbing = added_saddles(_points(end_gap=0.3))
    assert [row.settles for row in climbing.rows if row.answer == "undecided"] == [
        "more iterations"
    ]
    nothing = added_saddles(_points().assign(gap=1e-6, curvature=NOTHING))
    assert {row.settles for row in nothing.rows if row.answer == "undecided"} == {
        "other numbers of latents"
    }


def test_claim_14_a_climb_to_the_maximum_beside_a_saddle_point_is_not_judged():
    points = _points()
    points.loc[points["n_latent"] == 4, ["gap", "curvature"]] = (1e-6, NOTHING)
    found = added_saddles(points)
    assert found.verdict == "supported"
    assert [row.answer for row in found.rows[:2]] == [None, "yes"]
