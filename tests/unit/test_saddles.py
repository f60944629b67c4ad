"""The ELBO's own saddle points in closed form, against its gradient, its value and the solver."""

import math

import numpy as np
import pytest

from linvae.linear import elbo, ppca, saddles
from linvae.linear.curvature import Surface
from linvae.linear.solve import lbfgs
from linvae.linear.spectrum import Spectrum

D = 12


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(2)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return Spectrum.from_data(rng.normal(size=(400, D)) * 1.3 ** (6 - np.arange(D)) @ basis.T)


def _surface(spectrum, weights, s):
    return Surface(spectrum.eigenvectors.T @ weights, s, spectrum.eigenvalues)


@pytest.mark.parametrize("n_latent", [1, 2, 3, 5, 8, 16, 20])
def test_the_rotation_is_one_and_equalises_within_each_block(n_latent):
    rotation = saddles.hadamard_rotation(n_latent)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(n_latent), atol=1e-15)
    first = 1 << (n_latent.bit_length() - 1)
    np.testing.assert_allclose(rotation[:first, :first] ** 2, 1 / first, rtol=1e-15)
    assert np.count_nonzero(rotation[:first]) == first**2


@pytest.mark.parametrize("n_latent", [2, 3, 4, 6, 8])
def test_it_is_stationary_for_the_elbo_alone_and_lies_as_far_below_as_said(spectrum, n_latent):
    weights, s = saddles.elbo_saddle(spectrum, n_latent)
    surface = _surface(spectrum, weights, s)
    # Round-off of numbers of order one.
    assert np.linalg.norm(surface.gradient()) < 1e-12
    assert np.linalg.norm(surface.likelihood_gradient()) > 0.01
    best = ppca.max_log_likelihood(spectrum, n_latent)
    gap = best - elbo.profiled(weights, s, spectrum)
    assert gap > 0.02
    assert saddles.saddle_gap(spectrum, n_latent) == pytest.approx(gap, abs=1e-12)
    marginal = best - ppca.log_likelihood(weights, s, spectrum)
    assert marginal == pytest.approx(gap / 2, abs=1e-12)


@pytest.mark.parametrize("n_latent", [2, 3, 8])
def test_turning_two_columns_bends_the_elbo_upward_as_said(spectrum, n_latent):
    weights, s = saddles.elbo_saddle(spectrum, n_latent)
    bound = saddles.turning_curvature(weights, s)
    surface = _surface(spectrum, weights, s)
    assert 1e-3 < bound <= surface.steepest().curvature + 1e-9

    def turned(i, j, angle):
        w = weights.copy()
        w[:, i] = math.cos(angle) * weights[:, i] - math.sin(angle) * weights[:, j]
        w[:, j] = math.sin(angle) * weights[:, i] + math.cos(angle) * weights[:, j]
        return elbo.profiled(w, s, spectrum)

    def curvature(i, j, step=1e-3):
        second = (turned(i, j, step) + turned(i, j, -step) - 2 * turned(i, j, 0.0)) / step**2
        return second * s / np.sum(weights[:, [i, j]] ** 2)

    pairs = [(i, j) for i in range(n_latent) for j in range(i)]
    # Differences: step^2 from the fourth derivative, 1e-14 / step^2 from round-off.
    assert max(curvature(i, j) for i, j in pairs) == pytest.approx(bound, abs=1e-6)


def test_orthogonal_and_zero_columns_have_nothing_to_turn(spectrum):
    best = ppca.fit(spectrum, 4)
    assert saddles.turning_curvature(best.weights, best.noise_variance) < 1e-20
    assert saddles.turning_curvature(np.zeros((D, 3)), 1.0) == 0.0
    one = saddles.elbo_saddle(spectrum, 1)
    np.testing.assert_allclose(one[0], ppca.fit(spectrum, 1).weights, atol=1e-12)
    assert saddles.saddle_gap(spectrum, 1) == 0.0


@pytest.mark.parametrize("n_latent", [2, 4, 6])
def test_the_solver_goes_there_from_the_rotated_maximum_unless_it_rotates(spectrum, n_latent):
    weights, s = saddles.rotated_maximum(spectrum, n_latent)
    best = ppca.max_log_likelihood(spectrum, n_latent)
    assert ppca.log_likelihood(weights, s, spectrum) == pytest.approx(best, abs=1e-12)
    start = {"initial_weights": weights, "initial_noise_variance": s}
    stays = lbfgs(spectrum, n_latent, rotate=False, **start)
    assert stays.converged
    gap = saddles.saddle_gap(spectrum, n_latent)
    assert best - stays.elbo == pytest.approx(gap, abs=1e-8)
    assert best - lbfgs(spectrum, n_latent, **start).elbo < 1e-5


def test_too_few_latents_are_an_error():
    with pytest.raises(ValueError, match="n_latent=0"):
        saddles.hadamard_rotation(0)
