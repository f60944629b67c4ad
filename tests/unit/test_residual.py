"""The residual spectrum and what it is worth, against covariances that are known."""

import math

import numpy as np
import pytest
import scipy.sparse
from scipy.stats import multivariate_normal

from linvae.bypass import eigenpairs, residual
from linvae.bypass.residual import gain, halves, held_out_spectrum, leading, spectrum
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

N, D = 400, 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + rng.normal(size=D)


def test_of_residuals_without_noise_it_is_the_spectrum_of_the_data(data):
    np.testing.assert_allclose(spectrum(data, data), Spectrum.from_data(data).eigenvalues)


def test_noise_of_the_draws_does_not_raise_the_eigenvalues():
    rng = np.random.default_rng(1)
    n, scale = 20_000, np.array([3.0, 1.0, 0.0, 0.0])
    left = rng.normal(size=(n, 4)) * scale
    a, b = (left + 2 * rng.normal(size=(n, 4)) for _ in range(2))
    # One standard deviation of such a product is about (9 + 4) sqrt(2 / n) = 0.13.
    np.testing.assert_allclose(spectrum(a, b), [9, 1, 0, 0], atol=0.5)
    assert spectrum(a, a)[0] > 12


def by_matrix(a, b):
    """Eigenvalues of R, descending, and R itself, in double precision."""
    a, b = (half.astype(np.float64) - half.mean(0, dtype=np.float64) for half in (a, b))
    product = a.T @ b / len(a)
    r = (product + product.T) / 2
    return np.linalg.eigvalsh(r)[::-1], r


def forced(monkeypatch, way):
    """Let only one way to the leading pairs be taken."""
    monkeypatch.setattr(residual, "DENSE", 5)
    monkeypatch.setattr(eigenpairs, "SMALL", 0 if way == "iteration" else 10**6)
    monkeypatch.setattr(eigenpairs, "_SHARE", 1 if way == "iteration" else 0)
    others = {"iteration", "matrix", "rows"} - {way}
    for other in others - {"matrix"}:
        monkeypatch.setattr(eigenpairs, f"_by_{other}", None)


# More features than rows, where the rank is 2 n - 2 or, of one array twice, n - 1; and fewer.
SIZES = {"iteration": (60, 40), "rows": (15, 40), "matrix": (60, 40)}


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("way", SIZES)
def test_leading_pairs_are_those_of_the_matrix_by_any_way(way, dtype, twice, monkeypatch):
    rng = np.random.default_rng(5)
    n, d = SIZES[way]
    a, b = (half.astype(dtype) for half in rng.normal(size=(2, n, d)))
    a, b = (a, a) if twice else (a, (a + 0.1 * b).astype(dtype))
    exact, r = by_matrix(a, b)
    forced(monkeypatch, way)
    values, vectors = leading(a, b, 8)
    assert values.dtype == vectors.dtype == np.float64
    precise = 1e-5 if dtype == np.float32 else 1e-10
    np.testing.assert_allclose(values, exact[:8], atol=precise * exact[0])
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(8), atol=10 * precise)
    np.testing.assert_allclose((vectors * (r @ vectors)).sum(0), exact[:8], atol=precise * exact[0])
    np.testing.assert_allclose(spectrum(a, b, 8), exact[:8], atol=precise * exact[0])
    with pytest.raises(ValueError, match="give the number of leading ones"):
        spectrum(a, b)


@pytest.mark.parametrize("twice", [False, True])
def test_no_more_pairs_are_given_than_the_rank_allows(twice, monkeypatch):
    monkeypatch.setattr(residual, "DENSE", 5)
    a, b = np.random.default_rng(6).normal(size=(2, 7, 40))
    b = a if twice else b
    exact, _ = by_matrix(a, b)
    values, vectors = leading(a, b, 30)
    n_positive = 6 if twice else int((exact > 1e-9).sum())
    np.testing.assert_allclose(values[:n_positive], exact[:n_positive])
    assert vectors.shape == (40, len(values))
    assert len(values) <= (6 if twice else 12)
    assert len(held_out_spectrum(a, b, 30)) > 0


@pytest.mark.parametrize("way", SIZES)
def test_pairs_beyond_the_first_are_given_where_they_are_above(way, monkeypatch):
    rng = np.random.default_rng(8)
    n, d = SIZES[way]
    a = rng.normal(size=(n, d)) * np.geomspace(10, 0.1, d)
    exact, _ = by_matrix(a, a)
    forced(monkeypatch, way)
    monkeypatch.setattr(eigenpairs, "_FIRST", 3)
    above = (exact[5] + exact[6]) / 2
    values, vectors = leading(a, a, 12, above=above)
    # Iterations double: all six, and what came with them.
    n_found = len(values)
    assert 6 <= n_found <= 12
    assert (values[6:] <= above).all()
    np.testing.assert_allclose(values, exact[:n_found])
    assert vectors.shape == (d, n_found)
    assert len(leading(a, a, 12, above=2 * exact[0])[0]) == 3


def test_residuals_that_are_nothing_have_one_pair_of_nothing(monkeypatch):
    monkeypatch.setattr(residual, "DENSE", 5)
    values, vectors = leading(np.zeros((7, 40)), np.zeros((7, 40)), 30)
    assert values.tolist() == [0.0]
    assert np.linalg.norm(vectors) == 1.0


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda a: gain([3.0], -1.0, 1), "noise_variance=-1.0 must be a positive"),
        (lambda a: gain([3.0], math.nan, 1), "noise_variance=nan must be a positive"),
        (lambda a: gain([math.nan], 1.0, 1), "eigenvalues holds a value that is not finite"),
        (lambda a: gain([3.0], 1.0, -1), "a number from 0 on are needed"),
        (lambda a: gain([3.0], 1.0, 1, math.inf), "mean_squared=inf must be finite"),
        (lambda a: gain([3.0], 1.0, 1.5), "n_collapsed=1.5 must be a whole number"),
        (lambda a: spectrum(a, a[:-1]), "of one shape"),
        (lambda a: spectrum(a * np.inf, a), "half_a holds a value that is not finite"),
        (lambda a: leading(np.ma.masked_greater(a, 0), a, 1), "half_a has .* masked entries"),
        (lambda a: leading(a, scipy.sparse.csr_matrix(a), 1), r"say half_b.toarray\(\)"),
        (lambda a: leading(a, a, 0), "n_leading=0 must be 1 or more"),
        (lambda a: held_out_spectrum(a + 1j, a, 1), "real numbers are needed"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(call, told):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=told) as caught:
        call(np.random.default_rng(7).normal(size=(9, 4)))
    assert "\n" not in str(caught.value)


def test_the_gain_of_total_collapse_is_the_linear_optimum_less_the_collapsed_models(data):
    found, k = Spectrum.from_data(data), 5
    variance = float(found.eigenvalues[7])
    collapsed = multivariate_normal(found.mean, variance * np.eye(D)).logpdf(data).mean()
    linear = ppca.fit(found, k, variance).log_likelihood(found)
    gained = gain(found.eigenvalues, variance, k)
    assert collapsed + gained == pytest.approx(linear, rel=1e-12)


def test_a_mean_residual_is_worth_its_squared_length(data):
    assert gain([0.5], 2.0, 1, mean_squared=3.0) == pytest.approx(3 / 4)


def test_nothing_is_gained_below_the_noise_or_without_latents():
    assert gain([2.0, 1.0, 0.5], 2.0, 3) == 0
    assert gain([8.0, 4.0], 2.0, 0) == 0
    assert gain([8.0, 4.0], 2.0, 1) < gain([8.0, 4.0], 2.0, 2)


def test_few_data_of_equal_variance_seem_to_hold_directions_and_held_out_they_do_not():
    rng = np.random.default_rng(3)
    few = rng.normal(size=(200, 50))
    assert spectrum(few, few)[0] > 1.8
    # 100 data measure each variance to sqrt(2 / 100) = 0.14; averaged over both ways, 0.1.
    assert np.abs(held_out_spectrum(few, few, 10) - 1).max() < 0.4


def test_held_out_eigenvalues_of_many_data_are_the_eigenvalues(data):
    rng = np.random.default_rng(4)
    many = rng.normal(size=(40_000, 3)) * [3, 2, 1]
    np.testing.assert_allclose(held_out_spectrum(many, many, 3), [9, 4, 1], rtol=0.05)


def test_halves_share_no_datum():
    for n in (6, 7):
        (one, other), back = halves(n)
        assert sorted([*range(n)[one], *range(n)[other]]) == list(range(n))
        assert back == (other, one)


def test_estimates_of_different_data_are_refused():
    with pytest.raises(ValueError, match="of one shape"):
        spectrum(np.zeros((3, 2)), np.zeros((4, 2)))
