"""The diagnosis of models that linvae did not write: those of pythae."""

import logging
import math

import numpy as np
import pytest
import torch
from enlarged import enlarged

from linvae.diagnose import diagnose, noise_variance_of, revive
from linvae.images import load as images_of
from linvae.images import preprocess
from linvae.measure.gaussian import measure

pythae = pytest.importorskip("pythae.models")

SHAPE, K, N = (1, 28, 28), 6, 300


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def images():
    bytes_, _ = images_of.load("MNIST", "train", n=N, source="embedded")
    return torch.as_tensor(preprocess.pixels(bytes_)).float().reshape(-1, *SHAPE)


def vae(conv=False):
    config = pythae.VAEConfig(input_dim=SHAPE, latent_dim=K, reconstruction_loss="mse")
    if not conv:
        return pythae.VAE(config)
    from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_VAE_MNIST

    return pythae.VAE(config, Encoder_Conv_VAE_MNIST(config), Decoder_Conv_AE_MNIST(config))


def beta_vae():
    config = {"input_dim": SHAPE, "latent_dim": K, "reconstruction_loss": "mse", "beta": 0.2}
    return pythae.BetaVAE(pythae.BetaVAEConfig(**config))


MODELS = {
    "VAE": (vae, 1.0),
    "BetaVAE": (beta_vae, 0.2),
    "convolutional VAE": (lambda: vae(conv=True), 1.0),
}


def functions(model):
    def encode(x):
        found = model.encoder(x)
        return found.embedding, found.log_covariance

    return encode, lambda z: model.decoder(z).reconstruction


def trained(name, images):
    """A few steps on the model's own loss: far from any optimum."""
    torch.manual_seed(0)
    model = MODELS[name][0]().train()
    n = 24 if name.startswith("conv") else N
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(3 if name.startswith("conv") else 25):
        loss = model({"data": images[:n]}).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, images[:n]


@pytest.mark.parametrize("name", MODELS)
def test_numbers_are_those_of_linvae_s_evaluation_and_the_promise_is_kept(name, images):
    model, x = trained(name, images)
    variance = noise_variance_of(
        lambda x, x_hat, m, s: model.loss_function(x_hat, x, m, s, None)[0], SHAPE, K
    )
    assert variance == pytest.approx(MODELS[name][1], rel=1e-4)
    encode, decode = functions(model)
    found = diagnose(x, encode, decode, variance, draws=8)
    assert model.training
    model.eval()
    rows = x.flatten(1).numpy()
    flat = (
        lambda y: encode(y.reshape(-1, *SHAPE)),
        lambda z: decode(z).flatten(1),
    )
    elbo = measure(*flat, rows, draws=8, seed=5).elbo(variance)
    assert found.train.elbo == pytest.approx(elbo.mean(), abs=0.1 * elbo.std())
    # By hand, from one draw, in double precision.
    with torch.no_grad():
        mean, log_variance = (part.double() for part in encode(x))
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        error = (x - decode(z.float())).double().flatten(1).square().sum(1)
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
    d = math.prod(SHAPE)
    alone = -error / (2 * variance) - 0.5 * d * math.log(2 * math.pi * variance) - kl
    assert found.train.elbo == pytest.approx(float(alone.mean()), abs=0.2 * float(alone.std()))
    larger = enlarged(*flat, found.cut, found.bypass, draws=4, seed=6)
    gained = measure(*larger, rows, draws=8, seed=7).elbo(variance) - elbo
    error = gained.std(ddof=1) / math.sqrt(len(rows))
    assert found.kind == "failed"
    assert found.gain > 0.5
    assert gained.mean() == pytest.approx(found.gain, abs=max(0.05 * found.gain, 4 * error))


def test_a_model_of_pythae_is_revived(images):
    model, x = trained("VAE", images)
    model.eval()
    encode, decode = functions(model)
    found = diagnose(x, encode, decode, 1.0)
    larger = revive(encode, decode, found)
    again = diagnose(x, larger.encode, larger.decode, 1.0)
    assert again.train.elbo - found.train.elbo == pytest.approx(found.gain, rel=0.2)
    x_hat, _, _ = larger(x[:4])
    assert x_hat.shape == (4, *SHAPE)
    assert np.isfinite(x_hat.detach().numpy()).all()
