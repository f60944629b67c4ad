"""Muon: its step against the polar factor by SVD, torch's own, and how it goes on."""

import numpy as np
import pytest
import torch

from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training.adam import Adam, Group
from linvae.training.checkpoint import Checkpoint
from linvae.training.loop import fit
from linvae.training.models import build
from linvae.training.muon import Muon, coefficients, polar_factor
from linvae.training.optimizer import optimizer_of

SHAPES = [(30, 80), (80, 30), (40, 40), (1, 9), (9, 1)]
# Of values from a hundredth, a thousandth of the norm on: how far from one they end.
BOUNDS = {3: (1e-2, 0.27), 4: (3e-3, 0.199), 5: (1e-3, 0.114)}


def matrix(shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("n_steps", BOUNDS)
def test_the_quintics_bring_every_value_near_one(n_steps):
    smallest, bound = BOUNDS[n_steps]
    x = np.geomspace(smallest, 1.0, 20_001)
    for a, b, c in coefficients(n_steps):
        x = a * x + b * x**3 + c * x**5
    assert np.abs(1 - x).max() <= bound
    # The best one touches its bound: no slack is given away.
    assert np.abs(1 - x).max() > bound - 0.01


@pytest.mark.parametrize("n_steps", BOUNDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_polar_factor_but_for_the_size_of_its_values(shape, n_steps):
    given = matrix(shape)
    u, s, vt = torch.linalg.svd(given, full_matrices=False)
    found = polar_factor(given, coefficients(n_steps))
    within = u.T @ found @ vt.T
    expected = s / s.norm()
    for a, b, c in coefficients(n_steps):
        expected = a * expected + b * expected**3 + c * expected**5
    torch.testing.assert_close(within, torch.diag(expected), rtol=1e-9, atol=1e-9)
    # Nothing outside of the matrix's own span.
    torch.testing.assert_close(u @ within @ vt, found, rtol=1e-9, atol=1e-9)
    smallest, bound = BOUNDS[n_steps]
    large = s / s.norm() > smallest
    assert (torch.abs(torch.diag(within)[large] - 1) <= bound).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_single_precision_is_enough(shape):
    found = polar_factor(matrix(shape, torch.float32), coefficients(5))
    expected = polar_factor(matrix(shape), coefficients(5))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=5e-3)


def test_a_gradient_of_zero_moves_nothing():
    assert (polar_factor(torch.zeros(3, 5), coefficients(3)) == 0).all()


def walk(optimizer, weights, steps):
    for step in steps:
        for index, weight in enumerate(weights):
            weight.grad = matrix(weight.shape, weight.dtype, seed=100 * step + index)
        optimizer.step(0.1 / (1 + step))


def parameters():
    return [torch.nn.Parameter(matrix(shape, torch.float32)) for shape in ((6, 4), (5, 5), (7,))]


def muon(weights, **options):
    return Muon(weights[:2], Adam([Group(weights[2:], 0.5)]), **options)


def test_a_step_is_that_of_the_algorithm_by_singular_vectors():
    """Momentum, Nesterov, the factor of a tall matrix: written down anew, in double precision."""
    weights, expected = parameters(), [p.detach().double() for p in parameters()[:2]]
    walk(muon(weights), weights, range(4))
    for index, here in enumerate(expected):
        mean = torch.zeros_like(here)
        for step in range(4):
            gradient = matrix(here.shape, seed=100 * step + index)
            mean = 0.95 * mean + 0.05 * gradient
            u, s, vt = torch.linalg.svd(0.05 * gradient + 0.95 * mean, full_matrices=False)
            values = s / s.norm()
            for a, b, c in coefficients(5):
                values = a * values + b * values**3 + c * values**5
            tall = max(1.0, here.shape[0] / here.shape[1]) ** 0.5
            here -= 0.1 / (1 + step) * tall * (u * values) @ vt
        torch.testing.assert_close(weights[index].detach().double(), here, rtol=0, atol=1e-5)


def test_its_direction_is_that_of_torch_s_own():
    """Whose arithmetic has eight bits, and values between 0.7 and 1.2."""
    ours, theirs = parameters()[:1], parameters()[:1]
    walk(Muon(ours, Adam([])), ours, range(3))
    reference = torch.optim.Muon(theirs, lr=0.1, weight_decay=0.0)
    for step in range(3):
        theirs[0].grad = matrix(theirs[0].shape, torch.float32, seed=100 * step)
        reference.param_groups[0]["lr"] = 0.1 / (1 + step)
        reference.step()
    start = parameters()[0]
    moved = [(p[0] - start).detach().flatten() for p in (ours, theirs)]
    assert torch.nn.functional.cosine_similarity(*moved, dim=0) > 0.98
    assert 0.7 < moved[0].norm() / moved[1].norm() < 1.4


def test_it_goes_on_as_if_it_had_not_stopped():
    whole, first, resumed = parameters(), parameters(), parameters()
    walk(muon(whole), whole, range(5))
    stopped = muon(first)
    walk(stopped, first, range(2))
    state = {name: value.clone() for name, value in stopped.tensors().items()}
    with torch.no_grad():
        for to, of in zip(resumed, first, strict=True):
            to.copy_(of)
    going = muon(resumed)
    going.restore(state)
    walk(going, resumed, range(2, 5))
    assert all(torch.equal(a, b) for a, b in zip(whole, resumed, strict=True))
    # The test can fail: the momentum matters.
    forgetful = muon(first)
    walk(forgetful, first, range(2, 5))
    assert not torch.equal(whole[0], first[0])


# --- in training ----------------------------------------------------------------------------------

N, D, K = 200, 20, 4
SETTINGS = {
    "encoder": {"hidden": [16], "posterior": "amortised"},
    "decoder": {"hidden": [16], "skip": True},
    "training": {
        "objective": "stochastic", "optimizer": "muon", "learning_rate": 0.02, "epochs": 20,
        "batch_size": 50, "precision": "float32", "schedule": "cosine",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, 3)) @ rng.normal(size=(3, D)) + 0.3 * rng.normal(size=(N, D))


def model_of(data, noise="learned-1", **training):
    told = {**SETTINGS, "training": {**SETTINGS["training"], **training}}
    settings = ModelSettings.model_validate(told)
    return build(settings, Spectrum.from_data(data), K, parse_noise(noise), 0), settings


def test_matrices_are_its_own_and_the_rest_is_adam_s_at_a_rate_of_its_own(data):
    model, settings = model_of(data, adam_learning_rate=4e-3, noise_learning_rate=0.1)
    optimizer = optimizer_of(model, settings.training)
    matrices = [name for name, p in model.named_parameters() if p.ndim == 2]
    assert len(optimizer.matrices) == len(matrices) == 6
    rest, noise = optimizer.adam.groups[0], optimizer.adam.groups[1]
    assert all(parameter.ndim == 1 for parameter in rest.parameters)
    assert rest.rate_factor * 0.02 == pytest.approx(4e-3)
    assert noise.rate_factor * 0.02 == pytest.approx(0.1)
    n_all = sum(p.requires_grad for p in model.parameters())
    assert n_all == 6 + len(rest.parameters) + 1
    usual, settings = model_of(data)
    groups = optimizer_of(usual, settings.training).adam.groups
    assert [group.rate_factor * 0.02 for group in groups] == pytest.approx([1e-3, 1e-3])


def test_training_by_it_ends_above_training_at_its_start(data):
    model, settings = model_of(data, "fixed-0.1")
    seen = fit(model, settings, 0, data=data)["elbo_estimate"]
    # At the first step nothing has been seen yet.
    assert seen.iloc[-1] > seen.iloc[1] + 10


def test_a_training_that_was_stopped_ends_with_the_same_bytes(data, tmp_path):
    class Stopped(Exception):
        pass

    whole, settings = model_of(data)
    expected = fit(whole, settings, 0, data=data)
    resumed, _ = model_of(data)
    checkpoint = Checkpoint(tmp_path / "checkpoint.safetensors", "a run")
    checkpoint.seconds = 0.0
    saved = []

    def save(*arguments):
        Checkpoint.save(checkpoint, *arguments)
        saved.append(arguments[1])
        if len(saved) == 3:
            raise Stopped

    checkpoint.save = save
    with pytest.raises(Stopped):
        fit(resumed, settings, 0, checkpoint=checkpoint, data=data)
    again, _ = model_of(data)
    found = fit(again, settings, 0, checkpoint=Checkpoint(checkpoint.path, "a run"), data=data)
    assert found.equals(expected)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize("option", [{"adam_learning_rate": 1e-3}, {"newton_schulz_steps": 3}])
def test_its_options_are_for_it_alone(option):
    training = {**SETTINGS["training"], "optimizer": "adam", **option}
    with pytest.raises(ValueError, match="are for optimizer muon"):
        ModelSettings.model_validate({"training": training})
