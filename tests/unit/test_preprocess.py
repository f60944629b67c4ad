"""Preprocessing is invertible, its Jacobian is right, and its noise belongs to its row."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit
from scipy.special import logit as scipy_logit

from linvae.images.preprocess import (
    bits_per_dimension,
    inverse_logit,
    logit,
    logit_log_jacobian,
    pixels,
    splits_of,
)

LAM = 1e-6


@pytest.fixture
def images():
    draws = np.random.default_rng(0).integers(0, 256, size=(30, 28, 28), dtype=np.uint8)
    draws[0], draws[1] = 0, 255
    return draws


def test_pixels_are_bytes_over_255(images):
    x = pixels(images)
    assert x.shape == (30, 784)
    assert x.dtype == np.float64
    # The division by 255 is correctly rounded, so the way back is exact after rounding.
    np.testing.assert_array_equal(np.rint(x * 255), images.reshape(30, -1))
    assert x[0].max() == 0
    assert x[1].min() == 1


def test_flat_and_square_images_are_the_same(images):
    np.testing.assert_array_equal(logit(images), logit(images.reshape(30, 784)))


def test_logit_is_finite_and_recovers_the_bytes(images):
    t = logit(images, seed=3)
    assert t.shape == (30, 784)
    assert t.dtype == np.float64
    assert np.isfinite(t).all()
    y = (expit(t) - LAM) / (1 - 2 * LAM)
    np.testing.assert_array_equal(np.floor(y * 256), images.reshape(30, -1))
    np.testing.assert_allclose(inverse_logit(t), y, rtol=0, atol=1e-15)  # a few ulp of 1


def test_logit_noise_is_uniform_within_a_level(images):
    v = inverse_logit(logit(images)) * 256
    # 23,520 draws from a fixed seed: a p-value, not a tolerance.
    assert stats.kstest((v - images.reshape(30, -1)).ravel(), "uniform").pvalue > 1e-3


def test_logit_with_known_noise_is_the_textbook_formula(images):
    t = logit(images, lam=0.01)
    v = inverse_logit(t, lam=0.01) * 256
    # v carries an error of some 1e-13 from the way back; its image moves by less than half of it.
    np.testing.assert_allclose(scipy_logit(0.01 + 0.98 * v / 256), t, rtol=0, atol=1e-11)
    assert np.abs(t).max() <= scipy_logit(0.99)


def test_noise_of_a_row_does_not_depend_on_the_number_of_rows(images):
    np.testing.assert_array_equal(logit(images)[:7], logit(images[:7]))


def test_noise_depends_on_seed_and_stream(images):
    base = logit(images)
    np.testing.assert_array_equal(base, logit(images, seed=0, stream="train"))
    assert not np.array_equal(base, logit(images, seed=1))
    assert not np.array_equal(base, logit(images, stream="test"))


@pytest.mark.parametrize("lam", [1e-6, 0.05])
def test_log_jacobian_agrees_with_autograd(lam):
    v = torch.tensor([[0.001, 1.5, 128.0, 255.999], [3.0, 77.7, 200.1, 254.0]]).double()
    v.requires_grad_()
    t = torch.logit(lam + (1 - 2 * lam) * v / 256)
    (slope,) = torch.autograd.grad(t.sum(), v)
    expected = slope.log().sum(dim=1).numpy()
    # 1 - p loses up to log10(1 / lam) = 6 of 16 digits in torch.logit.
    np.testing.assert_allclose(logit_log_jacobian(t.detach().numpy(), lam), expected, atol=1e-9)


def test_log_jacobian_agrees_with_finite_differences():
    lam, step = 0.01, 1e-3
    v = np.array([[0.5, 10.0, 128.0, 250.0]])
    rise = scipy_logit(lam + (1 - 2 * lam) * (v + step) / 256)
    fall = scipy_logit(lam + (1 - 2 * lam) * (v - step) / 256)
    expected = np.log((rise - fall) / (2 * step)).sum()
    t = scipy_logit(lam + (1 - 2 * lam) * v / 256)
    # Central differences: an error of order (step / distance from the pole)^2, about 1e-7 here.
    np.testing.assert_allclose(logit_log_jacobian(t, lam), [expected], atol=1e-6)


def test_uniform_bytes_cost_eight_bits(images):
    t = logit(images)
    # Uniform v on [0, 256): its density in t is 1 / 256 over the slope, per feature.
    log_likelihood = (784 * np.log(1 / 256) - logit_log_jacobian(t)).mean()
    assert bits_per_dimension(log_likelihood, t, "logit") == pytest.approx(8, rel=1e-12)


def test_bits_per_dimension_of_a_gaussian_by_direct_change_of_variables(images):
    lam = 0.01
    t = logit(images, lam=lam)
    log_density = stats.norm(1.0, 2.0).logpdf(t)
    slope = (1 - 2 * lam) / (256 * expit(t) * (1 - expit(t)))
    expected = -np.mean(np.log2(np.exp(log_density) * slope))
    found = bits_per_dimension(log_density.sum(axis=1).mean(), t, "logit", lam)
    assert found == pytest.approx(expected, rel=1e-12)


def test_pixel_bits_count_255_steps_across_the_unit_interval(images):
    x = pixels(images)
    # The uniform density on [0, 1] is 1 there, and 1 / 255 a step.
    assert bits_per_dimension(0.0, x, "pixels") == pytest.approx(np.log2(255), rel=1e-12)
    one_nat_better = bits_per_dimension(784.0, x, "pixels")
    assert one_nat_better == pytest.approx(np.log2(255) - 1 / np.log(2), rel=1e-12)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 28, 28)), np.zeros(784, dtype=np.uint8), np.zeros((2, 4), dtype=np.int64)]
)
@pytest.mark.parametrize("transform", [pixels, logit])
def test_images_must_be_rows_of_bytes(transform, bad):
    with pytest.raises(ValueError, match="images is .* must be uint8"):
        transform(bad)


@pytest.mark.parametrize("lam", [0.0, 0.5, -1e-6, float("nan")])
def test_lam_must_leave_room(images, lam):
    with pytest.raises(ValueError, match="lam="):
        logit(images, lam=lam)


def test_unknown_preprocessing_is_named(images):
    with pytest.raises(ValueError, match="preprocessing='bits' is unknown"):
        bits_per_dimension(0.0, pixels(images), "bits")


def test_single_precision_is_computed_in_double():
    t = np.linspace(-14, 14, 785)[None, 1:].astype(np.float32)
    exact = (expit(t.astype(np.float64)) - LAM) / (1 - 2 * LAM)
    assert inverse_logit(t).dtype == np.float64
    np.testing.assert_allclose(inverse_logit(t), exact, rtol=0, atol=1e-15)
    expected = logit_log_jacobian(t.astype(np.float64))
    np.testing.assert_array_equal(logit_log_jacobian(torch.tensor(t, requires_grad=True)), expected)


def test_no_images_give_no_rows():
    for shape in ((0, 28, 28), (0, 784)):
        assert pixels(np.zeros(shape, np.uint8)).shape == (0, 784)
        assert logit(np.zeros(shape, np.uint8)).shape == (0, 784)
    assert logit_log_jacobian(np.zeros((0, 784))).shape == (0,)
    with pytest.raises(ValueError, match=r"data has shape \(0, 784\); at least one row"):
        bits_per_dimension(-1.0, np.zeros((0, 784)), "logit")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: pixels(np.ma.masked_equal(x, 255)), "images has .* masked"),
        (lambda x: logit(np.ma.masked_equal(x, 255)), "images has .* masked"),
        (lambda x: logit(x, lam=True), "lam=True"),
        (lambda x: logit(x, lam=0.1j), "lam"),
        (lambda x: inverse_logit(logit(x) + 0j), "data holds complex128"),
        (lambda x: logit_log_jacobian(np.full((1, 3), np.nan)), "data holds a value that is not"),
        (lambda x: bits_per_dimension(np.nan, logit(x), "logit"), "log_likelihood=nan"),
        (lambda x: bits_per_dimension(-1.0, logit(x)[0], "logit"), r"data has shape \(784,\)"),
    ],
)
def test_what_would_be_changed_is_refused(images, call, text):
    with pytest.raises(ValueError, match=text):
        call(images)


def test_a_variant_takes_the_first_images_or_those_after_some_with_the_ones_that_follow():
    train, test = np.arange(20), np.arange(100, 110)
    plain = splits_of(train, test, 5, 3)
    assert plain["train"].tolist() == [0, 1, 2, 3, 4]
    assert plain["test"].tolist() == [100, 101, 102]
    assert len(splits_of(train, test, None, 3)["train"]) == 20
    later = splits_of(train, test, 5, 3, after=12)
    assert later["train"].tolist() == [12, 13, 14, 15, 16]
    assert later["test"].tolist() == [17, 18, 19]
    with pytest.raises(ValueError, match="n=21 images of train: those passed over, and both"):
        splits_of(train, test, 5, 3, after=13)
