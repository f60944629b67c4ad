import math

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from linvae.linear import alignment, elbo, ppca, solve
from linvae.linear.ascent import profiled_gradient
from linvae.linear.spectrum import Spectrum

D = 12


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    # Eigenvalues near 2^(4 - j): apart from each other, but over three decades.
    return Spectrum.from_data(rng.normal(size=(400, D)) * 2.0 ** (2 - 0.5 * np.arange(D)) @ basis.T)


def _torch_elbo(w, log_s, lam):
    """Profiled ELBO through the d x d covariance C, for automatic differentiation."""
    d, k = w.shape
    s = log_s.exp()
    c = w @ w.T + s * torch.eye(d, dtype=w.dtype)
    m = w.T @ w + s * torch.eye(k, dtype=w.dtype)
    trace = torch.trace(torch.linalg.solve(c, torch.diag(lam)))
    log_p = -0.5 * (d * math.log(2 * math.pi) + torch.logdet(c) + trace)
    return log_p - 0.5 * (torch.log(torch.diagonal(m)).sum() - torch.logdet(m)), log_p


@pytest.fixture
def point():
    rng = np.random.default_rng(8)
    return rng.normal(size=(D, 5)), 0.7, rng.uniform(0.1, 5.0, D)


def test_gradient_equals_automatic_differentiation(point):
    w, s, lam = point
    weights = torch.tensor(w, requires_grad=True)
    log_s = torch.tensor(math.log(s), dtype=torch.float64, requires_grad=True)
    expected, log_p = _torch_elbo(weights, log_s, torch.tensor(lam))
    expected.backward()
    value, log_likelihood, gradient, slope = profiled_gradient(w, s, lam)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    assert log_likelihood == pytest.approx(log_p.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, weights.grad.numpy(), rtol=1e-9, atol=1e-10)
    assert slope == pytest.approx(log_s.grad.item(), rel=1e-9)


def test_gradient_equals_finite_differences(point):
    w, s, lam = point
    _, _, gradient, slope = profiled_gradient(w, s, lam)
    step = 1e-5
    for i, j in [(0, 0), (3, 4), (11, 2)]:
        shift = np.zeros_like(w)
        shift[i, j] = step
        up, down = (profiled_gradient(w + sign * shift, s, lam)[0] for sign in (1, -1))
        # Error of a central difference: step^2 from the third derivative, 1e-15 / step round-off.
        assert (up - down) / (2 * step) == pytest.approx(gradient[i, j], abs=1e-7)
    up, down = (profiled_gradient(w, s * math.exp(sign * step), lam)[0] for sign in (1, -1))
    assert (up - down) / (2 * step) == pytest.approx(slope, abs=1e-7)


def test_value_in_the_eigenbasis_equals_the_elbo_module(spectrum):
    w = np.random.default_rng(0).normal(size=(D, 4))
    value, log_p, _, _ = profiled_gradient(spectrum.eigenvectors.T @ w, 0.3, spectrum.eigenvalues)
    assert value == pytest.approx(elbo.profiled(w, 0.3, spectrum), rel=1e-12)
    assert log_p == pytest.approx(ppca.log_likelihood(w, 0.3, spectrum), rel=1e-12)


@pytest.mark.parametrize("n_latent", [1, 3, 8, D - 1])
@pytest.mark.parametrize("seed", [0, 1])
def test_reaches_the_maximum_and_the_components(spectrum, n_latent, seed):
    found = solve.lbfgs(spectrum, n_latent, seed)
    best = ppca.fit(spectrum, n_latent)
    assert found.converged
    # The default tolerance on a cycle's gain is 1e-6 nats.
    gap = ppca.max_log_likelihood(spectrum, n_latent) - found.elbo
    assert -1e-10 < gap < 1e-5
    assert found.noise_variance == pytest.approx(best.noise_variance, rel=1e-2)
    assert alignment.mean_abs_cos(found.weights, spectrum.eigenvectors) > 0.999


def test_start_and_end_belong_together(spectrum):
    found = solve.lbfgs(spectrum, 3)
    arguments = (found.weights, found.encoder, found.posterior_variance, found.noise_variance)
    assert elbo.analytic(*arguments, spectrum) == pytest.approx(found.elbo, rel=1e-12)
    assert found.history[-1].elbo == pytest.approx(found.elbo, rel=1e-12)
    assert [record.iteration for record in found.history] == list(range(found.iterations + 1))
    values = np.array([record.elbo for record in found.history])
    # Neither a line search nor a rotation may lose more than round-off.
    assert np.diff(values).min() > -1e-11
    assert all(record.elbo <= record.log_likelihood + 1e-11 for record in found.history)
    last = found.history[-1]
    # The last step is a rotation, which closes the inference gap.
    assert last.log_likelihood == pytest.approx(last.elbo, abs=1e-11)
    assert found.history[30].log_likelihood > found.history[30].elbo + 1e-6


def test_the_start_is_far_from_the_solution(spectrum):
    found = solve.lbfgs(spectrum, 3, max_iterations=0)
    assert not found.converged
    assert found.iterations == 0
    assert ppca.max_log_likelihood(spectrum, 3) - found.elbo > 1.0
    assert alignment.mean_abs_cos(found.weights, spectrum.eigenvectors) < 0.8


def test_same_seed_same_bits_other_seed_other_path(spectrum):
    a, b, c = (solve.lbfgs(spectrum, 3, seed, max_iterations=70) for seed in (0, 0, 1))
    assert a.weights.tobytes() == b.weights.tobytes()
    assert a.history == b.history
    assert a.history[0].elbo != c.history[0].elbo


@pytest.mark.parametrize("n_latent", [4, D])
def test_fixed_noise_variance_ends_at_the_linear_bound(spectrum, n_latent):
    s = 0.5 * (spectrum.eigenvalues[2] + spectrum.eigenvalues[3])
    found = solve.lbfgs(spectrum, n_latent, noise_variance=s)
    assert found.converged
    assert all(record.noise_variance == s for record in found.history)
    assert found.noise_variance == s
    bound = elbo.linear_bound(spectrum, n_latent, s)
    assert -1e-10 < bound.bound - found.elbo < 1e-5
    lengths = np.linalg.norm(found.weights, axis=0)
    expected = np.sqrt(spectrum.eigenvalues[:3] - s)
    np.testing.assert_allclose(lengths[:3], expected, rtol=1e-2)
    # Columns that the noise drowns shrink like the root of the gap that is left.
    assert lengths[3:].max() < 0.05 * lengths[0]
    assert bound.n_active == 3


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("noise_variance", [1e-3, 1.0, 1e3])
def test_every_start_ends_at_the_same_maximum(spectrum, scale, noise_variance):
    weights = scale * np.random.default_rng(3).normal(size=(D, 3))
    found = solve.lbfgs(spectrum, 3, initial_weights=weights, initial_noise_variance=noise_variance)
    assert found.history[0].noise_variance == noise_variance
    assert ppca.max_log_likelihood(spectrum, 3) - found.elbo < 1e-5


@pytest.mark.parametrize("width", [1e3, 1e4, 1e5])
def test_beside_a_direction_far_wider_than_the_noise_it_is_not_converged_before_the_maximum(width):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    spectrum = Spectrum.from_data(rng.normal(size=(400, 8)) * [width, *[1.0] * 7] @ basis)
    found = solve.lbfgs(spectrum, 3, max_iterations=2500)
    gap = ppca.max_log_likelihood(spectrum, 3) - found.elbo
    # Where float64 stalls the climb, it says so.
    assert gap < 1e-5 or not found.converged
    assert found.converged == (width == 1e3)


def test_callback_sees_every_record_and_weights_in_data_coordinates(spectrum):
    seen = []
    # Eleven steps and a rotation that still closes a gap.
    found = solve.lbfgs(
        spectrum, 4, max_iterations=12, callback=lambda record, w: seen.append((record, w()))
    )
    assert [record for record, _ in seen] == found.history
    for record, w in seen:
        value = elbo.profiled(w, record.noise_variance, spectrum)
        assert value == pytest.approx(record.elbo, rel=1e-12)
    np.testing.assert_array_equal(seen[-1][1], found.weights)
    assert found.history[-1].elbo > found.history[-2].elbo + 1e-3
    assert found.history[-1].log_likelihood == pytest.approx(found.history[-2].log_likelihood)


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_it_uses_one_thread_whatever_is_set_and_gives_the_rest_back(spectrum):
    seen = []
    with threadpool_limits(2, user_api="blas"):
        solve.lbfgs(spectrum, 2, max_iterations=3, callback=lambda *_: seen.append(blas_threads()))
        assert blas_threads() == {2}
    assert seen
    assert all(threads == {1} for threads in seen)


def test_iterations_can_run_out(spectrum):
    found = solve.lbfgs(spectrum, 3, max_iterations=7)
    assert (found.iterations, found.converged) == (7, False)
    assert len(found.history) == 8


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"n_latent": 0}, "n_latent=0"),
        ({"n_latent": D}, f"n_latent={D}"),
        ({"noise_variance": -1.0}, "noise_variance"),
        ({"initial_noise_variance": 0.0}, "noise_variance"),
        ({"initial_weights": np.ones((D, 2))}, "initial_weights"),
        ({"initial_weights": np.full((D, 3), np.nan)}, "initial_weights"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_are_refused(spectrum, change, text):
    with pytest.raises(ValueError, match=text):
        solve.lbfgs(**({"spectrum": spectrum, "n_latent": 3} | change))


def test_unbounded_likelihood_is_refused():
    few = Spectrum.from_data(np.random.default_rng(0).normal(size=(4, D)))
    with pytest.raises(ValueError, match="unbounded"):
        solve.lbfgs(few, 3)


def test_without_rotations_it_climbs_by_gradient_steps_alone(spectrum):
    found = solve.lbfgs(spectrum, 3, rotate=False, max_iterations=4000)
    with_rotations = solve.lbfgs(spectrum, 3)
    best = ppca.max_log_likelihood(spectrum, 3)
    assert found.converged
    assert best - found.elbo < 1e-5
    # The first 60 steps are the same; no rotation follows, which would close the inference gap.
    assert found.history[:61] == with_rotations.history[:61]
    gaps = [found.history[i].log_likelihood - found.history[i].elbo for i in (60, 61)]
    assert gaps[1] > gaps[0] / 2
    rotated = with_rotations.history[61]
    assert rotated.log_likelihood - rotated.elbo < gaps[0] / 100


@pytest.mark.parametrize("most", [1, 7])
def test_iterations_without_rotations_are_steps(spectrum, most):
    found = solve.lbfgs(spectrum, 3, rotate=False, max_iterations=most)
    assert (found.iterations, found.converged, len(found.history)) == (most, False, most + 1)
