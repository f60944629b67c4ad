"""Settings of models: what is refused and why, and what of them identifies a job."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from linvae.config.configuration import load
from linvae.settings.measurement import Measurement
from linvae.settings.model import (
    Decoder,
    Encoder,
    JobSettings,
    ModelSettings,
    Network,
    Start,
    Training,
)
from linvae.settings.values import Strict

DEEP = {
    "encoder": {"hidden": [8], "posterior": "amortised"},
    "decoder": {"hidden": [8]},
    "training": {"objective": "stochastic", "epochs": 1},
}
LINEAR = {"training": {"objective": "analytic", "steps": 1}}


def settings_of(base, part=None, **changes):
    return ModelSettings.model_validate(
        {**base, part: {**base.get(part, {}), **changes}} if part else base
    )


@pytest.mark.parametrize(
    ("base", "part", "changes", "message"),
    [
        (DEEP, "training", {"steps": 3}, "exactly one of steps and epochs"),
        (LINEAR, "training", {"steps": None}, "exactly one of steps and epochs"),
        (DEEP, "training", {"objective": "analytic"}, "analytic needs a linear decoder"),
        (DEEP, "training", {"optimizer": "lbfgs"}, "lbfgs maximises the analytic ELBO"),
        (DEEP, "decoder", {"activation": "tanh"}, None),
        (LINEAR, "start", {"weights": "principal"}, "relu units in encoder and decoder"),
        (LINEAR, "training", {"optimizer": "lbfgs", "steps": None, "epochs": 2}, "counts steps"),
        (LINEAR, "encoder", {"hidden": [3], "activation": "tanh"}, None),
        (DEEP, "training", {"learning_rate": 0}, "greater than 0"),
        (DEEP, "training", {"noise_learning_rate": -1}, "greater than 0"),
        (DEEP, "training", {"kl_annealing": 1.5}, "less than or equal to 1"),
        (DEEP, "training", {"batch_size": True}, "whole number"),
        (DEEP, "training", {"learning_rte": 0.1}, "Extra inputs"),
        (DEEP, "training", {"device": "cpu"}, "Extra inputs"),
        (DEEP, "start", {"scale": -1}, "greater than or equal to 0"),
        (DEEP, "job", {"records": 0}, "greater than 0"),
        (DEEP, "job", {"device": "gpu"}, "'auto', 'cpu' or 'cuda'"),
        (DEEP, "encoder", {"kind": "convolutional"}, "'perceptron'"),
        (DEEP, "training", {"precision": "float16"}, "'float64', 'float32' or 'bfloat16'"),
    ],
)
def test_settings(base, part, changes, message):
    if message is None:
        settings_of(base, part, **changes)
        return
    with pytest.raises(ValidationError, match=message):
        settings_of(base, part, **changes)


def test_principal_start_needs_relu():
    wrong = {**DEEP, "decoder": {"hidden": [8], "activation": "tanh"}}
    with pytest.raises(ValidationError, match="set start.weights: random"):
        settings_of(wrong, "start", weights="principal")


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
    found = settings_of(base, part, **changes)
    assert (found.is_linear, found.needs_data) == (linear, needs_data)


@pytest.mark.parametrize(
    "changes", [{}, {"activation": "identity"}, {"hidden": (4,), "activation": "identity"}]
)
@pytest.mark.parametrize("network", [Network, Encoder, Decoder])
def test_a_network_of_another_kind_counts_as_linear_nowhere(network, changes):
    assert network(**changes).is_linear
    assert not network.model_construct(kind="other", **changes).is_linear


def test_a_network_of_another_kind_does_not_pass_through():
    layers = {"hidden": (4,), "activation": "relu"}
    assert Network(**layers).passes_through
    assert not Network.model_construct(kind="other", **layers).passes_through


def test_a_principal_start_has_one_place_for_the_linear_map():
    wrong = {**DEEP, "decoder": {**DEEP["decoder"], "skip": True}}
    with pytest.raises(ValidationError, match="and skip: false"):
        settings_of(wrong, "start", weights="principal")
    settings_of(wrong, "start", weights="random")


def test_settings_survive_json():
    found = settings_of(DEEP, "start", weights="principal", standardize=True)
    assert ModelSettings.model_validate(found.model_dump(mode="json")) == found


# --- identity ------------------------------------------------------------------------------------


def some(strategy):
    return st.none() | strategy


RATES = st.floats(1e-9, 1e3)
COUNTS = st.integers(1, 10**6)


@st.composite
def models(draw):
    """Any valid settings, many of them as they are by default."""
    stochastic = draw(st.booleans())
    hidden = st.lists(st.integers(1, 2048), max_size=3)
    kinds = st.sampled_from(["identity", "relu", "tanh", "gelu", "softplus"])
    encoder = {"hidden": hidden, "activation": kinds}
    encoder["posterior"] = st.sampled_from(["shared", "amortised"])
    decoder = {"hidden": hidden, "activation": kinds} if stochastic else {}
    start = {
        "scale": st.floats(0, 10),
        "log_variance": st.floats(-5, 5),
        "standardize": st.booleans(),
    }
    training = {
        "learning_rate": RATES,
        "noise_learning_rate": some(RATES),
        "scale_by_noise": st.booleans(),
        "schedule": st.sampled_from(["constant", "cosine"]),
        "warmup_steps": st.integers(0, 10**6),
        "batch_size": some(COUNTS),
        "samples": COUNTS,
        "kl_annealing": st.floats(0, 1),
        "gradient_clip": some(RATES),
        "precision": st.sampled_from(["float64", "float32", "bfloat16"]),
    }
    job = {"records": COUNTS, "device": st.sampled_from(["auto", "cpu", "cuda"])}
    parts = {"encoder": encoder, "decoder": decoder, "start": start, "job": job}
    chosen = {name: draw(st.fixed_dictionaries({}, optional=part)) for name, part in parts.items()}
    chosen["training"] = draw(st.fixed_dictionaries({}, optional=training))
    chosen["training"]["objective"] = "stochastic" if stochastic else "analytic"
    chosen["training"][draw(st.sampled_from(["steps", "epochs"]))] = draw(COUNTS)
    return ModelSettings.model_validate(chosen)


@given(models())
def test_a_model_is_rebuilt_from_its_identity(model):
    told = json.loads(json.dumps(model.identity()))
    assert ModelSettings.model_validate(told) == model
    assert ModelSettings.model_validate(told).identity() == model.identity()


@given(models(), models())
def test_models_that_differ_have_other_identities(one, other):
    assert (one == other) == (one.identity() == other.identity())


@pytest.mark.parametrize("overlay", ["config/paper.yaml", "config/smoke.yaml", None])
def test_the_projects_models_are_rebuilt_from_their_identities(request, overlay):
    root = request.config.rootpath
    raw = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    if overlay:
        for name, over in yaml.safe_load((root / overlay).read_text())["models"].items():
            for part, values in over.items():
                if part == "extends":
                    raw["models"][name]["extends"] = values
                else:
                    raw["models"][name].setdefault(part, {}).update(values)
    # The overlay changes the study as well, which is not asked for here.
    models = load({"models": raw["models"], "study": {}, "name": "x"}).models
    for model in models.values():
        assert ModelSettings.model_validate(model.identity()) == model


def test_what_is_off_is_left_out_and_the_rest_is_told():
    assert settings_of(LINEAR).identity() == {
        "encoder": {"kind": "perceptron", "activation": "relu", "posterior": "shared"},
        "decoder": {"kind": "perceptron", "activation": "relu"},
        "start": {"weights": "random", "scale": 1.0},
        "training": {
            "objective": "analytic",
            "optimizer": "adam",
            "learning_rate": 0.001,
            "schedule": "constant",
            "steps": 1,
            "samples": 1,
            "precision": "float64",
        },
        "job": {"records": 100, "device": "cpu"},
    }


class Before(Strict):
    """Settings of some version, with values of every kind that may be off."""

    rate: float = 0.5
    scale: float = 1.0
    offset: float = 0.0
    layers: tuple[int, ...] = ()
    limit: float | None = None
    fast: bool = False


class Inner(Strict):
    """A section that is off as a whole."""

    warm: bool = False


class WithMore(Before):
    """The next version: fields added, all off by default."""

    added: bool = False
    number: int = 0
    clip: float | None = None
    names: tuple[str, ...] = ()
    inner: Inner = Inner()


class WithAnotherDefault(Before):
    """Another next version: what was 0.5 by default is now 0.25."""

    rate: float = 0.25


class NowOn(Before):
    """Another: what was off by default is now on."""

    fast: bool = True


USED = [{}, {"rate": 0.25}, {"offset": 1.5}, {"layers": (3,)}, {"limit": 0.0}, {"fast": True}]


@pytest.mark.parametrize("values", USED)
def test_fields_added_that_are_off_change_no_identity(values):
    # To the letter: it is part of the addresses of results that take days to compute.
    before, after = (kind(**values).identity() for kind in (Before, WithMore))
    assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)


@pytest.mark.parametrize(
    "change",
    [{"added": True}, {"number": 3}, {"clip": 0.0}, {"names": ("a",)}, {"inner": {"warm": True}}],
)
def test_fields_added_count_where_they_are_used(change):
    made = WithMore.model_validate(change)
    assert made.identity() != Before().identity()
    assert WithMore.model_validate(made.identity()) == made


def test_a_default_that_changes_changes_the_identity():
    assert WithAnotherDefault().identity() != Before().identity()
    assert WithAnotherDefault(rate=0.5).identity() == Before().identity()
    assert NowOn().identity() != Before().identity()
    assert NowOn(fast=False).identity() != NowOn().identity()
    assert NowOn.model_validate(NowOn(fast=False).identity()) == NowOn(fast=False)


def test_a_value_that_is_off_is_kept_where_the_default_is_not():
    assert Before(scale=0).identity()["scale"] == 0
    assert Before.model_validate(Before(scale=0).identity()).scale == 0
    assert Start(scale=0).identity() == {"weights": "random", "scale": 0.0}
    assert settings_of(LINEAR, "start", scale=0).identity()["start"]["scale"] == 0


def test_values_of_one_number_have_one_identity():
    one, other = (Start(scale=scale).identity() for scale in (2, 2.0))
    assert json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize("part", [JobSettings, Start, Training, Encoder, Decoder])
def test_every_setting_but_those_off_is_part_of_the_identity(part):
    required = {"objective": "stochastic", "epochs": 1} if part is Training else {}
    told = part(**required).identity()
    for name, field in part.model_fields.items():
        assert (name in told) == (name in required or bool(field.default)), name


# --- measurement ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"epsilon": 0},
        {"delta": 1},
        {"delta": -0.1},
        {"draws": 0},
        {"importance_draws": 0},
        {"inference_images": 1},
    ],
)
def test_a_measurement_out_of_range_is_refused(changes):
    with pytest.raises(ValidationError, match="than"):
        Measurement(**changes)


def test_a_measurement_is_told_in_full():
    expected = {"epsilon": 0.1, "delta": 0.01, "draws": 4}
    expected |= {"inference_images": 100, "importance_draws": 1000}
    assert Measurement().identity() == expected
