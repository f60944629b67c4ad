"""Encoders and decoders: what a linear one computes, units, initial weights."""

import numpy as np
import pytest
import torch

from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import Encoder, ModelSettings
from linvae.training.models import build
from linvae.training.objectives import sampled_terms

D, K, N = 6, 2, 30
LINEAR = {"training": {"objective": "analytic", "steps": 1}}
DEEP_LINEAR = {
    "encoder": {"hidden": [5, 4], "activation": "identity"},
    "decoder": {"hidden": [4], "activation": "identity"},
    "training": {"objective": "analytic", "steps": 1},
}
DEEP = {
    "encoder": {"hidden": [5, 4], "posterior": "amortised"},
    "decoder": {"hidden": [4, 5]},
    "training": {"objective": "stochastic", "epochs": 1},
}
UNITS = [{}, {"standardize": True}]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) * 3 + 5


def make(settings, data, noise="learned-0.7", seed=3, precision="float64", **start):
    training = {**settings["training"], "precision": precision}
    made = ModelSettings.model_validate({**settings, "training": training, "start": start})
    return build(made, Spectrum.from_data(data), K, parse_noise(noise), seed)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("settings", [LINEAR, DEEP_LINEAR])
def test_matrices_of_a_linear_model_are_what_it_computes(data, settings, units):
    model = make(settings, data, **units)
    x = torch.as_tensor(data)
    mean, log_variance = model.encode(x)
    torch.testing.assert_close(mean, (x - x.mean(0)) @ model.encoder_matrix().T)
    torch.testing.assert_close(model.decode(mean), mean @ model.decoder_matrix().T + x.mean(0))
    assert log_variance.shape == (K,)


@pytest.mark.parametrize("units", UNITS)
def test_units_are_undone_and_measure_lengths_in_data_units(data, units):
    model = make(LINEAR, data, **units)
    x = torch.as_tensor(data)
    y = model.units.inward(x)
    torch.testing.assert_close(model.units.outward(y), x)
    torch.testing.assert_close(
        model.units.squared_norm(y[1:] - y[:-1]), (x[1:] - x[:-1]).square().sum(1)
    )


def test_standardized_data_have_unit_mean_variance(data):
    x = torch.as_tensor(data)
    standardized = make(LINEAR, data, standardize=True).units.inward(x)
    assert standardized.var(0, correction=0).mean().item() == pytest.approx(1)


def test_amortised_posterior_has_a_variance_for_each_datum_near_the_initial_one(data):
    model = make(DEEP, data, log_variance=-4.0, standardize=True)
    mean, log_variance = model.encode(torch.as_tensor(data))
    assert mean.shape == log_variance.shape == (N, K)
    assert log_variance.std(0).min() > 0
    # Initial outputs of a standardized network lie within about one of the bias.
    assert (log_variance + 4).abs().max() < 2


def skipped(settings):
    ways = {part: {**settings[part], "skip": True} for part in ("encoder", "decoder")}
    return settings | ways


def test_a_model_with_a_skip_starts_as_the_one_without(data):
    plain, skip = (make(s, data, standardize=True) for s in (DEEP, skipped(DEEP)))
    x, z = torch.as_tensor(data), torch.ones(4, K, dtype=torch.float64)
    for one, other in zip(plain.encode(x), skip.encode(x), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(plain.decode(z), skip.decode(z))


def test_a_skip_adds_a_linear_map_to_the_encoders_mean_and_the_decoder_alone(data):
    plain, skip = (make(s, data, standardize=True) for s in (DEEP, skipped(DEEP)))
    rng = np.random.default_rng(1)
    matrices = torch.as_tensor(rng.normal(size=(2, K, D)))
    with torch.no_grad():
        skip.encoder.skip.weight.copy_(matrices[0])
        skip.decoder.skip.weight.copy_(matrices[1].T)
    x = torch.as_tensor(data)
    (mean, variance), (own_mean, own_variance) = skip.encode(x), plain.encode(x)
    torch.testing.assert_close(mean, own_mean + plain.units.inward(x) @ matrices[0].T)
    assert torch.equal(variance, own_variance)
    z = torch.ones(4, K, dtype=torch.float64)
    added = z @ matrices[1] * plain.units.scale
    torch.testing.assert_close(skip.decode(z), plain.decode(z) + added)


def test_a_skip_leaves_zero_with_the_first_step(data):
    model = make(skipped(DEEP), data, standardize=True)
    noise = torch.as_tensor(np.random.default_rng(2).normal(size=(1, N, K)))
    error, kl = sampled_terms(model, model.units.inward(torch.as_tensor(data)), noise)
    (error + kl).backward()
    for weight in (model.encoder.skip.weight, model.decoder.skip.weight):
        assert weight.grad.abs().min() > 0


def test_a_skip_needs_layers_to_pass():
    for layers in ({}, {"hidden": (4,), "activation": "identity"}):
        with pytest.raises(ValueError, match="skip passes hidden layers that are not linear"):
            Encoder(skip=True, **layers)


def test_decode_keeps_leading_dimensions(data):
    model = make(DEEP, data, standardize=True)
    assert model.decode(torch.zeros(3, 5, K, dtype=torch.float64)).shape == (3, 5, D)


def test_initial_weights_follow_the_seed_alone_and_scale(data):
    one, same, other = (make(DEEP, data, seed=seed).state_dict() for seed in (0, 0, 1))
    weight = "decoder.0.weight"
    assert torch.equal(one[weight], same[weight])
    assert not torch.equal(one[weight], other[weight])
    doubled = make(DEEP, data, seed=0, scale=2.0).state_dict()
    torch.testing.assert_close(doubled[weight], 2 * one[weight])


def test_noise_variance_is_a_parameter_only_where_it_is_learned(data):
    for noise, learned in (("learned-0.7", True), ("fixed-0.7", False)):
        model = make(LINEAR, data, noise=noise)
        assert ("log_noise_variance" in dict(model.named_parameters())) == learned
        assert model.log_noise_variance.exp().item() == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("float64", torch.float64), ("float32", torch.float32), ("bfloat16", torch.float32)],
)
def test_weights_have_the_training_precision(data, precision, dtype):
    model = make(DEEP, data, precision=precision)
    assert {p.dtype for p in model.parameters()} == {dtype}
