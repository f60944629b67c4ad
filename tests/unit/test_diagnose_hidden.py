"""Modules in training mode, however functions hold them: right numbers, and nothing is changed."""

import functools
import gc
import sys
import types
import weakref

import numpy as np
import pytest
import torch
from hidden_nets import D, Decoder, K, Plain, X, encode, hide, same, state, trained
from torch import nn

from linvae.diagnose import diagnose
from linvae.diagnose.module_search import modules_of

GLOBALS, ELSEWHERE = {}, types.ModuleType("elsewhere")


class Slots(Plain):
    __slots__ = ("held",)


def at_default(held):
    def decode(z, where={"nets": (held,)}):  # noqa: B006
        return where["nets"][0](z)

    return decode


def at_keyword(held):
    def decode(z, *, where=[[held]]):  # noqa: B006
        return where[0][0](z)

    return decode


def in_closures(held):
    def outer():
        def inner(z):
            return held(z)

        return lambda z: inner(z)

    return outer()


def in_generator(held):
    def values():
        z = yield
        while True:
            z = yield held(z)

    made = values()
    next(made)
    return made.send


def in_globals(held):
    GLOBALS["net"] = {"inner": held}
    return lambda z: [GLOBALS["net"]["inner"](row) for row in [z]][0]


def in_class(held):
    kind = type("Holder", (), {"net": held, "decode": lambda self, z: self.net(z)})
    return kind().decode


def in_module(held):
    ELSEWHERE.net = held
    return lambda z: ELSEWHERE.net(z)


def in_weak_reference(held):
    reference = weakref.ref(held)
    return lambda z: reference()(z)


def in_plain_list_of_module(held):
    outer = nn.Module()
    outer.held = [held]
    outer.forward = lambda z: outer.held[0](z)
    return outer


def of_iterator(held):
    """A map can only be asked through what it refers to, as other objects of C."""
    return lambda z: held.__reduce__()[1][0](z)


FOUND = {
    "itself": lambda held: held,
    "method": lambda held: held.of_mode,
    "object": lambda held: Plain([[held]]).decode,
    "slots": lambda held: Slots([(held,)]).decode,
    "default": at_default,
    "keyword": at_keyword,
    "closures": in_closures,
    "generator": in_generator,
    "globals": in_globals,
    "class": in_class,
    "module of Python": in_module,
    "weak reference": in_weak_reference,
    "plain list of a module": in_plain_list_of_module,
    "partial": lambda held: functools.partial(lambda where, z: where["net"](z), {"net": held}),
    "cache": lambda held: functools.lru_cache(functools.partial(held.forward)),
    "map": lambda held: of_iterator(map(held, [])),
    "no_grad": lambda held: torch.no_grad()(in_closures(held)),
}
HIDDEN = {
    "imported": lambda held: lambda z: sys.modules["hidden_net"].net(z),
    "imported method": lambda held: lambda z: sys.modules["hidden_net"].net.of_mode(z),
    "part": lambda held: lambda z: held_parts()(z),
    "from the environment": lambda held: eval("lambda z: __import__('hidden_net').net(z)"),
}


def held_parts():
    net = sys.modules["hidden_net"].net
    return lambda z: net.last(net.layers(z)) / 50


@pytest.fixture(scope="module")
def expected():
    held = Decoder().eval()
    return diagnose(X, encode, held, 0.5, draws=2).train.elbo


@pytest.mark.parametrize("way", FOUND)
def test_modules_are_found_wherever_they_are_held(way, expected):
    held = trained(Decoder())
    decode, before = FOUND[way](held), state(held)
    assert any(part is held for found in modules_of([decode]) for part in found.modules())
    assert diagnose(X, encode, decode, 0.5, draws=2).train.elbo == pytest.approx(expected, rel=1e-6)
    assert same(before, state(held))


@pytest.mark.parametrize("way", HIDDEN)
def test_modules_that_are_not_found_show_themselves_when_they_are_called(
    way, expected, monkeypatch
):
    held = trained(Decoder())
    hide(monkeypatch, held)
    decode, before = HIDDEN[way](held), state(held)
    assert modules_of([decode]) == []
    # Of arrays as of tensors: what the module computes with is known once it is called.
    for data in (X, X.numpy()):
        found = diagnose(data, encode_any, decode, 0.5, draws=2)
        assert found.train.elbo == pytest.approx(expected, rel=1e-6)
        assert same(before, state(held))


def encode_any(x):
    return 0.3 * x[:, :K], 0 * x[:, :K] - 1


@pytest.mark.parametrize("part", ["encode", "decode"])
@pytest.mark.parametrize("data", [X, X.numpy()])
def test_what_depends_on_the_batch_is_refused_and_changes_no_statistic(part, data, monkeypatch):
    """Where nothing shows itself: forward of a hidden module is called, and no module."""
    norm = nn.BatchNorm1d(D)
    hide(monkeypatch, norm)
    before = {name: value.clone() for name, value in norm.state_dict().items()}

    def normed(x):
        x = torch.as_tensor(x).float()
        return sys.modules["hidden_net"].net.forward(x)

    functions = {
        "encode": lambda x: (normed(x)[:, :K], normed(x)[:, :K] * 0 - 1),
        "decode": lambda z: normed(torch.as_tensor(z).repeat(1, D // K)),
    }
    own = {"encode": encode, "decode": lambda z: z.repeat(1, D // K), part: functions[part]}
    if part == "encode" and data is not X:
        own["decode"] = lambda z: np.tile(z, D // K)
    with pytest.raises(ValueError, match=rf"{part} gives .* in another batch .* modules=") as told:
        diagnose(data, own["encode"], own["decode"], 0.5)
    assert "\n" not in str(told.value)
    assert norm.training
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())


@pytest.fixture
def nothing_frozen():
    """What is frozen is not listed among what is alive, and other tests freeze."""
    gc.unfreeze()


@pytest.mark.usefixtures("nothing_frozen")
@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda z: (z - z.mean(0)).repeat(1, 3), "in another batch"),
        (lambda z: (z / z.abs().max()).repeat(1, 3), "in another batch"),
        (lambda z: (z + torch.arange(len(z))[:, None]).repeat(1, 3), "in another batch"),
        (lambda z: nn.BatchNorm1d(D)(z.repeat(1, 3)), "in another batch"),
        (lambda z: nn.Dropout(0.5)(z.repeat(1, 3)), "two values of the same latents"),
        (lambda z: (z + torch.randn_like(z)).repeat(1, 3), "two values of the same latents"),
    ],
)
def test_a_decoder_that_looks_at_its_batch_is_refused(function, told):
    """A module that is made at each call is no user's to be put into evaluation mode."""
    with pytest.raises(ValueError, match=f"decode gives .*{told}"):
        diagnose(X, encode, function, 0.5)
