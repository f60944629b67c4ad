"""Claim 4: stability of stationary points."""

import numpy as np
import pandas as pd
import pytest

from linvae.claims.stability import stability

EIGENVALUES = (9.0, 4.0, 1.0)


def _point(noise_at, s, used, n_zero):
    """The rows of a point at noise variance s with some eigenvectors used, as theory says."""
    rows = [
        {"direction": j, "eigenvalue": value, "used": j in used}
        for j, value in enumerate(EIGENVALUES, start=1)
    ]
    rows = pd.DataFrame(rows).assign(
        noise_at=noise_at, noise_variance=s, retained="-".join(map(str, used)), n_zero=n_zero,
        off_diagonal=0.0, gradient=1e-15,
    )  # fmt: skip
    bend = (rows["eigenvalue"] - s) / s**2
    rows["formula"] = bend.where(~rows["used"], 0.0)
    rows["autograd"] = rows["formula"] if n_zero else np.nan
    unused = rows.loc[~rows["used"], "formula"]
    # A column that is not zero falls in every direction if it is a leading one.
    rows["largest"] = max(0.0, s * unused.max()) if n_zero else 0.0
    return rows


def _table():
    """Stable with one zero column at 5, not stable at 2, and a maximum without zero columns."""
    points = [_point(2, 5.0, (1,), 1), _point(3, 2.0, (1,), 1), _point(3, 2.0, (1, 2), 0)]
    return pd.concat(points, ignore_index=True)


def test_claim_4_holds_where_the_points_are_as_the_rule_says():
    found = stability(_table())
    assert found.verdict == "supported"
    # Without zero columns eigenvalue 1 alone is unused: no exception to report.
    rule, hessian, stable = found.rows
    assert (rule.interval.mean, rule.reference, rule.answer) == (2, 2, "yes")
    assert (hessian.interval.mean, hessian.answer) == (0, "yes")
    assert (stable.quantity, stable.interval.mean) == ("stable points, of 2", 1)
    assert stable.answer is None


def test_a_maximum_without_zero_columns_is_reported_and_not_counted():
    at_another = _point(3, 2.0, (1,), 0).assign(noise_at=4)
    found = stability(pd.concat([_table(), at_another], ignore_index=True))
    assert found.verdict == "supported"
    needed = found.rows[3]
    assert needed.quantity.endswith("unused eigenvalue exceeds sigma^2, of 2")
    assert (needed.condition, needed.answer) == ("without a zero column", None)
    assert needed.interval.mean == 1


@pytest.mark.parametrize("noise_at", [2, 3])
def test_points_of_one_kind_decide_nothing(noise_at):
    table = _table().query("n_zero > 0")
    found = stability(table[table["noise_at"] == noise_at])
    assert found.verdict == "inconclusive"
    (row,) = (row for row in found.rows if row.answer == "undecided")
    assert row.settles == "other values of study.stationary.noise_at"


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        # A Hessian that is not the formula's, couples directions, or is taken off the point.
        ("autograd", 1, 0.3),
        ("autograd", 5, 0.0),
        ("off_diagonal", 2, 0.1),
        ("gradient", 4, 0.1),
        # Rises though no unused eigenvalue exceeds the noise; stable though one does.
        ("largest", slice(0, 2), 0.1),
        ("largest", slice(3, 5), 0.0),
    ],
)
def test_one_counterexample_refutes_it(column, row, value):
    table = _table()
    table.loc[row, column] = value
    found = stability(table)
    assert found.verdict == "not supported"
    assert len(found.rows) <= 5
    assert [row for row in found.rows if row.answer == "no"]
