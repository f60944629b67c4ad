"""The page of the diagnosis: each loss of its table is asked, each recipe is followed."""

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_diagnose_planted import DATA, K, linear_vae
from torch import nn

from linvae.diagnose import diagnose, noise_variance_of

PAGE = (Path(__file__).parents[2] / "docs" / "diagnose.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## My VAE collapsed: mean or sum?")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| `([^`]+)`[^|]*\| ([^|]+) \| ([^|]+) \|$", SECTION, re.MULTILINE)
SMALL = {"d": 12, "k": 7, "n": 6, "beta": 4.0, "s": 0.1}
LARGE = {"d": 784, "k": 20, "n": 128, "beta": 4.0, "s": 0.1}


def value(formula, numbers):
    """Of a formula as the page writes it, where n d / (2 k) is n * d / (2 * k)."""
    python = re.sub(r"(?<=\w) (?=\w)", " * ", formula)
    return eval(python, {}, numbers)


def loss_of(code, numbers):
    def loss(x, x_hat, mean, log_variance):
        q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0))
        return eval(code, {"F": F}, {"x": x, "x_hat": x_hat, "kl": kl, **numbers})

    return loss


def test_the_table_is_read():
    assert len(ROWS) == 10
    assert len(ROWS) == SECTION.count("\n| `")


@pytest.mark.parametrize(("code", "formula", "told"), ROWS, ids=[row[0] for row in ROWS])
def test_each_loss_has_the_sigma_squared_that_the_page_says(code, formula, told):
    found = noise_variance_of(loss_of(code, SMALL), SMALL["d"], SMALL["k"], batch_size=SMALL["n"])
    assert found == pytest.approx(value(formula, SMALL), rel=1e-4)
    assert float(told.replace(" ", "")) == pytest.approx(value(formula, LARGE), rel=5e-3)


class Conditional(nn.Module):
    """A VAE of which encoder and decoder are told the class."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.front, self.back = nn.Linear(16, 6), nn.Linear(3, 16)
        self.drop, self.shift = nn.Dropout(0.5), nn.Embedding(2, 16)

    def encode(self, x, label):
        return self.front(self.drop(x) - self.shift.weight[label]).chunk(2, 1)

    def decode(self, z, label):
        return self.back(z) + self.shift.weight[label]


def test_a_conditional_model_is_diagnosed_by_class():
    model, x = Conditional().train(), torch.as_tensor(DATA).float()
    elbos = []
    for label in (0, 1):
        found = diagnose(
            x[label::2],
            lambda x, c=label: model.encode(x, c),
            lambda z, c=label: model.decode(z, c),
            1.0,
        )
        assert found.n_latent == 3
        elbos.append(found.train.elbo)
    assert elbos[0] != pytest.approx(elbos[1], abs=0.01)


def test_a_variance_for_each_feature_is_exact_in_units_of_it():
    encode, decode = linear_vae()
    s = np.linspace(0.5, 3, DATA.shape[1])
    found = diagnose(DATA / s, lambda y: encode(y * s), lambda z: decode(z) / s, 1.0, draws=64)
    # In closed form: the decoder is linear, and the posterior variance the same for all.
    mean, log_variance = encode(DATA)
    columns = decode(np.eye(K)) - decode(np.zeros((1, K)))
    error = np.square((DATA - decode(mean)) / s).sum(1).mean()
    error += (np.exp(log_variance[0]) @ np.square(columns / s)).sum()
    kl = 0.5 * (np.square(mean) + np.exp(log_variance) - 1 - log_variance).sum(1).mean()
    elbo = -0.5 * (error + np.log(2 * math.pi * s**2).sum()) - kl
    assert found.train.elbo - np.log(s).sum() == pytest.approx(elbo, abs=0.05)


def test_latent_maps_are_taken_as_they_are():
    encode, decode = linear_vae()

    class Maps:
        """In the form of a model of diffusers."""

        def encode(self, x):
            mean, log_variance = (part.reshape(-1, 2, 2, 2) for part in encode(x))
            return SimpleNamespace(latent_dist=SimpleNamespace(mean=mean, logvar=log_variance))

        def decode(self, z):
            return SimpleNamespace(sample=decode(z.reshape(-1, K)))

    vae = Maps()

    def encode_maps(x):
        q = vae.encode(x).latent_dist
        return q.mean, q.logvar

    found = diagnose(DATA, encode_maps, lambda z: vae.decode(z).sample, 1.0)
    assert found.latent_shape == (2, 2, 2)
    assert found.train.elbo == diagnose(DATA, encode, decode, 1.0).train.elbo


def test_noise_of_a_denoising_model_is_left_out():
    encode, decode = linear_vae()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="two values of the same data"):
        diagnose(DATA, lambda x: encode(x + rng.normal(size=x.shape)), decode, 1.0)
