"""Eigenvalues where float64 is short of digits, against singular values and exact constructions."""

import logging
import math

import numpy as np
import pytest

from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum


def singular_eigenvalues(x):
    """Eigenvalues of the covariance from the singular values of the centred data."""
    centred = x - x.mean(0)
    centred -= centred.mean(0)
    return np.linalg.svd(centred, compute_uv=False) ** 2 / len(x)


def rotated(stds, n, seed):
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(len(stds), len(stds))))[0]
    return rng.normal(size=(n, len(stds))) * stds @ basis


def wide(seed):
    """One direction 1e7 times as wide as the rest, along no axis."""
    return rotated(np.array([1e7, *[1.0] * 7]), 400, seed)


# --- round-off is not taken for variance ---------------------------------------------------------


@pytest.mark.parametrize("d", [5, 20, 100, 300])
@pytest.mark.parametrize("offset", [0.0, 1e6], ids=["as drawn", "shifted"])
def test_rows_that_sum_to_a_constant_have_rank_d_minus_one(d, offset):
    # Shifted, each entry is rounded to 1e-10, and the sums are constant up to that.
    for seed in range(5):
        x = np.random.default_rng(seed).dirichlet(np.ones(d), 2000) + offset
        spectrum = Spectrum.from_data(x)
        assert spectrum.eigenvalues[-1] == 0.0
        assert (spectrum.eigenvalues[:-1] > 0).all()
        with pytest.raises(ValueError, match="unbounded"):
            ppca.fit(spectrum, d - 1)
        constant = np.full(d, 1 / math.sqrt(d))
        assert abs(spectrum.eigenvectors[:, -1] @ constant) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_a_large_constant_feature_has_no_variance(seed):
    rng = np.random.default_rng(seed)
    constant = 10 ** rng.uniform(3, 9)
    rows = rng.normal(size=(300, 6))
    spectrum = Spectrum.from_data(np.insert(rows, seed % 7, constant, axis=1))
    assert spectrum.eigenvalues[6] == 0.0
    np.testing.assert_allclose(spectrum.eigenvalues[:6], singular_eigenvalues(rows), rtol=1e-10)
    with pytest.raises(ValueError, match="unbounded"):
        ppca.fit(spectrum, 6)


def test_a_repeated_feature_and_a_sum_of_features():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 4)) * [1.0, 1e-3, 10.0, 1e5]
    x = np.column_stack([x, x[:, 0], x.sum(1)])
    with pytest.raises(ValueError, match="unbounded"):
        ppca.fit(Spectrum.from_data(x), 4)


def test_a_small_variance_beside_a_large_offset_of_another_feature_is_kept():
    # Rounding hides what lies along the feature of 1.7e9, and nothing along the others.
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1000, 3)) * [1e-8, 1.0, 1.0] + [0.0, 1.7e9, 0.0]
    expected = singular_eigenvalues(x)
    found = Spectrum.from_data(x).eigenvalues
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[-1] == pytest.approx(x[:, 0].var(), rel=1e-6)


def test_few_rows_of_a_large_offset():
    x = np.random.default_rng(3).normal(size=(4, 9)) + 1e8
    spectrum = Spectrum.from_data(x)
    assert (spectrum.eigenvalues[3:] == 0).all()
    np.testing.assert_allclose(spectrum.eigenvalues[:3], singular_eigenvalues(x)[:3], rtol=1e-9)


# --- small eigenvalues are kept -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_one_direction_far_wider_than_the_rest(seed):
    x = wide(seed)
    expected = singular_eigenvalues(x)
    spectrum = Spectrum.from_data(x)
    # Round-off of the data, 1e-9 of the small singular values, twice as much in their squares.
    np.testing.assert_allclose(spectrum.eigenvalues, expected, rtol=1e-7)
    assert ppca.fit(spectrum, 3).noise_variance == pytest.approx(expected[3:].mean(), rel=1e-7)
    # The test can fail: the covariance alone is further off.
    assert abs(np.linalg.eigvalsh(spectrum.covariance)[:5].mean() / expected[3:].mean() - 1) > 1e-5
    np.testing.assert_allclose(
        spectrum.factor @ spectrum.factor.T, spectrum.covariance, atol=1e-14 * expected[0]
    )


def test_images_with_one_row_that_is_huge():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 30))
    x[7] = 1e9
    spectrum = Spectrum.from_data(x)
    expected = singular_eigenvalues(x)[10:].mean()
    assert ppca.fit(spectrum, 10).noise_variance == pytest.approx(expected, rel=1e-5)
    assert 0.8 < expected < 1.2


def test_features_of_very_different_units():
    units = 10.0 ** np.array([6, 3, 0, -3])
    x = np.random.default_rng(4).normal(size=(600, 4)) * units
    spectrum = Spectrum.from_data(x)
    np.testing.assert_allclose(spectrum.eigenvalues, singular_eigenvalues(x), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-50, 1e50])
def test_scale_of_the_data_changes_eigenvalues_by_its_square_alone(scale):
    x = rotated(2.0 ** -np.arange(5), 200, 0)
    plain, scaled = Spectrum.from_data(x), Spectrum.from_data(scale * x)
    np.testing.assert_allclose(scaled.eigenvalues / scale**2, plain.eigenvalues, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-170, 1e155, 1e300])
def test_variances_beyond_float64_are_refused_in_one_line(scale):
    x = rotated(np.ones(4), 50, 0)
    with pytest.raises(ValueError, match=r"variance of a feature is .*: rescale the data"):
        Spectrum.from_data(scale * x)


def test_constant_data_are_no_small_data():
    spectrum = Spectrum.from_data(np.full((5, 3), 0.1))
    assert (spectrum.eigenvalues == 0).all()


# --- the sign of a component ----------------------------------------------------------------------


def test_order_of_the_rows_decides_no_sign_among_equal_entries():
    rng = np.random.default_rng(0)
    # Both features alike by construction: the components are (1, 1) and (1, -1) over root two.
    half = rng.normal(size=(200, 2))
    x = np.concatenate([half, half[:, ::-1]])
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(x))
        vectors = Spectrum.from_data(x[order]).eigenvectors
        np.testing.assert_allclose(np.abs(vectors), math.sqrt(0.5), rtol=1e-9)
        assert (vectors[0] > 0).all()


# --- what callers hand over -----------------------------------------------------------------------


def test_single_precision_is_computed_in_double():
    x = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    found = Spectrum.from_data(x)
    np.testing.assert_array_equal(
        found.eigenvalues, Spectrum.from_data(x.astype(np.float64)).eigenvalues
    )
    assert found.covariance.dtype == np.float64


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.ma.masked_greater(np.arange(6.0).reshape(3, 2), 4), "masked"),
        (np.ones((3, 2)) + 1j, "complex"),
        ([[1.0, 2.0], [3.0]], "no array of numbers"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        (np.zeros((3, 0)), r"shape \(3, 0\)"),
    ],
)
def test_data_that_would_be_changed_are_refused(bad, text):
    with pytest.raises(ValueError, match=text):
        Spectrum.from_data(bad)


# --- the covariance alone -------------------------------------------------------------------------


def test_spectrum_of_a_covariance_is_that_of_its_data():
    x = rotated(2.0 ** -np.arange(5), 200, 1)
    expected = Spectrum.from_data(x)
    found = Spectrum.from_covariance(expected.covariance, expected.mean, 200)
    np.testing.assert_array_equal(found.eigenvalues, expected.eigenvalues)
    np.testing.assert_array_equal(found.eigenvectors, expected.eigenvectors)


def test_precision_of_a_covariance_that_is_spent_is_said(caplog):
    full = Spectrum.from_data(wide(0))
    assert "the covariance does not resolve" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        found = Spectrum.from_covariance(np.diag([1e20, 1.0, 1.0]), np.zeros(3), 100)
    assert "2 eigenvalues below" in caplog.text
    assert found.eigenvalues.tolist() == [1e20, 0.0, 0.0]
    with pytest.raises(ValueError, match="unbounded"):
        ppca.fit(found, 1)
    assert ppca.fit(full, 1).noise_variance > 0


@pytest.mark.parametrize(
    ("covariance", "text"),
    [
        (np.diag([1.0, -0.5]), "negative eigenvalues"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.eye(3), r"\(n, 2\)"),
        (np.eye(2) * 1j, "complex"),
        (np.ones((3, 2)), "shape"),
    ],
)
def test_what_is_no_covariance_is_refused(covariance, text):
    with pytest.raises(ValueError, match=text):
        Spectrum.from_covariance(covariance, np.zeros(2), 10)


@pytest.mark.parametrize(
    ("offset", "deviation"), [(1e15, 1.0), (-4e15, 3.0), (1e6, 1e-9), (2.0**53 - 100, 5.0)]
)
def test_an_offset_that_leaves_no_digits_for_the_spread_is_refused_in_one_line(offset, deviation):
    x = np.random.default_rng(5).normal(size=(300, 3))
    x[:, 1] = offset + deviation * x[:, 1]
    with pytest.raises(ValueError, match=r"feature 1 of x lies at .*subtract its offset") as caught:
        Spectrum.from_data(x)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("offset", [1e11, 2**40, 1e9])
def test_up_to_there_maximum_fit_and_data_agree(offset):
    x = np.random.default_rng(6).normal(size=(400, 6)) * np.linspace(1, 2, 6) + offset
    spectrum = Spectrum.from_data(x)
    model = ppca.fit(spectrum, 2)
    # Against the same rows, whose offset is taken off without an error.
    best = ppca.max_log_likelihood(Spectrum.from_data(x - offset), 2)
    assert ppca.max_log_likelihood(spectrum, 2) == pytest.approx(best, abs=1e-8)
    assert model.log_likelihood_per_example(x).mean() == pytest.approx(best, abs=1e-8)


def test_a_constant_far_from_zero_is_no_spread_without_digits():
    x = np.random.default_rng(7).normal(size=(50, 3))
    x[:, 2] = 1e15 / 3
    assert Spectrum.from_data(x).eigenvalues[-1] == 0.0


def test_whole_numbers_that_float64_does_not_have_are_refused():
    x = 2**53 + np.random.default_rng(8).integers(1, 40, size=(30, 3))
    with pytest.raises(ValueError, match=r"x holds \d+, beyond 2\^53"):
        Spectrum.from_data(x)
    assert (Spectrum.from_data(x - 2**53).eigenvalues > 1).all()
