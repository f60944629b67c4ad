"""A decoder with all that training mode changes, and what is compared of it."""

import sys
import types

import torch
from torch import nn

__all__ = ["D", "K", "X", "Decoder", "Plain", "encode", "hide", "same", "state", "trained"]

N, D, K = 80, 6, 2
X = torch.randn(N, D, generator=torch.Generator().manual_seed(0)) * torch.arange(1, D + 1)


class Decoder(nn.Module):
    """All whose training mode changes statistics or values, and an encoder that has none."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(16, 16))
        older = nn.utils.spectral_norm(nn.Linear(16, 16))
        norm = nn.BatchNorm1d(16)
        norm.running_mean.fill_(0.7)
        norm.running_var.fill_(5.0)
        first = nn.Linear(K, 16)
        self.layers = nn.Sequential(first, norm, nn.Tanh(), spectral, older, nn.Dropout(0.3))
        self.last = nn.Linear(16, D)

    def forward(self, z):
        return self.last(self.layers(z)) / 50

    def of_mode(self, z):
        """Without a call of this module itself, which alone knows the mode of the dropout."""
        return self.last(nn.functional.dropout(self.layers(z), 0.3, self.training)) / 50


def encode(x):
    return 0.3 * x[:, :K], 0 * x[:, :K] - 1


def trained(held):
    """Put parts into modes that are not all the same."""
    held.train()
    held.layers[0].eval()
    return held


def state(held):
    values = {name: value.clone() for name, value in held.state_dict().items()}
    return values, [part.training for part in held.modules()]


def same(one, other):
    return one[1] == other[1] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


class Plain:
    def __init__(self, held):
        self.held = held

    def decode(self, z):
        return self.held[0][0](z)


def hide(monkeypatch, held):
    """Put a module where functions come by it without holding it."""
    monkeypatch.setitem(sys.modules, "hidden_net", types.SimpleNamespace(net=held))
