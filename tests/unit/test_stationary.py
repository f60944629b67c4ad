import math

import numpy as np
import pytest
import torch

from linvae.linear import ppca, stationary
from linvae.linear.spectrum import Spectrum

D, K = 9, 6


@pytest.fixture(scope="module")
def spectrum():
    rng = np.random.default_rng(6)
    basis = np.linalg.qr(rng.normal(size=(D, D)))[0]
    return Spectrum.from_data(rng.normal(size=(300, D)) * 1.4 ** (4 - np.arange(D)) @ basis.T)


def _torch_log_likelihood(w, s, cov):
    c = w @ w.T + s * torch.eye(w.shape[0], dtype=w.dtype)
    trace = torch.trace(torch.linalg.solve(c, cov))
    return -0.5 * (w.shape[0] * math.log(2 * math.pi) + torch.logdet(c) + trace)


def _noise_variance(spectrum, index):
    """Noise variance between two eigenvalues, so that no curvature is near zero."""
    return float(0.5 * (spectrum.eigenvalues[index] + spectrum.eigenvalues[index + 1]))


@pytest.mark.parametrize("retained", [(), (0, 1), (0, 1, 2, 3), (1, 3)])
def test_curvature_of_every_direction_equals_the_hessian(spectrum, retained):
    s = _noise_variance(spectrum, 4)
    weights = torch.tensor(stationary.stationary_weights(spectrum, K, s, retained))
    cov = torch.tensor(spectrum.covariance)
    u = torch.tensor(spectrum.eigenvectors)

    def moved(steps):
        column = weights.clone()
        column[:, K - 1] = u @ steps
        return _torch_log_likelihood(column, s, cov)

    zero = torch.zeros(D, dtype=torch.float64)
    gradient = torch.autograd.functional.jacobian(moved, zero)
    hessian = torch.autograd.functional.hessian(moved, zero).numpy()
    unused = [j for j in range(D) if j not in retained]
    expected = stationary.curvature(spectrum, s)
    assert gradient.abs().max() < 1e-10
    np.testing.assert_allclose(np.diag(hessian)[unused], expected[unused], rtol=1e-8)
    # The eigenvectors are the axes of the Hessian: nothing mixes them.
    off_axis = hessian - np.diag(np.diag(hessian))
    assert np.abs(off_axis).max() < 1e-9 * np.abs(hessian).max()


def test_point_is_a_maximum_exactly_when_no_unused_eigenvalue_exceeds_the_noise(spectrum):
    cov = torch.tensor(spectrum.covariance)
    outcomes = set()
    for retained in [(), (0,), (0, 1), (0, 1, 2), (0, 1, 2, 3), (1, 2), (0, 2, 3)]:
        for index in range(D - 1):
            s = _noise_variance(spectrum, index)
            w = torch.tensor(stationary.stationary_weights(spectrum, K, s, retained))
            hessian = torch.autograd.functional.hessian(
                lambda w, s=s: _torch_log_likelihood(w, s, cov), w
            ).reshape(D * K, D * K)
            # Rotations of the latents leave curvatures of zero, known to round-off.
            largest = torch.linalg.eigvalsh(hessian)[-1].item()
            unused = [j for j in range(D) if j not in retained]
            kind = stationary.classify(spectrum, s, unused)
            assert (kind == "stable") == (largest < 1e-9 * hessian.abs().max().item())
            outcomes.add(kind)
    # The noise exceeds the smallest eigenvalue here, so not every direction can rise.
    assert outcomes == {"stable", "saddle"}


def test_three_noise_variances_give_the_three_kinds(spectrum):
    # Components 5 and 7, counted from one, and s at eigenvalues 4, 6 and 8.
    kinds = [stationary.classify(spectrum, spectrum.eigenvalues[m], (4, 6)) for m in (3, 5, 7)]
    assert kinds == ["stable", "saddle", "unstable"]


def test_an_eigenvalue_equal_to_the_noise_does_not_exceed_it(spectrum):
    assert stationary.classify(spectrum, spectrum.eigenvalues[4], (4, 6)) == "stable"


@pytest.mark.parametrize("retained", [None, (), (0, 2), (0, 1, 2, 3, 5)])
@pytest.mark.parametrize("index", [3, 5, 7])
def test_landscape_equals_the_likelihood_of_the_moved_weights(spectrum, retained, index):
    s = float(spectrum.eigenvalues[index])
    found = stationary.landscape(spectrum, s, (4, 6), radius=2.5, n_grid=7, retained=retained)
    others = range(4) if retained is None else retained
    for p, a in enumerate(found.a):
        for q, b in enumerate(found.b):
            w = stationary.stationary_weights(spectrum, K, s, others)
            w[:, K - 1] = a * spectrum.eigenvectors[:, 4] + b * spectrum.eigenvectors[:, 6]
            expected = ppca.log_likelihood(w, s, spectrum)
            assert found.log_likelihood[p, q] == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(("index", "kind"), [(3, "stable"), (5, "saddle"), (7, "unstable")])
def test_landscape_has_the_shape_of_its_kind(spectrum, index, kind):
    s = float(spectrum.eigenvalues[index])
    found = stationary.landscape(spectrum, s, (4, 6), radius=0.3 * math.sqrt(s), n_grid=41)
    values = found.log_likelihood
    assert found.kind == kind
    centre = values[20, 20]
    along = (values[20 + 1, 20] > centre, values[20, 20 + 1] > centre)
    assert along == {"stable": (0, 0), "saddle": (1, 0), "unstable": (1, 1)}[kind]
    assert (values.max() == centre) == (kind == "stable")
    assert (values.min() == centre) == (kind == "unstable")
    np.testing.assert_array_equal(values, values[::-1, ::-1])
    # Second order: the error at a step of 0.015 sqrt(s) is of relative order 1e-3.
    step = found.a[21]
    quadratic = found.curvature * step**2 / 2
    np.testing.assert_allclose(
        [values[21, 20] - centre, values[20, 21] - centre], quadratic, rtol=0.02
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"directions": (4, 4)}, "distinct"),
        ({"directions": (4, D)}, f"from 0 to {D - 1}"),
        ({"directions": (-1, 4)}, f"from 0 to {D - 1}"),
        ({"retained": (0, 4)}, "must not be among retained"),
        ({"radius": 0.0}, "radius"),
        ({"n_grid": 10}, "n_grid=10"),
        ({"noise_variance": 0.0}, "noise_variance"),
    ],
)
def test_bad_arguments_are_refused(spectrum, change, text):
    arguments = {"noise_variance": 1.0, "directions": (4, 6), "radius": 1.0} | change
    with pytest.raises(ValueError, match=text):
        stationary.landscape(spectrum, **arguments)


def test_more_retained_than_latents_is_refused(spectrum):
    with pytest.raises(ValueError, match="n_latent=2"):
        stationary.stationary_weights(spectrum, 2, 1.0, (0, 1, 2))


def test_leading_set_is_the_maximum_likelihood_solution(spectrum):
    s = _noise_variance(spectrum, 3)
    expected = ppca.fit(spectrum, K, s).weights
    np.testing.assert_array_equal(stationary.stationary_weights(spectrum, K, s, range(K)), expected)
