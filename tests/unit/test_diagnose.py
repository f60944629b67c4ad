"""The bound on what anything gains over total collapse, against direct evaluation and proofs."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from linvae.diagnose import collapse_bound
from linvae.images import load as images_of
from linvae.images import preprocess
from linvae.linear.spectrum import Spectrum


def log_d(data, t, noise_variance):
    """Log of D(t) from the densities: the mean of N(x; t, sigma^2 I) / N(x; mu, sigma^2 I)."""
    covariance = noise_variance * np.eye(data.shape[1])
    log_density = multivariate_normal(cov=covariance).logpdf
    ratios = log_density(data - t) - log_density(data - data.mean(0))
    return logsumexp(ratios) - np.log(len(data))


@pytest.fixture(scope="module")
def mnist():
    images, _ = images_of.load("MNIST", "train", n=1500, source="embedded")
    return preprocess.pixels(images)


def test_in_the_unit_cube_a_quarter_of_the_dimension_is_proved():
    data = np.random.default_rng(0).integers(0, 2, size=(200, 8)).astype(float)
    found = collapse_bound(data, 2.0)
    assert found.proved
    assert "d / 4 = 2" in found.reason
    assert found.log_sup == pytest.approx(0, abs=1e-12)
    # Two opposite corners alone: just below, a mixture of the two is better.
    corners = np.array([np.zeros(8), np.ones(8)])
    assert collapse_bound(corners, 2.0).proved
    below = collapse_bound(corners, 1.9)
    assert not below.proved
    assert below.log_sup > 0


def test_outside_of_the_cube_the_diameter_decides():
    data = np.array([[0.0, 0], [4, 0], [2, 1], [2, -1]])
    assert collapse_bound(data, 4.0).proved
    assert collapse_bound(data, 4.0).reason == "sigma^2 >= diam^2 / 4, which is no more than 4"
    assert not collapse_bound(data, 3.9).proved
    # A triangle: its radius is larger than half of its diameter.
    triangle = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]]) * 4
    assert collapse_bound(triangle, 4.5).reason.startswith("sigma^2 >= diam^2 / 4 = 4")
    assert collapse_bound(triangle, 4.5).proved
    assert not collapse_bound(triangle, 3.9).proved


def test_mnist_is_not_proved_above_its_largest_eigenvalue(mnist):
    first = Spectrum.from_data(mnist).eigenvalues[0]
    assert first < 5.5
    found = collapse_bound(mnist, 5.5)
    assert not found.proved
    assert found.reason.startswith("sigma^2 < diam^2 / 4")
    assert found.log_sup > 0.01
    assert log_d(mnist, found.point, 5.5) == pytest.approx(found.log_sup, rel=1e-8)
    # Nothing was found, and nothing is proved, where the truth lies between the two bounds.
    high = collapse_bound(mnist, 30.0)
    assert (high.log_sup, high.proved) == (0, False)


def test_below_the_largest_eigenvalue_more_than_nothing_is_found():
    data = np.random.default_rng(1).normal(size=(300, 3)) * [2, 1, 1]
    found = collapse_bound(data, 0.9 * Spectrum.from_data(data).eigenvalues[0])
    assert found.log_sup > 0
    assert log_d(data, found.point, 0.9 * Spectrum.from_data(data).eigenvalues[0]) > 0


def test_no_mixture_gains_more():
    """Of two clusters at sigma^2 = 1 the mixture of their means is nearly the best there is."""
    rng = np.random.default_rng(2)
    centres = np.array([[-3.0, 0], [3, 0]])
    data = np.concatenate([centre + rng.normal(size=(200, 2)) for centre in centres])
    density = multivariate_normal(cov=np.eye(2)).logpdf
    mixture = logsumexp([density(data - centre) for centre in centres], axis=0) - np.log(2)
    gained = (mixture - density(data - data.mean(0))).mean()
    assert 3 < gained < collapse_bound(data, 1.0).log_sup


def test_what_cannot_be_is_refused():
    for data, variance in ((np.zeros((2, 2)), 0.0), (np.zeros((0, 2)), 1.0)):
        with pytest.raises(ValueError, match="must be positive"):
            collapse_bound(data, variance)
