"""What costs a model nats beside its training: each note's number from a closed form."""

import re

import numpy as np
import pytest
import torch
from test_diagnose_planted import DATA, NOISE, linear_vae
from torch import nn
from torch.nn import functional

from linvae.diagnose import diagnose
from linvae.diagnose.stale_statistics import batch_statistics

D = DATA.shape[1]


def note_of(found, text):
    told = [note for note in found.notes if text in note]
    assert len(told) <= 1
    return told[0] if told else ""


def nats_in(note, pattern=r"(\d[\d.e+ ]*) nats"):
    return float(re.search(pattern, note)[1].replace(" ", ""))


@pytest.mark.parametrize("factor", [20.0, 1 / 20])
def test_a_learned_noise_variance_off_its_optimum_is_told(factor):
    """Of error S the ELBO at s = r S / d falls short of the best by d / 2 (1 / r - 1 + log r)."""
    best = diagnose(DATA, *linear_vae(), "tuned").noise_variance
    found = diagnose(DATA, *linear_vae(), factor * best, noise_learned=True)
    told = note_of(found, "is learned and not at its optimum")
    assert f" {best:.3g} would give" in told
    expected = D / 2 * (1 / factor - 1 + np.log(factor))
    assert nats_in(told) == pytest.approx(expected, rel=0.006)
    fixed = diagnose(DATA, *linear_vae(), factor * best)
    assert note_of(fixed, "is learned") == ""
    near = diagnose(DATA, *linear_vae(), 1.02 * best, noise_learned=True)
    assert note_of(near, "is learned") == ""
    assert note_of(diagnose(DATA, *linear_vae(), "tuned", noise_learned=True), "not at its") == ""


class NormalisedVAE(nn.Module):
    """A linear VAE with a normalisation in its way, that knows the data's axes."""

    def __init__(self, norm, k=5):
        super().__init__()
        axes = np.linalg.eigh(np.cov(DATA.T))[1][:, ::-1][:, :k].T.copy()
        self.norm, self.drop, self.k = norm, nn.Dropout(0.9), k
        self.register_buffer("axes", torch.as_tensor(axes).float())
        self.register_buffer("mean", torch.as_tensor(DATA.mean(0)).float())
        lengths = torch.as_tensor(DATA).float().sub(self.mean) @ self.axes.T
        self.register_buffer("scale", lengths.std(0, unbiased=False))

    def encode(self, x):
        z = self.norm((self.drop(x) - self.mean) @ self.axes.T / self.scale)
        return z, torch.full_like(z, -4.0)

    def decode(self, z):
        return (z * self.scale) @ self.axes + self.mean


class OneChannel(nn.Module):
    """Of rows (m, k), the normalisation over the k values of each."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, rows):
        return self.norm(rows[:, None])[:, 0]


def buffers(model):
    return {name: value.clone().numpy().tobytes() for name, value in model.named_buffers()}


def test_stale_statistics_are_told_and_no_buffer_changes():
    """They are of another mean, as those of an earlier encoder may be."""
    model = NormalisedVAE(nn.BatchNorm1d(5)).train()
    model.norm.running_mean += torch.tensor([1.0, -1, 0.5, 0, 0])
    shift = model.norm.running_mean.clone()
    before, own = buffers(model), [id(part) for part in model.buffers()]
    found = diagnose(torch.as_tensor(DATA).float(), model.encode, model.decode, NOISE)
    told = note_of(found, "running statistics of BatchNorm1d are stale")
    assert "in training mode, without steps" in told
    assert buffers(model) == before
    assert [id(part) for part in model.buffers()] == own
    assert all(part.training for part in model.modules())
    assert model.norm.track_running_stats
    # The latents are white: with statistics of their own they are what they were, and else shifted.
    x = torch.as_tensor(DATA).float()
    error = (x - model.mean - (x - model.mean) @ model.axes.T @ model.axes).square().sum(1).mean()
    error += (model.scale**2 * np.exp(-4)).sum()
    expected = float((shift * model.scale).square().sum() / (2 * NOISE) + shift.square().sum() / 2)
    assert nats_in(told) == pytest.approx(expected, rel=0.1)
    assert nats_in(told, r"squared error ([\d.]+)") == pytest.approx(float(error), rel=0.1)
    assert found.advice.startswith("Refresh the running statistics")
    # What the note says to do mends it.
    model.norm.momentum = None
    model.norm.reset_running_stats()
    model.drop.eval()
    with torch.no_grad():
        model.encode(x)
    mended = diagnose(x, model.encode, model.decode, NOISE)
    assert note_of(mended, "stale") == ""
    assert mended.train.elbo == pytest.approx(found.train.elbo + nats_in(told), rel=0.01)


@pytest.mark.parametrize("norm", [nn.InstanceNorm1d, nn.SyncBatchNorm, nn.BatchNorm1d])
def test_every_layer_with_running_statistics_is_looked_at(norm):
    layer = norm(1, track_running_stats=True)
    model = NormalisedVAE(OneChannel(layer)).eval()
    layer.running_mean += 1
    before = buffers(model)
    found = diagnose(torch.as_tensor(DATA).float(), model.encode, model.decode, NOISE)
    assert f"statistics of {norm.__name__} are stale" in note_of(found, "stale")
    assert buffers(model) == before
    # One that keeps none has none that are stale.
    model = NormalisedVAE(OneChannel(norm(1, track_running_stats=False))).eval()
    if norm is nn.InstanceNorm1d:
        found = diagnose(torch.as_tensor(DATA).float(), model.encode, model.decode, NOISE)
        assert note_of(found, "stale") == ""


def test_what_fails_in_between_leaves_the_layers_as_they_were():
    layer = nn.BatchNorm1d(5)
    model = NormalisedVAE(layer).eval()
    layer.running_mean += 1
    before = buffers(model)
    with pytest.raises(ValueError, match="more than 1 value"), batch_statistics([layer]):
        layer(torch.full((4, 5), np.nan)), layer(torch.zeros(1, 5))
    assert buffers(model) == before
    assert (layer.training, layer.track_running_stats) == (False, True)

    def encode(x):
        if layer.training:
            raise RuntimeError
        return model.encode(x)

    data = torch.as_tensor(DATA).float()
    found = diagnose(data, encode, model.decode, NOISE, modules=[model])
    assert note_of(found, "stale") == ""
    assert buffers(model) == before


ENDS = {
    "relu": (functional.relu, 0.0, np.inf),
    "softplus": (functional.softplus, 0.0, np.inf),
    "elu": (functional.elu, -1.0, np.inf),
    "silu": (functional.silu, -0.2785, np.inf),
    "exp": (torch.exp, 0.0, np.inf),
    "minus relu": (lambda y: -functional.relu(-y), -np.inf, 0.0),
    "hard tanh": (lambda y: 0.5 * functional.hardtanh(y), -0.5, 0.5),
    "sigmoid": (torch.sigmoid, 0.0, 1.0),
    "twice sigmoid": (lambda y: 2 * torch.sigmoid(y) - 0.5, -0.5, 1.5),
}
OPEN = {
    "linear": lambda y: y,
    "leaky relu": functional.leaky_relu,
    "cube": lambda y: y**3,
}
HIDDEN = [None, nn.ReLU, nn.Tanh, nn.Softplus]


def ended(end, data, hidden=None):
    """A decoder of random weights with some last activation, and an encoder of a kind."""
    torch.manual_seed(0)
    layers = [nn.Linear(4, D)] if hidden is None else [nn.Linear(4, 9), hidden(), nn.Linear(9, D)]
    back = nn.Sequential(*layers)
    reads = torch.randn(D, 4) / 20
    x = torch.as_tensor(data).float()
    return diagnose(
        x,
        lambda x: (x @ reads, torch.full((len(x), 4), -1.0)),
        lambda z: end(0.3 * back(z)),
        0.5,
        draws=2,
        modules=[back],
    )


STANDARD = (DATA - DATA.mean(0)) / DATA.std(0)


@pytest.mark.parametrize("name", ENDS)
def test_an_end_that_does_not_reach_the_data_is_told(name):
    end, low, high = ENDS[name]
    told = note_of(ended(end, STANDARD), "does not reach")
    ends = [float(value) for value in re.search(r"range, .(\S+), (\S+).,", told).groups()]
    assert ends == pytest.approx([low, high], abs=2e-3)
    x = STANDARD.astype(np.float32).astype(float)
    lost = np.square(x - x.clip(low, high)).sum(1).mean()
    assert nats_in(told) == pytest.approx(lost, rel=0.02)


@pytest.mark.parametrize("name", ENDS)
def test_hidden_layers_hide_no_end(name):
    end, low, high = ENDS[name]
    told = note_of(ended(end, STANDARD, nn.ReLU), "does not reach")
    ends = [float(value) for value in re.search(r"range, .(\S+), (\S+).,", told).groups()]
    assert ends == pytest.approx([low, high], abs=2e-3)


# A hidden tanh bounds what a leaky ReLU gives, and below it gives next to nothing.
REACHING = [(n, h) for n in OPEN for h in HIDDEN if (n, h) != ("leaky relu", nn.Tanh)]


@pytest.mark.parametrize(("name", "hidden"), REACHING)
def test_an_end_that_reaches_everything_is_not_accused(name, hidden):
    assert note_of(ended(OPEN[name], STANDARD, hidden), "does not reach") == ""


def test_a_decoder_that_overflows_far_out_is_no_error():
    found = ended(lambda y: torch.exp(8 * y), STANDARD)
    assert "range, [0, inf), does not" in note_of(found, "does not reach")


def test_a_decoder_that_gives_the_mean_alone_has_no_range():
    """Of standardised data that is 0 everywhere, as a ReLU might have it."""
    x = torch.as_tensor(STANDARD).float()
    zeros = lambda z: torch.zeros(len(z), D)  # noqa: E731
    found = diagnose(x, lambda x: (0.1 * x[:, :3], 0 * x[:, :3]), zeros, 0.5, draws=2)
    assert note_of(found, "does not reach") == ""


def moved(shift, scale):
    """The linear optimum with other latents, and a decoder that undoes that."""
    encode, decode = linear_vae()
    shift, scale = np.asarray(shift), np.asarray(scale)

    def shifted(x):
        mean, log_variance = encode(x)
        return mean * scale + shift, log_variance + 2 * np.log(scale)

    return shifted, lambda z: decode((z - shift) / scale)


def aggregated(functions):
    """Mean and variance of draws of z over the data: by sampling, not by formula."""
    mean, log_variance = functions[0](DATA)
    noise = np.random.default_rng(5).normal(size=(400, *mean.shape))
    z = (mean + np.exp(log_variance / 2) * noise).reshape(-1, mean.shape[1])
    return z.mean(0), z.std(0)


def test_latents_of_another_mean_or_scale_cost_what_undoing_it_gains():
    functions = moved([2, 0, 0, 0, 0, 0, 0, 1], [1, 1, 3, 1, 1, 1, 1, 0.5])
    found = diagnose(DATA, *functions, NOISE)
    told = note_of(found, "not the prior's")
    assert "(latents 0, 2, 7)" in told
    centre, scale = aggregated(functions)
    encode, decode = functions

    def undone(x):
        mean, log_variance = encode(x)
        return (mean - centre) / scale, log_variance - 2 * np.log(scale)

    better = diagnose(DATA, undone, lambda z: decode(z * scale + centre), NOISE)
    assert better.train.reconstruction == pytest.approx(found.train.reconstruction, rel=1e-9)
    gained = better.train.elbo - found.train.elbo
    assert gained > 4
    assert nats_in(told) == pytest.approx(gained, rel=0.005)
    assert note_of(better, "not the prior's") == ""


def test_correlated_latents_are_told():
    """Every latent has the prior's mean and variance, and two are nearly the same."""
    encode, decode = linear_vae()
    turn = np.eye(8)
    turn[:2, :2] = [[np.cos(0.9), np.sin(0.9)], [0, 1]]

    def mixed(x):
        mean, log_variance = encode(x)
        mean[:, 1] = 0.98 * mean[:, 0] + 0.1 * mean[:, 1]
        return mean, np.where(np.arange(8) < 2, -6.0, log_variance)

    found = diagnose(DATA, mixed, decode, NOISE)
    told = note_of(found, "correlated over the data")
    mean, log_variance = mixed(DATA)
    noise = np.random.default_rng(5).normal(size=(200, *mean.shape))
    z = (mean + np.exp(log_variance / 2) * noise).reshape(-1, 8)
    expected = -0.5 * np.linalg.slogdet(np.corrcoef(z.T))[1]
    assert expected > 1
    assert nats_in(told) == pytest.approx(expected, rel=0.01)


def test_a_prior_s_own_mean_and_scale_are_not_told():
    found = diagnose(DATA, *linear_vae(), NOISE)
    assert note_of(found, "over the data") == ""
