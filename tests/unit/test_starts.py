"""The start at the principal components: exactly the map that it promises."""

import numpy as np
import pytest
import torch
from linvae.training.start import start_at_principal_components

from linvae.noise import parse_noise
from linvae.settings.model import ModelSpec
from linvae.spectrum import Spectrum
from linvae.training.models import build

D, K, N = 9, 3, 60


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 4


def make(data, hidden=(10, 7), **training):
    spec = ModelSpec.model_validate(
        {
            "encoder": {"hidden": hidden, "posterior": "amortised"},
            "decoder": {"hidden": hidden[::-1]},
            "training": {"objective": "stochastic", "epochs": 1, "init": "principal", **training},
        }
    )
    spectrum = Spectrum.from_data(data)
    model = build(spec, spectrum, K, parse_noise("fixed-1"), 0)
    start_at_principal_components(model, spectrum)
    return model


@pytest.mark.parametrize("units", [{}, {"standardize": True}, {"whiten": True}])
@pytest.mark.parametrize("hidden", [(6,), (10, 7), (8, 9, 6)])
def test_mean_and_reconstruction_are_those_of_pca(data, hidden, units):
    model = make(data, hidden, **units)
    x = torch.as_tensor(data)
    mean, _ = model.encode(x)
    # Latents are uncorrelated with unit variance, and decode to the projection of numpy's SVD.
    np.testing.assert_allclose(np.cov(mean.detach().numpy().T, ddof=0), np.eye(K), atol=1e-10)
    centred = data - data.mean(0)
    leading = np.linalg.svd(centred)[2][:K]
    projection = centred @ leading.T @ leading + data.mean(0)
    np.testing.assert_allclose(model.decode(mean).detach().numpy(), projection, atol=1e-10)


def test_other_units_keep_random_weights_and_every_weight_can_learn(data):
    model = make(data)
    y = model.units.inward(torch.as_tensor(data))
    assert model.encoder.trunk[0].weight[2 * K :].abs().min() > 0
    mean, log_variance = model.encoder(y)
    (model.decoder(mean).square().sum() + log_variance.square().sum()).backward()
    assert model.decoder[-1].weight.grad.abs().sum(0).min() >= 0
    assert model.encoder.mean[-1].weight.grad[:, 2 * K :].abs().max() > 0


def test_directions_without_variance_are_finite(data):
    flat = data.copy()
    flat[:, 2:] = 1.0
    mean, _ = make(flat, standardize=True).encode(torch.as_tensor(flat))
    assert torch.isfinite(mean).all()


def test_narrow_layers_are_an_error_that_says_how_wide(data):
    with pytest.raises(ValueError, match="at least 2 k = 6 units, found 5; .* config.yaml"):
        make(data, (8, 5))
