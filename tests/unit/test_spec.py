"""Settings of models: what is refused, and why."""

import pytest
from pydantic import ValidationError

from linvae.settings.model import ModelSpec

DEEP = {
    "encoder": {"hidden": [8], "posterior": "amortised"},
    "decoder": {"hidden": [8]},
    "training": {"objective": "stochastic", "epochs": 1},
}
LINEAR = {"training": {"objective": "analytic", "steps": 1}}


def spec(base, part=None, **changes):
    return ModelSpec.model_validate(
        {**base, part: {**base.get(part, {}), **changes}} if part else base
    )


@pytest.mark.parametrize(
    ("base", "part", "changes", "message"),
    [
        (DEEP, "training", {"steps": 3}, "exactly one of steps and epochs"),
        (LINEAR, "training", {"steps": None}, "exactly one of steps and epochs"),
        (DEEP, "training", {"objective": "analytic"}, "analytic needs a linear decoder"),
        (DEEP, "training", {"optimizer": "lbfgs"}, "lbfgs maximises the analytic ELBO"),
        (DEEP, "training", {"standardize": True, "whiten": True}, "at most one of standardize"),
        (DEEP, "decoder", {"activation": "tanh"}, None),
        (LINEAR, "training", {"init": "principal"}, "relu units in encoder and decoder"),
        (LINEAR, "training", {"optimizer": "lbfgs", "steps": None, "epochs": 2}, "counts steps"),
        (LINEAR, "encoder", {"hidden": [3], "activation": "tanh"}, None),
        (DEEP, "training", {"learning_rate": 0}, "greater than 0"),
        (DEEP, "training", {"noise_learning_rate": -1}, "greater than 0"),
        (DEEP, "training", {"kl_annealing": 1.5}, "less than or equal to 1"),
        (DEEP, "training", {"batch_size": True}, "whole number"),
        (DEEP, "training", {"learning_rte": 0.1}, "Extra inputs"),
        (DEEP, "training", {"precision": "float16"}, "'float64', 'float32' or 'bfloat16'"),
    ],
)
def test_settings(base, part, changes, message):
    if message is None:
        spec(base, part, **changes)
        return
    with pytest.raises(ValidationError, match=message):
        spec(base, part, **changes)


def test_principal_start_needs_relu():
    wrong = {**DEEP, "decoder": {"hidden": [8], "activation": "tanh"}}
    with pytest.raises(ValidationError, match="set training.init: random"):
        spec(wrong, "training", init="principal")


@pytest.mark.parametrize(
    ("base", "part", "changes", "linear", "needs_data"),
    [
        (LINEAR, None, {}, True, False),
        (LINEAR, "training", {"objective": "stochastic"}, True, True),
        (LINEAR, "encoder", {"hidden": [4], "activation": "identity"}, True, False),
        (LINEAR, "encoder", {"hidden": [4]}, False, True),
        (LINEAR, "encoder", {"posterior": "amortised"}, False, True),
        (DEEP, None, {}, False, True),
    ],
)
def test_what_is_linear_and_what_needs_the_data(base, part, changes, linear, needs_data):
    found = spec(base, part, **changes)
    assert (found.is_linear, found.needs_data) == (linear, needs_data)


def test_settings_survive_json():
    found = spec(DEEP, "training", init="principal", whiten=True)
    assert ModelSpec.model_validate(found.model_dump(mode="json")) == found
