import pandas as pd

from linvae.claims.stability import stability


def _curvature():
    """Two points, stable at noise variance 5 and not at 2; eigenvalues 9, 4, 1, the first used."""
    rows = [
        {
            "noise_at": m,
            "noise_variance": s,
            "retained": "leading",
            "direction": j,
            "eigenvalue": value,
            "used": j == 1,
            "formula": 0.0 if j == 1 else (value - s) / s**2,
            "off_diagonal": 0.0,
            "gradient": 1e-15,
        }
        for m, s in ((2, 5.0), (3, 2.0))
        for j, value in enumerate((9.0, 4.0, 1.0), start=1)
    ]
    return pd.DataFrame(rows).assign(autograd=lambda table: table["formula"])


def test_claim_4_stability():
    table = _curvature()
    found = stability(table)
    assert found.verdict == "supported"
    assert found.numbers["n_stable"] == 1
    assert stability(table[table["noise_at"] == 2]).verdict == "inconclusive"
    for column, row, value in [
        ("autograd", 1, 0.3),
        ("off_diagonal", 2, 0.1),
        ("gradient", 4, 0.1),
    ]:
        changed = table.copy()
        changed.loc[row, column] = value
        assert stability(changed).verdict == "not supported", column
