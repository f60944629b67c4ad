import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from threadpoolctl import threadpool_info, threadpool_limits

from linvae import stationary
from linvae.evaluation import hessian
from linvae.evaluation.hessian import column_hessian, hessian_table, weights_gradient
from linvae.spectrum import Spectrum

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


def test_table_agrees_with_the_formula_and_the_points_are_stationary(spectrum):
    table = hessian_table(spectrum, K, [3, 5])
    assert len(table) == 2 * 2 * D
    scale = 1.0 / table["noise_variance"]
    assert ((table["autograd"] - table["formula"]).abs() < 1e-12 * scale).all()
    assert (table["off_diagonal"] < 1e-12 * scale).all()
    assert (table["gradient"] < 1e-12).all()
    unused = table[~table["used"]]
    expected = (unused["eigenvalue"] - unused["noise_variance"]) / unused["noise_variance"] ** 2
    np.testing.assert_allclose(unused["formula"], expected, atol=1e-15)


def test_it_uses_one_thread_whatever_is_set(spectrum, monkeypatch):
    seen = []
    original = hessian.column_hessian

    def spy(*arguments):
        pools = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        seen.append((torch.get_num_threads(), pools))
        return original(*arguments)

    monkeypatch.setattr(hessian, "column_hessian", spy)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with threadpool_limits(2, user_api="blas"):
            hessian_table(spectrum, K, [3])
    finally:
        torch.set_num_threads(before)
    assert seen == 2 * [(1, {1})]


def test_points_retain_what_exceeds_the_noise_and_leave_a_zero_column(spectrum):
    table = hessian_table(spectrum, K, [3, 5])
    used = {
        point: rows.loc[rows["used"], "direction"].tolist()
        for point, rows in table.groupby(["noise_at", "retained"])
    }
    assert used == {
        (3, "leading"): [1, 2],
        (3, "without-first"): [2],
        (5, "leading"): [1, 2, 3],
        (5, "without-first"): [2, 3, 4],
    }


def test_a_point_that_is_not_stationary_is_seen(spectrum):
    weights = stationary.stationary_weights(spectrum, K, 1.0, [0, 1])
    assert np.abs(weights_gradient(1.1 * weights, 1.0, spectrum.covariance)).max() > 1e-3


@pytest.mark.parametrize(("n_latent", "noise_at"), [(K, 0), (K, D + 1), (1, 2), (D, 2)])
def test_impossible_points_are_errors(spectrum, n_latent, noise_at):
    with pytest.raises(ValueError, match=r"study\.stationary"):
        hessian_table(spectrum, n_latent, [noise_at])
