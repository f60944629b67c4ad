"""The ELBO's own saddle points as L-BFGS meets and leaves them."""

import numpy as np
import pytest

from linvae.claims import spurious_maxima
from linvae.claims.added_saddles import added_saddles
from linvae.landscape import climb
from linvae.landscape.climb import climb_on, first_stop
from linvae.landscape.saddle_climbs import saddle_climbs
from linvae.linear import ppca, saddles
from linvae.linear.curvature import RESIDUAL, Bend
from linvae.linear.spectrum import Spectrum

D = 10


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(7)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return Spectrum.from_data(rng.normal(size=(300, D)) * 1.3 ** (3 - np.arange(D)) @ basis.T)


@pytest.fixture(scope="module")
def tables(spectrum):
    return saddle_climbs(spectrum, [2, 4])


def test_the_claim_holds_on_a_small_spectrum_too(tables):
    assert added_saddles(tables[0]).verdict == "supported"


def test_points_are_what_theory_says(spectrum, tables):
    points, _ = tables
    assert points[["n_latent", "way"]].to_numpy().tolist() == [
        [2, "along"], [2, "against"], [4, "along"], [4, "against"],
    ]  # fmt: skip
    for k, rows in points.groupby("n_latent"):
        gap = saddles.saddle_gap(spectrum, k)
        np.testing.assert_allclose(rows["gap"], gap, atol=1e-8)
        np.testing.assert_allclose(rows["predicted_gap"], gap, rtol=1e-12)
        # First order in the distance that is left, which is the gradient over the curvature.
        np.testing.assert_allclose(rows["marginal_gap"], gap / 2, atol=1e-4)
    assert (points["curvature"] >= points["turning_curvature"] - RESIDUAL).all()
    assert (points["gradient"] < climb.STATIONARY).all()
    assert (points["likelihood_gradient"] > 0.01).all()
    assert (points["end_gap"].abs() < 1e-4).all()
    assert (points["mean_abs_cos"] > 0.999).all()
    assert (points["saddles"] >= 1).all()


def test_paths_go_down_to_the_saddle_point_and_on_from_it(spectrum, tables):
    points, paths = tables
    for (k, way), rows in paths.groupby(["n_latent", "path"]):
        point = points[(points["n_latent"] == k) & (points["way"] == "along")].iloc[0]
        gap = rows["gap"].to_numpy()
        if way == "line":
            centre = len(gap) // 2
            assert rows["position"].iloc[centre] == 0.0
            assert gap[centre] == pytest.approx(point["gap"], abs=1e-10)
            step = rows["position"].diff().iloc[-1]
            second = (gap[centre - 1] + gap[centre + 1] - 2 * gap[centre]) / step**2
            # Differences over an eighth of the noise's deviation: a curvature that is not constant.
            assert second == pytest.approx(-point["curvature"], abs=0.02)
            assert second < 0
            continue
        assert (np.diff(rows["position"]) > 0).all()
        # Steps climb; the way on starts one step from where the way there ended.
        assert np.diff(gap).max() < 1e-10 or way != "start"
        assert gap[-1] == pytest.approx(point["gap"] if way == "start" else 0.0, abs=1e-4)
        assert gap[0] > (point["gap"] if way == "start" else 0.0)


def test_both_programs_and_the_claims_mean_the_same_by_stationary():
    # Claims import no program that computes: the two constants are written twice.
    assert (climb.STATIONARY, RESIDUAL) == (spurious_maxima.STATIONARY, spurious_maxima.FLAT)


def test_nothing_follows_a_point_that_is_no_saddle(spectrum):
    best = ppca.fit(spectrum, 2)
    stop = first_stop(spectrum, best.weights, best.noise_variance, rotate=False)
    assert not stop.is_saddle
    assert list(climb_on(spectrum, stop, rotate=False)) == []


def test_a_maximum_below_is_not_left(spectrum, monkeypatch):
    # A solver whose every stop has a Hessian without a direction of ascent.
    bend = Bend(-1e-3, np.zeros(2 * D + 1))
    monkeypatch.setattr(climb.Surface, "steepest", lambda self: bend)
    points, paths = saddle_climbs(spectrum, [2])
    assert added_saddles(points).verdict == "not supported"
    assert set(paths["path"]) == {"start"}
