"""Losses whose weights are uneven, whose errors are cut, or whose digits are few."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

from linvae.diagnose import noise_variance_of

SHAPE, D, K = (3, 8, 8), 192, 32


def kl(mean, log_variance):
    """From torch's own distributions, for each latent."""
    return kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))


def total(terms):
    return terms.flatten(1).sum(1).mean()


def squares(x, y):
    return total((x - y) ** 2)


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
    "latitude": (with_weights(LATITUDE), "different weights.* axis 2 counts 0.17 of another"),
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


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_cross_entropy_is_named_though_it_takes_no_large_errors(dtype):
    def loss(x, y, m, s):
        return F.binary_cross_entropy(y.to(dtype), x.to(dtype), reduction="sum") + kl(m, s).sum()

    with pytest.raises(ValueError, match="a cross-entropy, a discrete"):
        noise_variance_of(loss, 784, K)


def test_a_squared_error_that_takes_no_large_errors_is_read():
    def loss(x, y, m, s):
        if y.min() < 0 or y.max() > 1:
            raise RuntimeError
        return squares(x, y) + total(kl(m, s))

    assert noise_variance_of(loss, D, K) == pytest.approx(0.5)


def test_a_small_number_beside_a_standard_deviation_does_no_harm():
    def loss(x, y, m, s):
        return squares(x, y) + total(kl_divergence(Normal(m, (s / 2).exp() + 1e-5), Normal(0, 1)))

    assert noise_variance_of(loss, D, K) == pytest.approx(0.5, rel=1e-4)


def cast(loss, *dtypes):
    """Give a loss its arguments in other precisions."""
    return lambda *batch: loss(*(part.to(to) for part, to in zip(batch, dtypes, strict=True)))


def weighted(error, divergence, constant=0.0):
    """Of a mean over features times a weight."""
    return lambda x, y, m, s: (
        constant + error * F.mse_loss(x, y) + divergence * total(kl(m, s)).to(x.dtype)
    )


SINGLE, HALF, BRAIN, DOUBLE = torch.float32, torch.float16, torch.bfloat16, torch.float64
# Loss, its noise variance, and its relative error.
SHORT = {
    "KL of 1e-6": (cast(weighted(1, 1e-6), *4 * [SINGLE]), 784e-6 / 2, 1e-4),
    "sum and KL of 1e-6": (cast(weighted(784, 1e-6), *4 * [SINGLE]), 1e-6 / 2, 1e-4),
    "KL of 1e-6 beside a constant": (
        cast(weighted(1, 1e-6, 720), *4 * [SINGLE]),
        784e-6 / 2,
        5e-3,
    ),
    "error of 1e-6": (cast(weighted(1e-6, 1), *4 * [SINGLE]), 784e6 / 2, 1e-4),
    "mixed": (cast(weighted(1, 1e-6), SINGLE, SINGLE, DOUBLE, DOUBLE), 784e-6 / 2, 1e-4),
    "number in single": (
        lambda *batch: weighted(1, 1e-6)(*batch).float().item(),
        784e-6 / 2,
        1e-4,
    ),
    "half": (cast(weighted(1, 1e-6), *4 * [HALF]), 784e-6 / 2, 5e-3),
    "given in half": (lambda *batch: weighted(1, 1)(*batch).half(), 392, 5e-3),
    "arguments rounded": (
        lambda *batch: weighted(1, 1)(*(part.bfloat16().float() for part in batch)),
        392,
        5e-3,
    ),
}


@pytest.mark.parametrize("name", SHORT)
def test_few_digits_and_small_weights_are_read(name):
    loss, variance, error = SHORT[name]
    assert noise_variance_of(loss, 784, 200) == pytest.approx(variance, rel=error)


TOO_SHORT = {
    "bfloat16": cast(weighted(1, 1), *4 * [BRAIN]),
    "float16": cast(weighted(1, 1e-6, 20_000), *4 * [HALF]),
    "float32": cast(weighted(1, 1e-9, 1e8), *4 * [SINGLE]),
}


@pytest.mark.parametrize("precision", TOO_SHORT)
def test_too_few_digits_are_told_with_what_to_do(precision):
    told = rf"precision \({precision}.*\) is too low to read .*: compute it in float64"
    with pytest.raises(ValueError, match=told):
        noise_variance_of(TOO_SHORT[precision], 784, 20)


def read_as(scale):
    """Loss whose fourth argument is made a standard deviation by a function."""
    return lambda x, y, m, s: (
        squares(x, y) + total(kl_divergence(Normal(m, scale(s)), Normal(0, 1)))
    )


FOURTH = {
    "a standard deviation": (lambda s: s, r"called with exp\(log_variance / 2\)"),
    "a variance": (lambda s: s.sqrt(), r"called with exp\(log_variance\)"),
    "a standard deviation (of any sign)": (lambda s: s.abs(), r"exp\(log_variance / 2\)"),
    "a precision": (lambda s: s.rsqrt(), r"called with exp\(-log_variance\)"),
    "a log precision": (lambda s: (-0.5 * s).exp(), "called with -log_variance"),
    "a standard deviation before its softplus": (F.softplus, r"log\(expm1\(exp\("),
    "a variance before its softplus": (lambda s: F.softplus(s).sqrt(), r"log\(expm1\(exp\("),
}


@pytest.mark.parametrize("name", FOURTH)
def test_what_a_fourth_argument_is_read_as_is_told_and_giving_that_helps(name):
    scale, told = FOURTH[name]
    with pytest.raises(
        ValueError, match=f"reads its fourth argument as {name.split(' (')[0]}"
    ) as one:
        noise_variance_of(read_as(scale), D, K)
    assert "\n" not in str(one.value)
    with pytest.raises(ValueError, match=told):
        noise_variance_of(read_as(scale), D, K)
    advice = str(one.value).split("called with ")[1].split(" in their place")[0]
    names = {"exp": torch.exp, "log": torch.log, "expm1": torch.expm1}

    def wrapped(x, y, m, log_variance):
        given = eval(advice, {**names, "log_variance": log_variance})
        return read_as(scale)(x, y, m, given)

    assert noise_variance_of(wrapped, D, K) == pytest.approx(0.5)


def test_latents_may_have_a_shape():
    def loss(x, y, m, s):
        return ((x - y) ** 2).sum((1, 2, 3)).mean() + kl(m, s).sum((1, 2, 3)).mean()

    assert noise_variance_of(loss, SHAPE, (4, 2, 2)) == pytest.approx(0.5)
    weights = changed((4, 2, 2), 2, 2)
    with pytest.raises(ValueError, match="axis 1 counts 0.5 of another"):
        noise_variance_of(with_latents(weights), SHAPE, (4, 2, 2))


@pytest.mark.parametrize(
    ("features", "latents", "told"),
    [
        (0, 3, "n_features=0"),
        (4, (), "n_latent="),
        (4, (2, -1), "n_latent="),
        (4, 2.5, "n_latent=2.5"),
    ],
)
def test_a_shape_that_is_none_is_told(features, latents, told):
    with pytest.raises(ValueError, match=rf"{told}.* must be a positive number, or a shape"):
        noise_variance_of(with_weights(1), features, latents)
