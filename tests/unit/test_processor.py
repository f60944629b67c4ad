"""Deep training at full speed: no denormal numbers, the same weights, and the mode is left."""

import numpy as np
import pytest
import torch

from linvae.training.optimizer import Adam, Group
from linvae.training.processor import at_full_speed

TINY = torch.finfo(torch.float32).tiny


@pytest.fixture(autouse=True)
def _one_thread():
    """The mode is a thread's own: of those that wait already, none takes it up."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def denormal():
    """Whether the processor computes with numbers below the normal ones."""
    return bool((torch.full((64,), TINY) * 0.5 > 0).any())


def adam_with_a_gradient_that_ends(steps):
    """Two parameters, of which the second has no gradient after the tenth step."""
    parameters = [torch.ones(512), torch.ones(512)]
    optimizer = Adam([Group(parameters)])
    for step in range(steps):
        parameters[0].grad = 0.1 * parameters[0]
        parameters[1].grad = torch.full((512,), 0.1 if step < 10 else 0.0)
        optimizer.step(1e-3)
    return parameters, optimizer.tensors()


@pytest.mark.skipif(not torch.set_flush_denormal(True), reason="this processor has no such mode")
def test_no_mean_of_adam_is_denormal_and_the_weights_are_the_same():
    torch.set_flush_denormal(False)
    plain, state = adam_with_a_gradient_that_ends(1000)
    assert ((state["optimizer.1.exp_avg"] > 0) & (state["optimizer.1.exp_avg"] < TINY)).all()
    with at_full_speed():
        fast, state = adam_with_a_gradient_that_ends(1000)
    for name in ("optimizer.0.exp_avg", "optimizer.1.exp_avg"):
        assert not ((state[name] != 0) & (state[name].abs() < TINY)).any()
    for one, other in zip(plain, fast, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.skipif(not torch.set_flush_denormal(True), reason="this processor has no such mode")
def test_the_mode_is_left_even_after_an_error():
    torch.set_flush_denormal(False)
    assert denormal()
    with at_full_speed():
        assert not denormal()
    assert denormal()
    with pytest.raises(ArithmeticError), at_full_speed():
        raise ArithmeticError
    assert denormal()
