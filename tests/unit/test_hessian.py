import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

from linvae.landscape import hessian
from linvae.landscape.hessian import (
    column_hessian,
    hessian_table,
    weights_bend,
    weights_gradient,
)
from linvae.linear import stationary
from linvae.linear.spectrum import Spectrum

D, K = 6, 4


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return rng.normal(size=(200, D)) * np.linspace(3.0, 0.5, D) @ basis.T


@pytest.fixture(scope="module")
def spectrum(x):
    return Spectrum.from_data(x)


def _dense(column, rest, s, covariance):
    """Log-likelihood through the d x d covariance, up to a constant."""
    w = torch.cat([rest, column[:, None]], 1)
    c = w @ w.T + s * torch.eye(D, dtype=torch.float64)
    return -0.5 * (torch.logdet(c) + torch.trace(torch.linalg.solve(c, covariance)))


@pytest.mark.parametrize("scale", [0.0, 0.7])
def test_hessian_equals_that_of_the_dense_likelihood(spectrum, scale):
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(D, K))
    weights[:, -1] *= scale
    rest, covariance = torch.tensor(weights[:, :-1]), torch.tensor(spectrum.covariance)
    expected = torch.autograd.functional.hessian(
        lambda column: _dense(column, rest, 0.8, covariance), torch.tensor(weights[:, -1])
    )
    found = column_hessian(weights, 0.8, spectrum.covariance)
    # Entries are of order one; two factorisations of 6 x 6 matrices differ by round-off only.
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-11)


def test_gradient_equals_differences_of_the_gaussian_density(x, spectrum):
    rng = np.random.default_rng(6)
    weights, step = rng.normal(size=(D, K)), 1e-5

    def log_p(w):
        cov = w @ w.T + 0.8 * np.eye(D)
        return multivariate_normal(spectrum.mean, cov).logpdf(x).mean()

    gradient = weights_gradient(weights, 0.8, spectrum.covariance)
    for entry in [(0, 0), (2, 3), (5, 1)]:
        shift = np.zeros_like(weights)
        shift[entry] = step
        difference = (log_p(weights + shift) - log_p(weights - shift)) / (2 * step)
        # Central differences: step^2 from the third derivative, 1e-15 / step from round-off.
        assert gradient[entry] == pytest.approx(difference, abs=1e-7)


@pytest.mark.parametrize("column", [0, 2])
def test_hessian_is_of_the_column_that_is_named(spectrum, column):
    weights = np.random.default_rng(5).normal(size=(D, K))
    last = np.roll(weights, -1 - column, axis=1)
    np.testing.assert_array_equal(last[:, -1], weights[:, column])
    np.testing.assert_allclose(
        column_hessian(weights, 0.8, spectrum.covariance, column),
        column_hessian(last, 0.8, spectrum.covariance),
        atol=1e-12,
    )


def test_largest_curvature_of_all_entries_equals_that_of_the_dense_hessian(spectrum):
    s, values = 0.8, spectrum.eigenvalues
    weights = np.random.default_rng(9).normal(size=(D, K))

    def log_likelihood(w):
        c = w @ w.T + s * torch.eye(D, dtype=torch.float64)
        trace = torch.trace(torch.linalg.solve(c, torch.diag(torch.tensor(values))))
        return -0.5 * (torch.logdet(c) + trace)

    dense = torch.func.hessian(log_likelihood)(torch.tensor(weights)).reshape(D * K, D * K)
    top = float(torch.linalg.eigvalsh(dense)[-1])
    # Lanczos' method stops at a residual of 1e-6.
    assert weights_bend(weights, s, values) == pytest.approx(s * top, abs=1e-6)


@pytest.fixture(scope="module")
def table(spectrum):
    return hessian_table(spectrum, K, [3, 5])


def test_table_agrees_with_the_formula_and_the_points_are_stationary(table):
    scale = 1.0 / table["noise_variance"]
    with_zero = table[table["n_zero"] > 0]
    assert with_zero["autograd"].notna().all()
    assert ((table["autograd"] - table["formula"]).abs() < 1e-12 * scale)[with_zero.index].all()
    assert (with_zero["off_diagonal"] < 1e-12 * scale[with_zero.index]).all()
    assert (table["gradient"] < 1e-12).all()
    unused = table[~table["used"]]
    expected = (unused["eigenvalue"] - unused["noise_variance"]) / unused["noise_variance"] ** 2
    np.testing.assert_allclose(unused["formula"], expected, atol=1e-15)


def test_points_rise_where_a_zero_column_does(table):
    for _, rows in table[table["n_zero"] > 0].groupby(["noise_at", "retained"]):
        unused = rows[~rows["used"]]
        rise = float((rows["noise_variance"] * unused["formula"]).max())
        # Where no unused direction rises W is the maximum, flat where its columns rotate.
        assert rows["largest"].iloc[0] == pytest.approx(max(rise, 0.0), abs=1e-5)


def test_it_uses_one_thread_whatever_is_set(spectrum, monkeypatch):
    seen = []
    original = hessian.column_hessian

    def spy(*arguments):
        pools = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        seen.append((torch.get_num_threads(), frozenset(pools)))
        return original(*arguments)

    monkeypatch.setattr(hessian, "column_hessian", spy)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2, user_api="blas"):
            hessian_table(spectrum, K, [3])
    finally:
        torch.set_num_threads(before)
    assert set(seen) <= {(1, frozenset({1}))}
    assert seen


def test_points_retain_what_exceeds_the_noise_and_have_up_to_three_zero_columns(table):
    found = {
        point: (rows["n_zero"].iloc[0], rows.loc[rows["used"], "direction"].tolist())
        for point, rows in table.groupby(["noise_at", "retained"])
    }
    # Noise variances 2, 3 and 4 are where the maximum has three, two and one zero columns.
    assert {at for at, _ in found} == {2, 3, 4, 5}
    assert found[2, "1"] == (3, [1])
    assert {name for at, name in found if at == 4} == {"1-2-3", "2-3", "1-3", "1-2", "1", "2"}
    assert {name for at, name in found if at == 5} == {
        "1-2-3", "2-3-4", "1-3", "1-2", "2-3", "1", "2", "1-2-3-4",
    }  # fmt: skip
    for (_, name), (n_zero, used) in found.items():
        assert name == ("-".join(map(str, used)) or "none")
        assert n_zero == K - len(used)
    assert found[5, "1-2-3-4"][0] == 0


def test_the_zero_column_that_is_furthest_from_the_formula_is_shown(spectrum, monkeypatch):
    original = hessian.column_hessian

    def bent(weights, s, covariance, column):
        # The second column alone is off, by a constant along every eigenvector.
        return original(weights, s, covariance, column) + 0.25 * (column == 1) * np.eye(D)

    monkeypatch.setattr(hessian, "column_hessian", bent)
    rows = hessian_table(spectrum, K, [2]).query("noise_at == 2 and retained == '1'")
    np.testing.assert_allclose(rows["autograd"] - rows["formula"], 0.25, rtol=1e-12)


def test_a_point_that_is_not_stationary_is_seen(spectrum):
    weights = stationary.stationary_weights(spectrum, K, 1.0, [0, 1])
    assert np.abs(weights_gradient(1.1 * weights, 1.0, spectrum.covariance)).max() > 1e-3


@pytest.mark.parametrize(("n_latent", "noise_at"), [(K, 0), (K, D + 1), (1, 2), (D, 2)])
def test_impossible_points_are_errors(spectrum, n_latent, noise_at):
    with pytest.raises(ValueError, match=r"study\.stationary"):
        hessian_table(spectrum, n_latent, [noise_at])
