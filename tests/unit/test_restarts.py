import numpy as np
import pytest

from linvae.landscape import climb
from linvae.landscape.hessian import weights_gradient
from linvae.landscape.restarts import restart_points, restarts
from linvae.linear import elbo, ppca, saddles
from linvae.linear.spectrum import Spectrum

D, K = 10, 4


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(7)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return Spectrum.from_data(rng.normal(size=(300, D)) * 1.2 ** (3 - np.arange(D)) @ basis.T)


def _kinds(spectrum):
    found = {}
    for start in restart_points(spectrum, K, [0.01, 1.0], [0]):
        found.setdefault(start.kind, []).append(start)
    return found


def test_every_seed_gives_every_start(spectrum):
    listed = [(s.kind, s.scale, s.seed) for s in restart_points(spectrum, K, [0.01, 1.0], [0, 5])]
    assert len(listed) == len(set(listed)) == 1 + 2 * 8
    assert {seed for _, _, seed in listed} == {0, 5}


def test_starts_at_the_elbo_s_saddle_points_and_at_what_leads_there(spectrum):
    kinds = _kinds(spectrum)
    (rotated,), (beside,) = kinds["hadamard"], kinds["saddle-elbo"]
    best = ppca.max_log_likelihood(spectrum, K)
    assert ppca.log_likelihood(rotated.weights, rotated.noise_variance, spectrum) == pytest.approx(
        best, abs=1e-12
    )
    gap = best - elbo.profiled(beside.weights, beside.noise_variance, spectrum)
    # The change is of second order in weights of 1e-3.
    assert gap == pytest.approx(saddles.saddle_gap(spectrum, K), abs=1e-4)
    assert best - elbo.profiled(rotated.weights, rotated.noise_variance, spectrum) > gap > 0.01


def test_random_starts_differ_by_their_scale_alone(spectrum):
    small, large = _kinds(spectrum)["random"]
    np.testing.assert_allclose(100.0 * small.weights, large.weights, rtol=1e-12)
    # Columns of length about the root of the mean eigenvalue: within a factor of two for d = 10.
    ratio = np.linalg.norm(large.weights, axis=0) / np.sqrt(spectrum.total_variance / D)
    assert ((ratio > 0.5) & (ratio < 2.0)).all()


def test_collapsed_starts_have_the_elbo_of_no_latents(spectrum):
    for start in _kinds(spectrum)["collapsed"]:
        nothing = elbo.profiled(np.zeros((D, K)), start.noise_variance, spectrum)
        # The change is of second order in weights of 1e-6.
        assert elbo.profiled(start.weights, start.noise_variance, spectrum) == pytest.approx(
            nothing, abs=1e-9
        )


@pytest.mark.parametrize("kind", ["saddle-few", "saddle-wrong"])
def test_saddles_are_stationary_but_for_their_noise_and_far_below_the_maximum(spectrum, kind):
    (start,) = _kinds(spectrum)[kind]
    noise = _kinds(spectrum)["random"][1].weights * start.scale
    exact = start.weights - noise
    gradient = weights_gradient(exact, start.noise_variance, spectrum.covariance)
    assert np.abs(gradient).max() < 1e-12
    best = ppca.max_log_likelihood(spectrum, K)
    assert best - ppca.log_likelihood(exact, start.noise_variance, spectrum) > 0.05
    # The noise variance is the best one too: both neighbours are worse.
    here = ppca.log_likelihood(exact, start.noise_variance, spectrum)
    kept = np.linalg.norm(exact, axis=0) > 1e-9  # The subtraction leaves round-off.
    assert 0 < kept.sum() <= K
    for factor in (0.99, 1.01):
        s = factor * start.noise_variance
        lengths = np.linalg.norm(exact[:, kept], axis=0) ** 2 + start.noise_variance - s
        moved = exact.copy()
        moved[:, kept] *= np.sqrt(lengths) / np.linalg.norm(exact[:, kept], axis=0)
        assert ppca.log_likelihood(moved, s, spectrum) < here


def test_all_end_at_the_global_maximum(spectrum):
    table = restarts(spectrum, K, [1e-3, 10.0], [0, 1])
    best = ppca.max_log_likelihood(spectrum, K)
    kinds = {"hadamard", "random", "collapsed", "partly-collapsed"}
    kinds |= {"saddle-few", "saddle-wrong", "saddle-elbo"}
    for rotate, rows in table.groupby("rotate"):
        assert set(rows["kind"]) == kinds
        assert set(rows["seed"]) == ({0, 1} if rotate else {0})
    np.testing.assert_allclose(table["gap"], best - table["end_elbo"], atol=1e-12)
    # The solver stops once a cycle gains less than 1e-6 nats.
    assert (table["gap"].abs() < 1e-4).all()
    assert (table["start_elbo"] < table["end_elbo"] - 0.01).all()
    assert (table["mean_abs_cos"] > 0.999).all()
    assert table["converged"].all()
    # At the maximum no Hessian is needed.
    assert table["curvature"].isna().all()
    # Rotations jump out of the saddle point that steps alone stop at.
    rows = table[table["kind"] == "hadamard"].set_index("rotate")
    assert rows["saddles"][True] == 0
    assert rows["saddles"][False] >= 1
    assert rows["saddle_gap"][False] == pytest.approx(saddles.saddle_gap(spectrum, K), abs=1e-8)
    assert rows["saddle_curvature"][False] > 1e-3


def test_a_solver_that_stops_early_shows_its_gap(spectrum, monkeypatch):
    monkeypatch.setattr(climb, "MOST_ITERATIONS", {True: 3, False: 3})
    table = restarts(spectrum, K, [1.0], [0])
    assert (table["gap"] > 1e-3).any()
    assert (table["gap"] > -1e-9).all()
    assert not table["converged"].any()
    # Far from stationary points the Hessian tells nothing.
    assert (table.loc[table["gap"] > 1e-3, "gradient"] > climb.STATIONARY).any()
    assert table.loc[table["gradient"] > climb.STATIONARY, "curvature"].isna().all()
