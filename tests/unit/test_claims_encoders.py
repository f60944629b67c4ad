"""Claim 7 on made-up gaps."""

import numpy as np
import pandas as pd
import pytest

from linvae.claims.encoders import other_encoders
from linvae.settings.model import Network

MARGIN = 0.1
ARRIVES = [0.01, 0.02, 0.01]


def _encoders(relu, deep_linear, control=ARRIVES, trained="solving"):
    gaps = {"linear": control, "deep-linear": deep_linear, "relu": relu}
    rows = [
        {"model": f"{trained}-{name}", "linear": name == "linear", "seed": seed, "gap": gap}
        for name, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(trained=trained)


@pytest.mark.parametrize(
    ("relu", "deep_linear", "verdict"),
    [
        ([9.0, 9.1, 9.2], [5.0, 5.1, 5.2], "supported"),
        # Twice the margin.
        ([0.20, 0.21, 0.19], [0.2, 0.2, 0.21], "supported"),
        ([9.0, 9.1, 9.2], [0.02, 0.03, 0.02], "not supported"),
        ([0.05, 0.06, 0.07], [0.02, 0.03, 0.02], "not supported"),
        ([9.0, 9.1, 9.2], [0.05, 0.1, 0.15], "inconclusive"),
    ],
)
def test_claim_7_encoders(relu, deep_linear, verdict):
    found = other_encoders(_encoders(relu, deep_linear), MARGIN)
    assert found.verdict == verdict
    assert found.numbers["solving-relu"]["gap"]["mean"] == pytest.approx(np.mean(relu))


def test_claim_7_at_the_margin_is_inconclusive():
    verdicts = []
    for study in range(100):
        draws = MARGIN + 0.02 * np.random.default_rng(study).standard_normal((2, 3))
        verdicts.append(other_encoders(_encoders(*draws), MARGIN).verdict)
    assert verdicts.count("inconclusive") >= 95


def test_claim_7_is_not_judged_where_the_linear_encoder_does_not_arrive():
    short = _encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2], control=[46.0, 0.0, 46.0], trained="both")
    found = other_encoders(short, MARGIN)
    assert found.verdict == "inconclusive"
    assert "ends_below" not in found.numbers["both-relu"]
    # Another way of training that does bring it there judges all the same.
    found = other_encoders(pd.concat([short, _encoders([0.05] * 3, [0.02] * 3)]), MARGIN)
    assert found.verdict == "not supported"
    assert "judges none" in found.explanation


def test_claim_7_needs_the_linear_encoder_beside():
    runs = _encoders([9.0, 9.1, 9.2], [5.0, 5.1, 5.2])
    assert other_encoders(runs[~runs["linear"]], MARGIN).verdict == "inconclusive"


def test_only_a_single_matrix_is_the_linear_encoder():
    assert Network().is_single_matrix
    assert not Network(hidden=(5,), activation="identity").is_single_matrix
    # A kind that has no hidden layers to name is no matrix for that.
    assert not Network.model_construct(kind="convolutional").is_single_matrix
