"""Modes of modules while a model is looked at, and that all is as it was afterwards."""

import sys
import threading

import numpy as np
import pytest
import torch
from hidden_nets import D, Decoder, K, Plain, X, encode, hide, same, state, trained
from torch import nn

from linvae.diagnose import diagnose, revive
from linvae.diagnose.evaluation_mode import evaluation_mode
from linvae.diagnose.module_search import modules_of


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.first, self.norm = nn.Linear(K, D), nn.BatchNorm1d(D)

    def forward(self, z):
        return self.norm(self.first(z))

    @torch.jit.export
    def decode(self, z):
        return self.norm(self.first(z))


@pytest.mark.parametrize("way", ["call", "method", "hidden"])
def test_torchscript(way, monkeypatch):
    held = Scripted()
    expected = diagnose(X, encode, Scripted().eval(), 0.5, draws=2).train.elbo
    script = torch.jit.script(held)
    hide(monkeypatch, script)
    ways = {
        "call": script,
        "method": script.decode,
        "hidden": lambda z: sys.modules["hidden_net"].net(z),
    }
    before = state(script)
    found = diagnose(X, encode, ways[way], 0.5, draws=2)
    assert found.train.elbo == pytest.approx(expected, rel=1e-6)
    assert same(before, state(script))
    # Of a hidden one no method can be seen: it is refused, and what it changed is as it was.
    with pytest.raises(ValueError, match="in another batch .* modules="):
        diagnose(X, encode, lambda z: sys.modules["hidden_net"].net.decode(z), 0.5)
    assert same(before, state(script))


class Merged(nn.Module):
    """Weights that are merged at eval() and taken apart at train(), as adapters do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.base, self.added = nn.Linear(K, D), nn.Parameter(torch.randn(D, K) / 3)
        self.merged = False

    def train(self, mode=True):
        super().train(mode)
        if self.merged == mode:
            self.base.weight.data += (-1 if mode else 1) * self.added.data
            self.merged = not mode
        return self

    def forward(self, z):
        more = 0 if self.merged else z @ self.added.T
        return self.base(z) + more


def test_what_eval_does_is_undone():
    held = nn.Sequential(Merged(), nn.Identity()).train()
    before = state(held)
    one = diagnose(X, encode, held, 0.5, draws=2).train.elbo
    assert same(before, state(held))
    assert not held[0].merged
    held.eval()
    assert diagnose(X, encode, held, 0.5, draws=2).train.elbo == pytest.approx(one, rel=1e-6)
    assert held[0].merged


def test_nothing_is_left_behind_by_an_error(monkeypatch):
    held = trained(Decoder())
    hide(monkeypatch, held)
    before, hooks = state(held), dict(nn.modules.module._global_forward_pre_hooks)

    def failing(z):
        sys.modules["hidden_net"].net(z)
        raise KeyboardInterrupt

    for decode in (failing, lambda z: sys.modules["hidden_net"].net(z)[:, :2]):
        with pytest.raises((ValueError, KeyboardInterrupt)):
            diagnose(X, encode, decode, 0.5)
        assert same(before, state(held))
        assert nn.modules.module._global_forward_pre_hooks == hooks


def test_a_graph_that_waits_for_its_gradients_is_left_usable():
    held = trained(Decoder())
    loss = held(torch.randn(8, K)).square().sum()
    diagnose(X, encode, held, 0.5, draws=2)
    loss.backward()
    assert held.last.weight.grad is not None


def test_training_in_another_thread_goes_on(monkeypatch):
    other, start, end = nn.BatchNorm1d(D), threading.Event(), threading.Event()

    def train():
        start.wait(10)
        other(X + 5)
        end.set()

    worker = threading.Thread(target=train)
    worker.start()

    def decode(z):
        start.set()
        end.wait(10)
        return z.repeat(1, 3)

    diagnose(X, encode, decode, 0.5, draws=2)
    worker.join()
    assert other.training
    assert int(other.num_batches_tracked) == 1
    assert torch.allclose(other.running_mean, 0.1 * (X + 5).mean(0), atol=1e-5)


def test_functions_of_arrays_around_a_module_are_given_arrays():
    """from_numpy takes no tensor."""
    held = trained(Decoder())
    expected = diagnose(X, encode, held, 0.5, draws=2).train.elbo
    found = diagnose(
        X.numpy(), encode, lambda z: held(torch.from_numpy(z)).detach().numpy(), 0.5, draws=2
    )
    assert found.train.elbo == pytest.approx(expected, rel=1e-6)


def test_the_search_is_bounded_and_looks_neither_into_circles_nor_libraries():
    many = [[] for _ in range(100_000)]
    many.append(many)
    assert modules_of([lambda: many]) == []
    assert modules_of([np.linalg.svd, torch.nn.functional.dropout, print, len, X, "text"]) == []
    near, far = nn.Linear(1, 1), nn.Linear(1, 1)
    assert modules_of([Plain([[far]]), lambda: near]) == [near, far]

    def names_an_attribute(z):
        return z.GLOBAL

    assert modules_of([names_an_attribute]) == []


GLOBAL = nn.Linear(1, 1)


def test_a_revived_model_trains_what_is_held_deep():
    held = nn.Linear(K, D)
    nn.init.zeros_(held.weight)
    decode = Plain([[held]]).decode
    found = diagnose(X, encode, decode, 0.5, draws=2)
    larger = revive(encode, decode, found)
    assert any(weights is held.weight for weights in larger.parameters())


def test_modules_that_show_themselves_are_told():
    held, known = nn.Linear(2, 2), []
    with evaluation_mode(known):
        assert held(torch.ones(1, 2)).shape == (1, 2)
        assert not held.training
    assert known == [held]
    assert held.training


@pytest.mark.parametrize("way", ["module", "function", "hidden"])
def test_compiled_modules(way, monkeypatch):
    held = Scripted()
    expected = diagnose(X, encode, Scripted().eval(), 0.5, draws=2).train.elbo
    compiled = torch.compile(held, backend="eager", fullgraph=True)
    hide(monkeypatch, compiled)
    decode = {
        "module": compiled,
        "function": torch.compile(lambda z: held(z), backend="eager", fullgraph=True),
        "hidden": lambda z: sys.modules["hidden_net"].net(z),
    }[way]
    before = state(held)
    assert diagnose(X, encode, decode, 0.5, draws=2).train.elbo == pytest.approx(expected, rel=1e-6)
    assert same(before, state(held))
