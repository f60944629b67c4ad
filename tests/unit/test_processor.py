"""Deep training at full speed: no denormal numbers, the same weights, and the mode is left."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training.adam import Adam, Group
from linvae.training.loop import fit
from linvae.training.models import build
from linvae.training.processor import at_full_speed

TINY = torch.finfo(torch.float32).tiny


@pytest.fixture(autouse=True)
def _denormal_numbers_in_one_thread():
    """The mode is a thread's own: of those that wait already, none takes it up."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    known = torch.set_flush_denormal(True)
    torch.set_flush_denormal(False)
    if not known:
        pytest.skip("this processor has no such mode")
    yield
    torch.set_flush_denormal(False)
    torch.set_num_threads(threads)


def flushes():
    """Whether the processor takes numbers below the normal ones for zero."""
    return bool((torch.full((64,), TINY) * 0.5 == 0).all())


def denormal(tensor):
    return bool(((tensor != 0) & (tensor.abs() < TINY)).any())


def adam_with_a_gradient_that_ends(steps):
    """Two parameters, of which the second has no gradient after the tenth step."""
    parameters = [torch.ones(512), torch.ones(512)]
    optimizer = Adam([Group(parameters)])
    for step in range(steps):
        parameters[0].grad = 0.1 * parameters[0]
        parameters[1].grad = torch.full((512,), 0.1 if step < 10 else 0.0)
        optimizer.step(1e-3)
    return parameters, optimizer.tensors()


def test_no_mean_of_adam_is_denormal_and_the_weights_are_the_same():
    plain, state = adam_with_a_gradient_that_ends(1000)
    assert denormal(state["optimizer.1.exp_avg"])
    with at_full_speed():
        fast, state = adam_with_a_gradient_that_ends(1000)
        # Looked at inside, a denormal number would count as zero.
    assert not any(map(denormal, state.values()))
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_deep_vae_with_inactive_units_ends_with_the_same_bytes():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(40, 6))
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [32, 16], "posterior": "amortised"},
            "decoder": {"hidden": [16, 32]},
            "training": {
                "objective": "stochastic",
                "steps": 1500,
                "batch_size": 20,
                "learning_rate": 0.01,
                "precision": "float32",
            },
        }
    )
    found = []
    for way in (nullcontext, at_full_speed):
        model = build(settings, Spectrum.from_data(data), 3, parse_noise("fixed-1"), 0)
        with torch.no_grad():
            model.encoder.trunk[0].bias[:8] = -1e4  # Inactive from the start.
        with way():
            fit(model, settings, 0, data=data)
        found.append(model.state_dict())
    for name, tensor in found[0].items():
        assert torch.equal(tensor, found[1][name]), name


def test_the_mode_is_left_even_after_an_error():
    assert not flushes()
    with at_full_speed():
        assert flushes()
    assert not flushes()
    with pytest.raises(ArithmeticError), at_full_speed():
        raise ArithmeticError
    assert not flushes()


def test_who_is_in_the_mode_stays_in_it():
    torch.set_flush_denormal(True)
    with at_full_speed():
        assert flushes()
    assert flushes()
    torch.set_flush_denormal(False)
