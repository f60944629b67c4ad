import numpy as np
import pytest
from scipy.linalg import subspace_angles

from linvae.linear import alignment

D, K = 8, 4


@pytest.fixture
def basis():
    return np.linalg.qr(np.random.default_rng(1).normal(size=(D, D)))[0]


@pytest.fixture
def scaled(basis):
    """Eigenvectors 0 to 3 in the order 2, 0, 3, 1, with lengths and signs."""
    return basis[:, [2, 0, 3, 1]] * np.array([3.0, -0.5, 1e-9, -40.0])


def _rotation(k, seed=2):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(k, k)))[0]


def test_cosines_against_the_definition(basis):
    w = np.random.default_rng(0).normal(size=(D, K))
    cosines = alignment.cos_matrix(w, basis)
    assert cosines.shape == (K, D)
    for i, j in [(0, 0), (3, 7), (2, 5)]:
        expected = w[:, i] @ basis[:, j] / np.linalg.norm(w[:, i])
        assert cosines[i, j] == pytest.approx(expected, rel=1e-12)


def test_planted_permutation_and_signs_are_found(basis, scaled):
    found = alignment.match(scaled, basis)
    assert found.order.tolist() == [1, 3, 0, 2]
    assert found.signs.tolist() == [-1.0, -1.0, 1.0, 1.0]
    np.testing.assert_allclose(found.cosines, 1.0, atol=1e-13)
    lengths = [0.5, 40.0, 3.0, 1e-9]
    np.testing.assert_allclose(found.apply(scaled), basis[:, :K] * lengths, atol=1e-12)
    assert alignment.mean_abs_cos(scaled, basis) == pytest.approx(1.0, abs=1e-13)


def test_match_is_one_to_one_where_greedy_choice_is_not(basis):
    # Both columns are nearest to axis 0; only one may have it. Best sum: 0.8 + 0.6, not 0.9 + 0.
    angles = np.arccos([0.9, 0.8])
    w = basis[:, :2] @ np.array([np.cos(angles), [0.0, np.sin(angles[1])]])
    w[:, 0] += np.sin(angles[0]) * basis[:, 5]
    found = alignment.match(w, basis)
    assert sorted(found.order.tolist()) == [0, 1]
    np.testing.assert_allclose(found.cosines, [0.9, 0.6], atol=1e-12)
    assert alignment.mean_abs_cos(w, basis) == pytest.approx(0.75, abs=1e-12)


def test_rotation_keeps_the_subspace_and_loses_the_axes(basis, scaled):
    turned = basis[:, :K] @ _rotation(K)
    for w in (scaled, turned):
        assert alignment.subspace_distance(w, basis) == pytest.approx(0.0, abs=1e-13)
    assert alignment.axis_alignment_distance(scaled, basis) == pytest.approx(0.0, abs=1e-13)
    assert alignment.axis_alignment_distance(turned, basis) > 0.1
    assert alignment.mean_abs_cos(turned, basis) < 0.95


def test_distances_of_bao_by_the_slow_definitions(basis):
    w = np.random.default_rng(5).normal(size=(D, K))
    u = basis[:, :K]
    projector = w @ np.linalg.inv(w.T @ w) @ w.T
    expected = 1 - np.trace(u @ u.T @ projector) / K
    assert alignment.subspace_distance(w, basis) == pytest.approx(expected, rel=1e-10)
    terms = [
        max((u[:, i] @ w[:, j]) ** 2 / (w[:, j] @ w[:, j]) for j in range(K)) for i in range(K)
    ]
    expected = 1 - sum(terms) / K
    assert alignment.axis_alignment_distance(w, basis) == pytest.approx(expected, rel=1e-10)
    cosines = np.cos(subspace_angles(w, u))
    assert 1 - (cosines**2).mean() == pytest.approx(alignment.subspace_distance(w, basis), rel=1e-9)


def test_planted_angle(basis):
    w = basis[:, :2].copy()
    w[:, 1] = np.cos(0.3) * basis[:, 1] + np.sin(0.3) * basis[:, 6]
    assert alignment.subspace_distance(w, basis) == pytest.approx(np.sin(0.3) ** 2 / 2, rel=1e-12)


def test_orthogonal_subspaces_are_at_distance_one(basis):
    w = basis[:, 4:]
    assert alignment.subspace_distance(w, basis) == pytest.approx(1.0, abs=1e-13)
    assert alignment.axis_alignment_distance(w, basis) == pytest.approx(1.0, abs=1e-13)


def test_zero_columns_count_as_wrong_without_nan(basis):
    w = basis[:, :K] * np.array([1.0, 0.0, 2.0, 0.0])
    assert alignment.mean_abs_cos(w, basis) == pytest.approx(0.5, abs=1e-13)
    assert alignment.axis_alignment_distance(w, basis) == pytest.approx(0.5, abs=1e-13)
    assert alignment.subspace_distance(w, basis) == pytest.approx(0.5, abs=1e-13)
    nothing = np.zeros((D, K))
    assert alignment.mean_abs_cos(nothing, basis) == 0.0
    assert alignment.subspace_distance(nothing, basis) == 1.0
    np.testing.assert_array_equal(alignment.match(nothing, basis).apply(nothing), nothing)


def test_lengths_far_from_one_do_not_matter(basis):
    w = basis[:, :K] * np.array([1e-200, 1e200, 1.0, 1e-30])
    assert alignment.mean_abs_cos(w, basis) == pytest.approx(1.0, abs=1e-13)
    assert alignment.subspace_distance(w, basis) == pytest.approx(0.0, abs=1e-13)


def test_gram_matrices_of_matched_columns(basis, scaled):
    np.testing.assert_allclose(alignment.gram(scaled), scaled.T @ scaled, rtol=1e-14)
    reference = basis[:, :K] * np.array([4.0, 3.0, 2.0, 1.0])
    crossed = reference.T @ alignment.match(scaled, reference).apply(scaled)
    np.testing.assert_allclose(crossed, np.diag([4 * 0.5, 3 * 40, 2 * 3, 1e-9]), atol=1e-12)


@pytest.mark.parametrize(
    ("w", "text"),
    [
        (np.ones(D), "matrix"),
        (np.full((D, 2), np.nan), "finite"),
        (np.ones((D + 1, 2)), "number of rows"),
        (np.ones((D, D + 1)), "reference columns"),
    ],
)
def test_misfitting_matrices_are_refused(basis, w, text):
    with pytest.raises(ValueError, match=text):
        alignment.mean_abs_cos(w, basis)
