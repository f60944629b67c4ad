"""Public functions take any numbers at their right value, or refuse them in one line."""

import math

import numpy as np
import pytest
import torch

from linvae.linear import alignment, elbo, ppca, solve
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import CollapseCurve, collapse_percent, kl_per_dimension

D, K = 8, 3


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, D)) @ rng.normal(size=(D, D))


def density(w, noise):
    """Average log-likelihood from the d x d matrix C, by its Cholesky factor."""
    x = data()
    w = np.asarray(w, np.float64)
    lower = np.linalg.cholesky(w @ w.T + noise * np.eye(D))
    distance = np.square(np.linalg.solve(lower, (x - x.mean(0)).T)).sum(0).mean()
    return -0.5 * (D * math.log(2 * math.pi) + distance) - np.log(np.diag(lower)).sum()


@pytest.fixture(scope="module")
def spectrum():
    return Spectrum.from_data(data())


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("noise", [0.81, 1e-4])
def test_single_and_half_precision_weights_are_computed_in_double(spectrum, dtype, noise):
    w = ppca.fit(spectrum, K).weights.astype(dtype)
    expected = density(w, noise)
    tensor = torch.tensor(w, requires_grad=True)
    for given in (w, w.tolist(), np.asfortranarray(w), tensor):
        assert ppca.log_likelihood(given, noise, spectrum) == pytest.approx(expected, rel=1e-10)
        found = ppca.PPCA(given, spectrum.mean.tolist(), noise)
        assert found.log_likelihood(spectrum) == pytest.approx(expected, rel=1e-10)
        each = found.log_likelihood_per_example(data())
        assert each.mean() == pytest.approx(expected, rel=1e-10)
        assert elbo.profiled(given, noise, spectrum) <= expected + 1e-12 * abs(expected)
        mean, covariance_ = found.posterior(data().astype(dtype))
        assert mean.dtype == covariance_.dtype == np.float64


BAD = {
    "masked": (lambda w: np.ma.masked_greater(w, 0.5), "masked"),
    "complex": (lambda w: w + 0j, "complex128"),
    "nan": (lambda w: np.where(w == w[0, 0], np.nan, w), "not finite"),
    "text": (lambda w: w.astype(str), "real numbers"),
    "ragged": (lambda w: [w[0].tolist(), [1.0]], "no array of numbers"),
}
CALLS = {
    "ppca.log_likelihood": lambda w, s: ppca.log_likelihood(w, 1.0, s),
    "PPCA.log_likelihood": lambda w, s: ppca.PPCA(w, s.mean, 1.0).log_likelihood(s),
    "PPCA.posterior": lambda w, s: ppca.PPCA(w, s.mean, 1.0).posterior(np.zeros((2, D))),
    "elbo.analytic, weights": lambda w, s: elbo.analytic(w, np.ones((K, D)), np.ones(K), 1.0, s),
    "elbo.analytic, encoder": lambda w, s: elbo.analytic(np.ones((K, D)).T, w, np.ones(K), 1.0, s),
    "elbo.profiled": lambda w, s: elbo.profiled(w, 1.0, s),
    "elbo.best_encoder": lambda w, s: elbo.best_encoder(w, 1.0),
    "alignment.mean_abs_cos": lambda w, s: alignment.mean_abs_cos(w, s.eigenvectors),
    "alignment.subspace_distance": lambda w, s: alignment.subspace_distance(s.eigenvectors, w),
    "alignment.gram": lambda w, s: alignment.gram(w),
    "solve.lbfgs": lambda w, s: solve.lbfgs(s, K, initial_weights=w),
    "kl_per_dimension": lambda w, s: kl_per_dimension(w, 1.0),
    "collapse_percent": lambda w, s: collapse_percent(w, 0.1),
    "CollapseCurve": lambda w, s: CollapseCurve.from_kl(w),
    "per example": lambda w, s: ppca.fit(s, K).log_likelihood_per_example(w),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("call", CALLS)
def test_what_would_be_changed_is_refused_in_one_line(spectrum, call, bad):
    change, text = BAD[bad]
    w = np.random.default_rng(0).uniform(0.1, 1.0, size=(D, K))
    if call in ("elbo.analytic, encoder", "per example"):
        w = w.T
    if bad == "nan" and call in ("collapse_percent", "CollapseCurve"):
        text = "without NaN"
    with pytest.raises(ValueError, match=text) as caught:
        CALLS[call](change(w), spectrum)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", [3.0, True, "3", None, np.float64(3), [3]])
@pytest.mark.parametrize(
    "call",
    [ppca.fit, ppca.max_log_likelihood, ppca.mle_noise_variance, solve.lbfgs,
     lambda s, k: elbo.linear_bound(s, k, 1.0)],
)  # fmt: skip
def test_a_number_of_latents_is_a_whole_number(spectrum, call, bad):
    with pytest.raises(ValueError, match=r"n_latent=.* must be a whole number"):
        call(spectrum, bad)


@pytest.mark.parametrize("bad", [True, "1", 1 + 0j, None, [1.0, 2.0], math.nan])
def test_a_noise_variance_is_one_real_number(spectrum, bad):
    w = np.ones((D, K))
    calls = (
        lambda: ppca.log_likelihood(w, bad, spectrum),
        lambda: elbo.analytic(w, w.T, np.ones(K), bad, spectrum),
        lambda: elbo.linear_bound(spectrum, K, bad),
        lambda: elbo.best_encoder(w, bad),
        lambda: ppca.PPCA(w, spectrum.mean, bad).posterior(np.zeros((1, D))),
    )
    for call in calls:
        with pytest.raises(ValueError, match="noise_variance"):
            call()


def test_integer_types_tensors_and_single_numbers_are_taken(spectrum):
    expected = ppca.fit(spectrum, K, 0.5)
    for k in (np.int64(K), np.uint8(K), torch.tensor(K)):
        for s in (0.5, np.float32(0.5), torch.tensor([0.5], requires_grad=True), np.array([0.5])):
            found = ppca.fit(spectrum, k, s)
            np.testing.assert_array_equal(found.weights, expected.weights)
            assert type(found.noise_variance) is float


def test_no_data_give_no_values(spectrum):
    model, none = ppca.fit(spectrum, K), np.zeros((0, D))
    assert model.log_likelihood_per_example(none).shape == (0,)
    assert model.posterior(none)[0].shape == (0, K)
    assert kl_per_dimension(np.zeros((0, K)), 1.0).shape == (0, K)
    for call in (collapse_percent, lambda kl, _: CollapseCurve.from_kl(kl)):
        with pytest.raises(ValueError, match="non-empty"):
            call(np.zeros((0, K)), 0.1)


def test_single_precision_divergences_are_those_of_double():
    rng = np.random.default_rng(0)
    mean, variance = rng.normal(size=(5, K)).astype("f4"), rng.uniform(0.5, 2, (5, K)).astype("f4")
    expected = kl_per_dimension(mean.astype(float), variance.astype(float))
    found = kl_per_dimension(torch.tensor(mean, requires_grad=True), variance)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("delta", [True, "0.1", math.nan, 1j])
def test_delta_is_a_number(delta):
    with pytest.raises(ValueError, match="delta"):
        collapse_percent(np.ones((4, 2)), 0.1, delta)


# --- messages -------------------------------------------------------------------------------------


def test_constant_data_have_a_maximum_where_the_noise_variance_is_given():
    spectrum = Spectrum.from_data(np.full((10, D), 0.3))
    found = solve.lbfgs(spectrum, K, noise_variance=0.5)
    assert found.converged
    assert (found.weights == 0).all()
    # C = s I and S = 0.
    assert found.elbo == pytest.approx(-0.5 * D * math.log(2 * math.pi * 0.5), rel=1e-12)
    with pytest.raises(ValueError, match="unbounded"):
        solve.lbfgs(spectrum, K)
