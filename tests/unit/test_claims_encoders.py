import pandas as pd
import pytest

from linvae.claims.encoders import other_encoders
from linvae.settings.model import Network


def _encoders(relu, deep_linear, falling=0.0):
    gaps = {"linear": [2.0, 2.1, 2.2], "deep-linear": deep_linear, "relu": relu}
    rows = [
        {"model": name, "linear": name == "linear", "seed": seed, "gap": gap, "falling": falling}
        for name, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(optimiser="Adam")


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (_encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2]), "supported"),
        (_encoders([9.0, 9.1, 9.2], [1.0, 1.1, 1.2]), "not supported"),
        (_encoders([9.0, 9.1, 9.2], [1e-4, 2e-4, 1e-4]), "not supported"),
        (_encoders([9.0, 9.1, 9.2], [1.0, 5.1, 3.2]), "inconclusive"),
        (_encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2], falling=0.2), "inconclusive"),
    ],
)
def test_claim_7_encoders(runs, verdict):
    found = other_encoders(runs)
    assert found.verdict == verdict
    assert found.numbers["relu"]["excess_over_linear"]["mean"] == pytest.approx(7.0)
    assert "Adam" in found.explanation


def test_claim_7_is_not_decided_by_less_than_the_linear_encoder_lacks_itself():
    runs = _encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2])
    runs["gap"] += 40.0
    assert other_encoders(runs).verdict == "inconclusive"


def test_claim_7_needs_the_linear_encoder_beside():
    runs = _encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2])
    assert other_encoders(runs[~runs["linear"]]).verdict == "inconclusive"


def test_only_a_single_matrix_is_the_linear_encoder():
    assert Network().is_single_matrix
    assert not Network(hidden=(5,), activation="identity").is_single_matrix
    # A kind that has no hidden layers to name is no matrix for that.
    assert not Network.model_construct(kind="convolutional").is_single_matrix
