"""Losses whose weights are uneven, or whose errors are not squared at every size."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from loss_terms import kl, squares, total

from linvae.diagnose import noise_variance_of

SHAPE, D, K = (3, 8, 8), 192, 32


def with_error(error):
    return lambda x, y, m, s: total(error(x, y)) + total(kl(m, s))


def with_weights(weights):
    return with_error(lambda x, y: weights * (x - y) ** 2)


def with_latents(weights):
    return lambda x, y, m, s: squares(x, y) + total(weights * kl(m, s))


def changed(shape, place, value):
    weights = torch.ones(shape, dtype=torch.float64)
    weights[place] = value
    return weights


LATITUDE = torch.cos(torch.linspace(-1.4, 1.4, 8, dtype=torch.float64))[:, None]
OF_FEATURES = "features, or data, have squared errors of different weights"
OF_LATENTS = "latents, or data, have KL of different weights"
UNEVEN = {
    "region": (with_weights(changed(SHAPE, np.s_[:, 3:5, 3:6], 50)), OF_FEATURES),
    "latitude": (with_weights(LATITUDE), "different weights.* axis 2 counts 0.173 of another"),
    "channel": (with_weights(changed(SHAPE, 1, 2)), "axis 1 counts 0.5 of another"),
    "mask of one pixel": (with_weights(changed(SHAPE, (2, 6, 1), 0)), OF_FEATURES),
    "random weights": (
        with_weights(1 + 0.01 * torch.rand(SHAPE, generator=torch.manual_seed(0))),
        OF_FEATURES,
    ),
    "datum": (
        lambda x, y, m, s: squares(x, y) + ((x - y)[1] ** 2).sum() + total(kl(m, s)),
        "a slice along the batch counts 0.333 of another",
    ),
    "mask of zeros": (with_error(lambda x, y: (x != 0) * (x - y) ** 2), "depends on x"),
    "mask of what is missing": (with_error(lambda x, y: (x != -1) * (x - y) ** 2), "depends on x"),
    "relative": (with_error(lambda x, y: (x - y) ** 2 / (x + 2)), "depends on x"),
    "above and below": (
        with_error(lambda x, y: torch.where(x > y, 2.0, 1.0) * (x - y) ** 2),
        "above x and below it",
    ),
    "differences": (
        with_error(lambda x, y: (x - y) ** 2 + ((x - y) - (x - y).roll(1, -1)) ** 2),
        "count together",
    ),
    "one latent": (with_latents(changed(K, 13, 3)), OF_LATENTS),
    "one latent, by a hundredth": (with_latents(changed(K, 30, 1.01)), OF_LATENTS),
    "latents of one datum": (
        lambda x, y, m, s: squares(x, y) + total(kl(m, s)) + kl(m, s)[0].sum(),
        OF_LATENTS,
    ),
    "one latent's variance": (
        lambda x, y, m, s: squares(x, y) + total(kl(m, s)) + total(kl(0 * m, s)[:, 5:6]),
        OF_LATENTS,
    ),
    "prior of another mean": (
        lambda x, y, m, s: squares(x, y) + total(kl(m - 0.5, s)),
        "another prior than N",
    ),
    "KL by the error": (
        lambda x, y, m, s: squares(x, y) + total(kl(m, s)) * (1 + F.mse_loss(x, y)),
        "weight of the KL depends on the error",
    ),
}


@pytest.mark.parametrize("name", UNEVEN)
def test_a_weight_that_is_uneven_anywhere_is_found(name):
    loss, told = UNEVEN[name]
    with pytest.raises(ValueError, match=told) as caught:
        noise_variance_of(loss, SHAPE, K)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["region", "latitude", "channel", "one latent", "datum"])
def test_and_in_single_precision_too(name):
    loss, _ = UNEVEN[name]
    with pytest.raises(ValueError, match="different weights"):
        noise_variance_of(lambda *batch: loss(*batch).float(), SHAPE, K)


def test_a_single_datum_and_a_single_feature_are_enough():
    assert noise_variance_of(with_weights(2), 1, 1, batch_size=1) == pytest.approx(0.25)


CUT = {
    "smooth L1": (
        lambda x, y: F.smooth_l1_loss(y, x, reduction="none"),
        "error of 2 counts 0.75 of .* up to 1",
    ),
    "smooth L1 of a small threshold": (
        lambda x, y: F.smooth_l1_loss(y, x, reduction="none", beta=0.1),
        "those up to 0.0312",
    ),
    "Huber": (
        lambda x, y: F.huber_loss(y, x, reduction="none", delta=1.0),
        "error of 2 counts 0.75 of .* up to 1",
    ),
    "Huber of a large threshold": (
        lambda x, y: F.huber_loss(y, x, reduction="none", delta=100.0),
        "error of 128 counts 0.952 of",
    ),
    "squares cut at 1": (lambda x, y: ((x - y) ** 2).clamp(max=1), "is cut"),
    "squares cut at 10": (lambda x, y: ((x - y) ** 2).clamp(max=10), "is cut"),
    "squares cut at 1000": (
        lambda x, y: ((x - y) ** 2).clamp(max=1000),
        "error of 32 counts 0.977 of",
    ),
    "small errors are forgiven": (
        lambda x, y: ((x - y).abs() - 0.02).clamp_min(0) ** 2,
        "as a squared error does",
    ),
    "reconstructions are cut": (lambda x, y: (x - y.clamp(0, 1)) ** 2, "is cut"),
    "a mean that is cut": (
        lambda x, y: F.mse_loss(x, y).clamp(max=5).expand(len(x), 1),
        "a cut of their sum",
    ),
    "Student's t": (lambda x, y: (1 + (x - y) ** 2).log(), "as a squared error does"),
}


@pytest.mark.parametrize("name", CUT)
def test_errors_are_squared_at_every_size(name):
    error, told = CUT[name]
    with pytest.raises(ValueError, match=told) as caught:
        noise_variance_of(with_error(error), D, K)
    assert "\n" not in str(caught.value)
