import numpy as np
import pytest
import torch

from linvae.files import read_arrays, write_arrays
from linvae.measure.collapse import CollapseCurve, collapse_percent, epsilon_grid, kl_per_dimension


def _kl(seed=0, n=200, k=7):
    # Divergences spread over eight decades, with a dimension that is wholly collapsed.
    rng = np.random.default_rng(seed)
    kl = 10.0 ** rng.uniform(-6, 2, (n, k))
    kl[:, 3] = 1e-9
    return kl


def _slow_percent(kl, epsilon, delta):
    """Definition, dimension by dimension, in counts of whole data."""
    n, k = kl.shape
    collapsed = 0
    for i in range(k):
        share = sum(value < epsilon for value in kl[:, i]) / n
        collapsed += share >= 1 - delta - 1e-12
    return 100 * collapsed / k


def test_kl_equals_torch_distributions():
    rng = np.random.default_rng(1)
    mean, variance = rng.normal(size=(30, 4)), rng.uniform(1e-6, 5.0, (30, 4))
    q = torch.distributions.Normal(torch.tensor(mean), torch.tensor(variance).sqrt())
    prior = torch.distributions.Normal(torch.zeros(4).double(), torch.ones(4).double())
    expected = torch.distributions.kl_divergence(q, prior).numpy()
    np.testing.assert_allclose(kl_per_dimension(mean, variance), expected, rtol=1e-10, atol=1e-15)


def test_kl_is_zero_at_the_prior_and_never_negative():
    near = 1.0 + np.linspace(-1e-7, 1e-7, 4001)
    kl = kl_per_dimension(np.zeros((4001, 1)), near[:, None])
    assert (kl >= 0).all()
    assert kl_per_dimension(np.zeros((1, 2)), np.ones(2)).tolist() == [[0.0, 0.0]]
    # The leading term of the series, (v - 1)^2 / 4.
    value = kl_per_dimension(np.zeros((1, 1)), np.array([1 + 1e-5]))[0, 0]
    assert value == pytest.approx(0.25e-10, rel=1e-4)


def test_shared_variance_broadcasts_over_data():
    mean = np.random.default_rng(0).normal(size=(5, 3))
    variance = np.array([0.5, 1.0, 2.0])
    full = kl_per_dimension(mean, np.tile(variance, (5, 1)))
    np.testing.assert_array_equal(kl_per_dimension(mean, variance), full)


@pytest.mark.parametrize(
    ("mean", "variance"),
    [
        (np.zeros((3, 2)), np.zeros((3, 2))),
        (np.zeros((3, 2)), -np.ones((3, 2))),
        (np.zeros((3, 2)), np.full((3, 2), np.nan)),
        (np.full((3, 2), np.inf), np.ones((3, 2))),
        (np.zeros((3, 2)), np.ones((3, 1))),
        (np.zeros((3, 2)), np.ones((2, 3))),
        (np.zeros(3), np.ones(3)),
    ],
)
def test_bad_posteriors_are_refused(mean, variance):
    with pytest.raises(ValueError, match="variance|mean"):
        kl_per_dimension(mean, variance)


def test_planted_collapsed_dimensions_are_counted_exactly():
    kl = np.ones((100, 8))
    kl[:, :3] = 0.001
    kl[0, 1] = 5.0  # one of 100 data exceeds: allowed at delta = 0.01
    kl[:2, 2] = 5.0  # two exceed: not allowed
    assert collapse_percent(kl, 0.01) == 100 * 2 / 8
    assert collapse_percent(kl, 0.01, delta=0.0) == 100 * 1 / 8
    assert collapse_percent(kl, 0.01, delta=0.02) == 100 * 3 / 8
    assert collapse_percent(kl, 10.0) == 100.0
    assert isinstance(collapse_percent(kl, 0.01), float)


def test_comparison_with_epsilon_is_strict():
    kl = np.full((10, 1), 0.5)
    assert collapse_percent(kl, 0.5) == 0.0
    assert collapse_percent(kl, np.nextafter(0.5, 1)) == 100.0


@pytest.mark.parametrize("exceeding", range(1, 100))
def test_every_share_of_a_hundred_is_compared_exactly(exceeding):
    # Products like 0.29 * 100 fall below the integer they stand for.
    kl = np.where(np.arange(100) < exceeding, 1.0, 1e-3)[:, None]
    assert collapse_percent(kl, 0.01, delta=exceeding / 100) == 100.0
    assert collapse_percent(kl, 0.01, delta=exceeding / 100 - 1e-6) == 0.0


@pytest.mark.parametrize("delta", [0.0, 0.01, 0.3, 0.5, 0.99])
def test_percent_equals_the_definition(delta):
    kl = _kl()
    epsilon = np.array([1e-8, 1e-5, 3e-3, 0.01, 0.7, 30.0, 1e3])
    found = collapse_percent(kl, epsilon, delta)
    assert found.tolist() == pytest.approx([_slow_percent(kl, e, delta) for e in epsilon])
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("delta", [0.0, 0.01, 0.2])
def test_curve_equals_the_divergences_on_its_grid(delta, dtype):
    kl = _kl().astype(dtype)
    curve = CollapseCurve.from_kl(kl)
    np.testing.assert_array_equal(curve.percent(delta), collapse_percent(kl, curve.epsilon, delta))
    assert np.ptp(curve.percent(delta)) > 50


def test_grid_holds_powers_of_ten_exactly():
    grid = epsilon_grid()
    assert (grid[0], grid[-1], len(grid)) == (1e-6, 100.0, 321)
    assert {1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0} <= set(grid.tolist())
    np.testing.assert_allclose(np.diff(np.log10(grid)), 1 / 40, rtol=1e-9)


@pytest.mark.parametrize("prefix", ["", "test_"])
def test_curve_is_small_and_survives_a_file(tmp_path, prefix):
    kl = _kl(n=3000)
    curve = CollapseCurve.from_kl(kl, [1e-4, 0.01, 1.0])
    assert curve.counts.dtype == np.uint32
    assert curve.counts.shape == (7, 3)
    arrays = curve.arrays(prefix)
    assert all(name.startswith(prefix) for name in arrays)
    write_arrays(tmp_path / "c.npz", **arrays)
    loaded = CollapseCurve.from_arrays(read_arrays(tmp_path / "c.npz"), prefix)
    np.testing.assert_array_equal(loaded.counts, curve.counts)
    np.testing.assert_array_equal(loaded.epsilon, curve.epsilon)
    assert loaded.n_samples == 3000
    np.testing.assert_array_equal(loaded.percent(), collapse_percent(kl, curve.epsilon))


@pytest.mark.parametrize(
    "arrays",
    [
        {"epsilon": np.ones(2), "counts": np.ones((3, 2))},
        {"epsilon": np.ones(2), "counts": np.ones((3, 4)), "n_samples": np.asarray(3)},
    ],
)
def test_arrays_that_are_no_curve_are_refused(arrays):
    with pytest.raises(ValueError, match="epsilon, counts, n_samples of a collapse curve"):
        CollapseCurve.from_arrays(arrays)


def test_the_curve_of_another_split_is_not_taken():
    arrays = CollapseCurve.from_kl(_kl()).arrays()
    with pytest.raises(ValueError, match="test_epsilon, test_counts, test_n_samples"):
        CollapseCurve.from_arrays(arrays, "test_")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kl": np.zeros(3)}, "kl of shape"),
        ({"kl": np.zeros((0, 3))}, "kl of shape"),
        ({"kl": np.full((2, 2), np.nan)}, "NaN"),
        ({"epsilon": 0.0}, r"epsilon.*\(measurement in config\.yaml\)"),
        ({"epsilon": np.nan}, "epsilon"),
        ({"delta": 1.0}, r"delta.*\(measurement in config\.yaml\)"),
        ({"delta": -0.1}, "delta"),
    ],
)
def test_bad_arguments_are_refused(change, text):
    with pytest.raises(ValueError, match=text):
        collapse_percent(**({"kl": np.ones((2, 2)), "epsilon": 0.1, "delta": 0.01} | change))


@pytest.mark.parametrize("epsilon", [[], [0.1, 0.1], [1.0, 0.1], 0.1])
def test_curve_needs_an_ascending_grid(epsilon):
    with pytest.raises(ValueError, match="ascending"):
        CollapseCurve.from_kl(_kl(), epsilon)
