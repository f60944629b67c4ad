"""The certificate on models: it is kept by the enlarged model, and claims nothing beyond."""

import numpy as np
import pytest
import torch
from enlarged import enlarged

from linvae.bypass.cut import choose_cut, nested_cuts, residuals
from linvae.bypass.linear_bypass import across_draws, across_images, bypass
from linvae.bypass.residual import gain, spectrum
from linvae.diagnose import collapse_bound
from linvae.images import load as images_of
from linvae.images import preprocess
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.measure.gaussian import measure
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training.loop import fit
from linvae.training.models import build

D, K, N = 12, 6, 600
NOISE = 0.2
ALL = np.ones(K, bool)


@pytest.fixture(scope="module")
def data():
    """Seven linear directions, bent a little."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(N, 7)) * [2, 1.5, 1.2, 1, 0.9, 0.8, 0.6]
    z = z + 0.3 * np.sin(2 * z)
    return z @ np.linalg.qr(rng.normal(size=(D, 7)))[0].T + 1 + 0.2 * rng.normal(size=(N, D))


def trained(data, steps, **training):
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [16], "posterior": "amortised"},
            "decoder": {"hidden": [16]},
            "start": {"log_variance": -2.0},
            "training": {
                "objective": "stochastic",
                "steps": steps,
                "batch_size": 60,
                "learning_rate": 0.003,
                **training,
            },
            "job": {"records": 2},
        }
    )
    model = build(settings, Spectrum.from_data(data), K, parse_noise(f"fixed-{NOISE}"), 0)
    fit(model, settings, 0, data=data)
    return model.eval()


def shifted(model):
    """The same with a decoder that has lost its mean: what training has not ended looks like."""
    with torch.no_grad():
        model.decoder[-1].bias += 0.3
    return model


def collapsed(model):
    """The same with an encoder that is the prior."""
    with torch.no_grad():
        for head in (model.encoder.mean, model.encoder.log_variance):
            head[-1].weight.zero_()
            head[-1].bias.zero_()
        model.decoder[-1].weight.zero_()
        model.decoder[-1].bias.zero_()
    return model


MODELS = {
    "begun": lambda data: trained(data, 60),
    "latents free only nearly": lambda data: trained(data, 500, kl_annealing=0.0),
    "mean residual": lambda data: shifted(trained(data, 300)),
    "collapsed": lambda data: collapsed(trained(data, 20)),
}


def gains_by_sampling(model, data, cut, seed):
    """ELBO of each datum of the enlarged model minus that of the model, from fresh draws."""
    options = {"n_groups": 64, "seed": seed, "dtype": torch.float64}
    made = residuals(model.encode, model.decode, data, cut, NOISE, **options)
    added = bypass(*made.halves, NOISE, int(cut.sum()))
    larger = enlarged(model.encode, model.decode, cut, added, draws=400, seed=seed + 1)
    draws = {"draws": 60, "seed": seed + 2, "dtype": torch.float64}
    after = measure(*larger, data, **draws).elbo(NOISE)
    return after - measure(model.encode, model.decode, data, **draws).elbo(NOISE)


@pytest.mark.parametrize("name", MODELS)
def test_the_enlarged_model_gains_what_was_predicted(data, name):
    model = MODELS[name](data)
    functions = (model.encode, model.decode)
    kl = measure(*functions, data, draws=1, seed=0, dtype=torch.float64).kl.mean(0)
    cut = choose_cut(*functions, data, nested_cuts(kl), NOISE, seed=1, dtype=torch.float64)
    options = {"n_groups": 64, "seed": 2, "dtype": torch.float64}
    found = residuals(*functions, data, cut, NOISE, **options)
    groups = [sum(found.groups[i::4]) / 16 for i in range(4)]
    predicted = found.change + across_draws(groups, NOISE, int(cut.sum()))
    gained = gains_by_sampling(model, data, cut, seed=3)
    error = (gained - predicted).std(ddof=1) / np.sqrt(N)
    tolerance = max(0.01 * predicted.mean(), 3 * error)
    assert predicted.mean() > 0.1
    assert gained.mean() == pytest.approx(predicted.mean(), abs=tolerance)
    if name == "latents free only nearly":
        used = kl[cut]
        assert (used > 0.01).any()
        assert abs(found.change.mean()) > 0.01
    if name == "mean residual":
        assert (np.mean(found.halves, axis=(0, 1)) ** 2).sum() / (2 * NOISE) > 0.5


def test_at_total_collapse_elbo_and_gain_are_the_linear_bound(data):
    model = collapsed(trained(data, 2))
    functions = (model.encode, model.decode)
    elbo = measure(*functions, data, draws=2, seed=0, dtype=torch.float64).elbo(NOISE).mean()
    found = residuals(*functions, data, ALL, NOISE, n_groups=4, seed=1, dtype=torch.float64)
    assert found.change == pytest.approx(0, abs=1e-12)
    mean = found.groups[0].mean(0)
    gained = gain(spectrum(*found.halves), NOISE, K, mean @ mean)
    bound = ppca.fit(Spectrum.from_data(data), K, NOISE).log_likelihood(Spectrum.from_data(data))
    assert elbo + gained == pytest.approx(bound, rel=1e-12)
    assert across_draws(found.groups, NOISE, K).mean() == pytest.approx(gained, rel=1e-9)


def linear_vae(found):
    """Encoder and decoder of a linear VAE at its optimum."""
    weights, mean = torch.as_tensor(found.weights), torch.as_tensor(found.mean)
    zero, covariance = found.posterior(found.mean[None])
    matrix = torch.as_tensor(covariance @ found.weights.T / found.noise_variance)
    log_variance = torch.as_tensor(np.log(np.diag(covariance)))
    return (
        lambda x: ((x - mean) @ matrix.T, log_variance.expand(len(x), -1)),
        lambda z: z @ weights.T + mean,
    )


@pytest.fixture(scope="module")
def mnist():
    splits = {}
    for split, n in (("train", 2000), ("test", 1000)):
        images, _ = images_of.load("MNIST", split, n=n, source="embedded")
        splits[split] = preprocess.logit(images, seed=0)
    return splits


def test_of_a_linear_vae_at_its_optimum_nothing_is_left(mnist):
    k, noise = 100, 3.0
    vae = linear_vae(ppca.fit(Spectrum.from_data(mnist["train"]), k, noise))
    kl = measure(*vae, mnist["train"], draws=1, seed=0, dtype=torch.float64).kl.mean(0)
    cuts = nested_cuts(kl)
    options = {"seed": 1, "dtype": torch.float64}
    cut = choose_cut(*vae, mnist["train"], cuts, noise, **options)
    found = residuals(*vae, mnist["train"], cut, noise, seed=2, dtype=torch.float64)
    net = found.change + across_draws(found.groups, noise, int(cut.sum()))
    # What is lost is lost to bypasses chosen by two draws.
    assert -0.2 < net.mean() < 3 * net.std(ddof=1) / np.sqrt(len(net))
    # On images that it was not fitted to, their own few numbers would say what is not so.
    for cut in cuts:
        c = int(cut.sum())
        found = residuals(*vae, mnist["test"], cut, noise, seed=3, dtype=torch.float64)
        net = found.change + across_images(*found.halves, noise, c)
        assert net.mean() < max(1, 3 * net.std(ddof=1) / np.sqrt(len(net)))
    plugged = found.change.mean() + gain(spectrum(*found.halves), noise, c)
    assert plugged > 2


def test_features_that_are_rare_are_not_seen_and_not_denied():
    """Fifty features, each there for 1 % of the data, at twice their variance.

    Total collapse has no linear residual left, and yet a step decoder gains 0.155 nats of each.
    """
    n, d, share = 20_000, 50, 0.01
    rng = np.random.default_rng(0)
    data = np.zeros((n, d))
    for column in data.T:
        column[rng.choice(n, int(share * n), replace=False)] = 1.0
    noise = 2 * share * (1 - share)
    mean = torch.as_tensor(data.mean(0))

    def prior(x):
        return torch.zeros(2, len(x), d, dtype=torch.float64)

    def constant(z):
        return mean.expand(z.shape)

    found = residuals(prior, constant, data, np.ones(d, bool), noise, seed=0, dtype=torch.float64)
    claimed = found.change + across_images(*found.halves, noise, d)
    assert claimed.mean() == pytest.approx(0, abs=1e-9)
    assert not collapse_bound(data, noise, starts=4).proved

    # Found by maximising the ELBO of one feature over these numbers.
    def encode(x):
        there = x > 0.5
        mean = torch.where(there, 3.43, -0.035).double()
        return mean, torch.where(there, 2 * -2.18, 2 * -0.058).double()

    def step(z):
        return 0.963 * (z > 3.14)

    options = {"draws": 4, "seed": 1, "dtype": torch.float64}
    gained = measure(encode, step, data, **options).elbo(noise)
    gained -= measure(prior, constant, data, **options).elbo(noise)
    assert gained.mean() / d > 0.155
