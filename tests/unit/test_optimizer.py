"""Adam, its rates and weights over the steps, and the lengths of a job."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings, Training
from linvae.training.adam import Adam, Group
from linvae.training.models import build
from linvae.training.optimizer import (
    budget_of,
    epoch_length,
    kl_weight,
    learning_rate,
    parameter_groups,
    record_steps,
)

START = ([0.0, 10.0], [[1.0, -2.0], [0.5, 3.0]], -1.0)


def parameters(values=START):
    return [torch.nn.Parameter(torch.tensor(value)) for value in values]


def gradients(given, step):
    """Leave gradients of a function that differs from step to step."""
    loss = sum(((p - step) ** 4).sum() for p in given)
    for parameter, gradient in zip(given, torch.autograd.grad(loss, given), strict=True):
        parameter.grad = gradient


def walk(given, optimizer, steps):
    for step in steps:
        gradients(given, step)
        optimizer.step(0.1 / (1 + step))


def test_its_steps_are_those_of_torch():
    ours, theirs = parameters(), parameters()
    walk(ours, Adam([Group(ours[:2]), Group(ours[2:], 3.0, (0.5, 0.9))]), range(6))
    groups = [{"params": theirs[:2]}, {"params": theirs[2:], "betas": (0.5, 0.9)}]
    reference = torch.optim.Adam(groups, fused=True)
    for step in range(6):
        gradients(theirs, step)
        for group, factor in zip(reference.param_groups, (1.0, 3.0), strict=True):
            group["lr"] = 0.1 / (1 + step) * factor
        reference.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_it_goes_on_as_if_it_had_not_stopped():
    whole = parameters()
    walk(whole, Adam([Group(whole)]), range(5))
    first = parameters()
    stopped = Adam([Group(first)])
    walk(first, stopped, range(2))
    saved = {name: tensor.clone() for name, tensor in stopped.tensors().items()}
    resumed, forgetful = ([torch.nn.Parameter(p.detach().clone()) for p in first] for _ in "ab")
    optimizer = Adam([Group(resumed)])
    optimizer.restore(saved)
    walk(resumed, optimizer, range(2, 5))
    assert all(torch.equal(a, b) for a, b in zip(resumed, whole, strict=True))
    # Without the optimiser's state it ends elsewhere: the test can tell.
    walk(forgetful, Adam([Group(forgetful)]), range(2, 5))
    assert not any(torch.equal(a, b) for a, b in zip(forgetful, whole, strict=True))


def test_what_has_no_gradient_stays():
    given = parameters()
    optimizer = Adam([Group(given[:2]), Group(given[2:])])
    given[0].grad = torch.ones(2)
    optimizer.step(0.1)
    moved = [not torch.equal(p, torch.tensor(v)) for p, v in zip(given, START, strict=True)]
    assert moved == [True, False, False]


def test_gradients_are_forgotten():
    given = parameters()
    gradients(given, 0)
    Adam([Group(given)]).zero_grad()
    assert [parameter.grad for parameter in given] == [None] * 3


@pytest.mark.parametrize(
    ("noise", "own_rate", "factors"),
    [
        ("fixed-1", None, [1.0]),
        ("fixed-1", 0.1, [1.0]),
        ("learned-1", None, [1.0, 1.0]),
        ("learned-1", 0.1, [1.0, 50.0]),
    ],
)
def test_a_learned_noise_variance_may_have_a_rate_of_its_own(noise, own_rate, factors):
    training = {"objective": "analytic", "steps": 1, "learning_rate": 0.002}
    settings = ModelSettings.model_validate(
        {"training": {**training, "noise_learning_rate": own_rate}}
    )
    spectrum = Spectrum.from_data(torch.randn(20, 4, dtype=torch.float64).numpy())
    model = build(settings, spectrum, 2, parse_noise(noise), 0)
    groups = parameter_groups(model, settings.training)
    assert [group.rate_factor for group in groups] == pytest.approx(factors)
    grouped = [id(parameter) for group in groups for parameter in group.parameters]
    assert sorted(grouped) == sorted(map(id, model.parameters()))


def test_it_spares_a_job_the_import_of_the_compiler():
    program = (
        "import sys, torch; from linvae.training.adam import Adam, Group; "
        "p = torch.nn.Parameter(torch.ones(2)); p.grad = torch.ones(2); "
        "Adam([Group([p])]).step(0.1); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_warm_up_rises_to_the_rate_and_cosine_falls_to_zero():
    training = Training(
        objective="analytic", steps=100, learning_rate=0.5, warmup_steps=4, schedule="cosine"
    )
    rates = [learning_rate(step, 100, training) for step in range(101)]
    np.testing.assert_allclose(rates[:5], [0.1, 0.2, 0.3, 0.4, 0.5])
    assert rates[52] == pytest.approx(0.25)  # the middle of the cosine
    assert rates[100] == pytest.approx(0)
    assert (np.diff(rates[4:]) < 0).all()


def test_constant_rate_stays():
    training = Training(objective="analytic", steps=10, learning_rate=0.5)
    assert {learning_rate(step, 10, training) for step in range(10)} == {0.5}


def test_kl_weight_rises_linearly_over_the_annealed_share():
    training = Training(objective="stochastic", epochs=1, kl_annealing=0.4)
    weights = [kl_weight(step, 10, training) for step in range(10)]
    np.testing.assert_allclose(weights, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1])
    assert kl_weight(0, 10, Training(objective="stochastic", epochs=1)) == 1


def test_curve_is_recorded_at_start_and_end():
    steps = record_steps(1000, 20)
    assert (steps[0], steps[-1]) == (0, 1000)
    assert len(steps) <= 21
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(("batch", "steps"), [(None, 1), (10, 5), (16, 4), (99, 1)])
def test_an_epoch_sees_every_datum(batch, steps):
    assert epoch_length(Training(objective="stochastic", epochs=1, batch_size=batch), 50) == steps


def test_a_budget_in_steps_is_whole_epochs():
    training = {"objective": "stochastic", "batch_size": 16}
    found = budget_of(Training(**training, steps=9), 50)
    assert (found.steps, found.steps_per_epoch, found.batch_size) == (12, 4, 16)
    assert budget_of(Training(**training, epochs=3), 50) == found
    # The last batch of an epoch has 2 data.
    assert [found.images_seen(step) for step in (0, 1, 3, 4, 5, 12)] == [0, 16, 48, 50, 66, 150]
    assert budget_of(Training(objective="analytic", steps=9), 1).steps == 9
