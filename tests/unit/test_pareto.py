"""The Pareto k of importance weights: against known tails, and against ArviZ."""

import math

import numpy as np
import pytest
from scipy.stats import genpareto, norm

from linvae.measure.pareto import MAX_RELIABLE_K, pareto_k, pareto_shape


@pytest.mark.parametrize("k", [-0.4, 0.1, 0.5, 0.7, 1.3])
@pytest.mark.parametrize("scale", [1e-3, 50.0])
def test_the_shape_of_generalised_pareto_draws_is_found(k, scale):
    n = 2000
    draws = genpareto.rvs(k, scale=scale, size=n, random_state=np.random.default_rng(4))
    # The deviation of the estimate is (1 + k) / sqrt(n) for large n (Zhang and Stephens 2009), and
    # ten draws of the prior say 1/2.
    tolerance = 3 * (1 + k) / math.sqrt(n) + 10 / n * abs(0.5 - k)
    assert pareto_shape(np.sort(draws)) == pytest.approx(k, abs=tolerance)


RANKS = {
    "pareto": lambda rank, k: -k * np.log(rank),
    "bounded": lambda rank, k: k * np.log(rank),
    "log-normal": lambda rank, deviation: deviation * norm.ppf(rank),
}


@pytest.mark.parametrize(
    ("tail", "draws", "parameter", "expected"),
    [
        ("pareto", 1000, 0.3, 0.32356064382606115),
        ("pareto", 1000, 0.9, 0.8442664334030595),
        ("pareto", 4000, 1.5, 1.4281651893655345),
        ("bounded", 1000, 0.5, -0.8316079117850008),
        ("log-normal", 1000, 0.1, -0.03557347266733864),
        ("log-normal", 1000, 1.0, 0.290753024475596),
        ("log-normal", 200, 3.0, 1.090239131568664),
        ("log-normal", 25, 1.0, 0.4501548211848337),
        ("log-normal", 1000, 40.0, 12.83194885306396),
    ],
)
def test_equals_arviz(tail, draws, parameter, expected):
    # arviz.psislw(log_weights)[1] of ArviZ 0.23.4, at the quantiles of known distributions.
    log_weights = RANKS[tail]((np.arange(draws) + 0.5) / draws, parameter)
    shuffled = np.random.default_rng(0).permutation(log_weights)
    # Round-off of a sum over a grid.
    assert pareto_k(shuffled) == pytest.approx(expected, rel=1e-10)


def test_each_datum_has_its_own_and_a_constant_factor_changes_nothing():
    log_weights = np.random.default_rng(1).normal(size=(500, 2, 3)) * [0.3, 1.0, 4.0]
    together = pareto_k(log_weights)
    assert together.shape == (2, 3)
    assert together[1, 2] == pareto_k(log_weights[:, 1, 2])
    # Adding 900 costs 1e-13 of each logarithm.
    np.testing.assert_allclose(pareto_k(log_weights - 900.0), together, atol=1e-9)
    assert (together[:, 2] > MAX_RELIABLE_K).all()
    assert (together[:, 0] < 0.5).all()


def test_equal_weights_have_no_tail():
    assert pareto_k(np.full(1000, -1400.0)) == 0.0
    # All of the largest weights are equal.
    assert pareto_k(np.r_[np.full(500, -3.0), np.full(500, -2.0)]) == 0.0


def test_what_cannot_be_fitted_is_not_called_reliable():
    few = np.random.default_rng(0).normal(size=20)
    assert pareto_k(few) == math.inf
    assert pareto_k(few[:1]) == math.inf
    three_large = np.r_[np.zeros(997), 5.0, 6.0, 7.0]
    assert pareto_k(three_large) == math.inf
    # One weight beside which the others are zero in double precision.
    assert pareto_k(np.r_[np.linspace(-9000, -8000, 999), 0.0]) == math.inf
    assert pareto_k(np.full(100, -np.inf)) == math.inf
    assert math.isnan(pareto_k(np.r_[np.zeros(99), np.nan]))


@pytest.mark.parametrize("power", [1, 3, 8])
def test_any_spread_of_weights_has_a_finite_shape(power):
    rng = np.random.default_rng(2)
    for scale in 10.0 ** np.arange(-14, 3):
        found = pareto_k(scale * rng.normal(size=(200, 5)) ** power)
        assert not np.isnan(found).any()


def test_excess_that_spans_all_numbers_has_a_shape():
    assert pareto_shape(np.geomspace(1e-307, 1e300, 50)) > 10


@pytest.mark.parametrize("shape", [(0,), (0, 4), ()])
def test_without_draws_it_says_so(shape):
    with pytest.raises(ValueError, match="must hold draws"):
        pareto_k(np.zeros(shape))
