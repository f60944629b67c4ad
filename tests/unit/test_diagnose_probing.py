"""Losses with few digits, of bounded arguments, or of another fourth argument: named or read."""

import pytest
import torch
import torch.nn.functional as F
from loss_terms import kl, squares, total
from torch.distributions import Normal, kl_divergence

from linvae.diagnose import noise_variance_of

SHAPE, D, K = (3, 8, 8), 192, 32


def plain(x, y, m, s):
    return squares(x, y) + total(kl(m, s))


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

    def of_latents(x, y, m, s):
        weights = torch.tensor([1.0, 1, 2, 1])[:, None, None]
        return squares(x, y) + total(weights * kl(m, s))

    with pytest.raises(ValueError, match="axis 1 counts 0.5 of another"):
        noise_variance_of(of_latents, SHAPE, (4, 2, 2))


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
        noise_variance_of(plain, features, latents)
