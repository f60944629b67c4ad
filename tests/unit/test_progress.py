"""What the curve of a deep VAE shows of both splits."""

import numpy as np
import pytest
import torch

from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import collapse_percent, kl_per_dimension
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training import progress
from linvae.training.models import build

D, K = 8, 3


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    return {"train": rng.normal(size=(90, D)), "test": 2 * rng.normal(size=(40, D))}


@pytest.fixture
def model(data):
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [8], "posterior": "amortised"},
            "decoder": {"hidden": [8]},
            "start": {"standardize": True},
            "training": {"objective": "stochastic", "steps": 1, "precision": "float32"},
        }
    )
    spectrum = Spectrum.from_data(data["train"])
    return build(settings, spectrum, K, parse_noise("fixed-0.5"), 0)


def test_columns_are_those_of_each_split(data, model):
    found = progress.progress_of(model, data, seed=0)(model)
    assert set(found) == {"subset_elbo", "test_elbo", "used_latents"}
    # Test data are twice as wide: no model of this kind does as well on them.
    assert found["test_elbo"] < found["subset_elbo"]


def test_used_latents_are_those_that_are_not_collapsed(data, model, monkeypatch):
    x = torch.as_tensor(data["train"]).float()
    for level in (1e-4, 1e-2, 0.05, 0.1, 1.0):
        monkeypatch.setattr(progress, "EPSILON", level)
        found = progress.progress_of(model, data, seed=0)(model)
        with torch.no_grad():
            mean, log_variance = model.encode(x)
        kl = kl_per_dimension(mean.double(), log_variance.double().exp())
        collapsed = collapse_percent(kl, level, progress.DELTA)
        assert found["used_latents"] == round(K * (1 - collapsed / 100))


def test_looks_differ_by_the_model_alone(data, model):
    measure = progress.progress_of(model, data, seed=0)
    first = measure(model)
    assert measure(model) == first
    with torch.no_grad():
        model.decoder[-1].bias += 0.5
    assert measure(model)["subset_elbo"] != first["subset_elbo"]


def test_only_some_images_are_looked_at(data, model, monkeypatch):
    monkeypatch.setattr(progress, "N_IMAGES", 20)
    few = progress.progress_of(model, data, seed=0)(model)
    changed = {split: np.vstack([rows[:20], 9 + rows[20:]]) for split, rows in data.items()}
    assert progress.progress_of(model, changed, seed=0)(model) == few
