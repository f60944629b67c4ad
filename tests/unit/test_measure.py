"""Metrics of linear decoders, against closed forms and other libraries."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from linvae.evaluation.linear_run import linear_metrics
from linvae.linear import elbo, ppca
from linvae.linear.gaps import measure_linear, measure_subspace
from linvae.linear.spectrum import Spectrum
from linvae.settings.run_job import RunJob
from linvae.weights import LinearWeights

D, K = 7, 3


@pytest.fixture
def x():
    generator = np.random.default_rng(0)
    mixing = generator.standard_normal((D, D)) * np.geomspace(3, 0.3, D)
    return generator.standard_normal((400, D)) @ mixing


@pytest.fixture
def spectrum(x):
    return Spectrum.from_data(x)


def linear_vae(weights, noise_variance):
    encoder, variance = elbo.best_encoder(weights, noise_variance)
    return LinearWeights(weights, encoder, variance, noise_variance)


def random_model(seed):
    rng = np.random.default_rng(seed)
    encoder = 0.3 * rng.normal(size=(K, D))
    return LinearWeights(
        rng.normal(size=(D, K)), encoder, rng.uniform(0.2, 2.0, K), rng.uniform(0.3, 3.0)
    )


@pytest.mark.parametrize("seed", range(3))
def test_gap_below_the_likelihood_is_the_kl_to_the_posterior(x, spectrum, seed):
    model = random_model(seed)
    exact = ppca.PPCA(model.weights, spectrum.mean, model.noise_variance)
    mean, cov = exact.posterior(x)
    q = torch.distributions.MultivariateNormal(
        torch.as_tensor((x - spectrum.mean) @ model.encoder.T),
        torch.diag(torch.as_tensor(model.posterior_variance)),
    )
    p = torch.distributions.MultivariateNormal(torch.as_tensor(mean), torch.as_tensor(cov))
    kl = torch.distributions.kl_divergence(q, p).mean().item()
    measured = measure_linear(model, spectrum, noise_fixed=False)
    assert measured["inference_gap"] == pytest.approx(kl, rel=1e-10)
    assert measured["log_likelihood"] == pytest.approx(exact.log_likelihood(spectrum), rel=1e-14)


@pytest.mark.parametrize("fixed", [False, True])
def test_gap_is_the_sum_of_two_non_negative_parts(spectrum, fixed):
    model = random_model(7)
    measured = measure_linear(model, spectrum, noise_fixed=fixed)
    at = model.noise_variance if fixed else None
    reference = ppca.max_log_likelihood(spectrum, K, noise_variance=at)
    assert measured["ppca_max"] == reference
    assert measured["gap"] == pytest.approx(reference - measured["elbo"], rel=1e-14)
    parts = measured["marginal_gap"] + measured["inference_gap"]
    assert measured["gap"] == pytest.approx(parts, rel=1e-12)
    assert measured["marginal_gap"] > 0
    assert measured["inference_gap"] > 0


@pytest.mark.parametrize("fixed", [None, 0.4])
def test_no_gap_at_the_maximum_until_the_columns_are_rotated(spectrum, fixed):
    best = ppca.fit(spectrum, K, fixed)
    s, noise_fixed = best.noise_variance, fixed is not None
    at_best = measure_linear(linear_vae(best.weights, s), spectrum, noise_fixed=noise_fixed)
    # Round-off of sums of order 10.
    assert abs(at_best["gap"]) < 1e-12
    assert abs(at_best["inference_gap"]) < 1e-12
    turned = best.weights @ np.linalg.qr(np.random.default_rng(1).normal(size=(K, K)))[0]
    rotated = measure_linear(linear_vae(turned, s), spectrum, noise_fixed=noise_fixed)
    assert abs(rotated["marginal_gap"]) < 1e-12
    assert rotated["inference_gap"] > 0.01


def test_at_the_maximum_every_gap_is_zero_and_the_columns_align(spectrum):
    best = ppca.fit(spectrum, 3)
    measured = measure_linear(
        linear_vae(best.weights, best.noise_variance), spectrum, noise_fixed=False
    )
    # Round-off of a few sums of order 10.
    for key in ("gap", "marginal_gap", "inference_gap", "subspace_distance"):
        assert measured[key] == pytest.approx(0, abs=1e-10)
    assert measured["mean_abs_cos"] == pytest.approx(1, abs=1e-10)


def test_rotated_columns_open_the_inference_gap_alone(spectrum):
    best = ppca.fit(spectrum, 3)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    model = linear_vae(best.weights @ rotation, best.noise_variance)
    measured = measure_linear(model, spectrum, noise_fixed=False)
    assert measured["marginal_gap"] == pytest.approx(0, abs=1e-10)
    assert measured["inference_gap"] > 1e-3
    assert measured["gap"] == pytest.approx(measured["inference_gap"], abs=1e-10)
    assert measured["mean_abs_cos"] < 0.99
    assert measured["subspace_distance"] == pytest.approx(0, abs=1e-10)


def test_a_fixed_noise_variance_is_compared_with_the_maximum_at_it(spectrum):
    best = ppca.fit(spectrum, 3, noise_variance=0.5)
    model = linear_vae(best.weights, 0.5)
    assert measure_linear(model, spectrum, noise_fixed=True)["gap"] == pytest.approx(0, abs=1e-10)
    assert measure_linear(model, spectrum, noise_fixed=False)["gap"] > 1e-3


def test_the_autoencoders_error_is_the_residual_of_pca(spectrum, tmp_path):
    generator = np.random.default_rng(2)
    x = generator.multivariate_normal(spectrum.mean, spectrum.covariance, size=300)
    own = Spectrum.from_data(x)
    components = PCA(3).fit(x).components_
    mixing = generator.standard_normal((3, 3))
    model = LinearWeights(
        components.T @ mixing, np.linalg.inv(mixing) @ components, np.ones(3), 1.0
    )
    model.save(tmp_path / "model.safetensors", {})
    (tmp_path / "curve.csv").write_text("step,elbo_estimate\n0,1\n40,2\n")
    model = {"training": {"objective": "reconstruction", "steps": 40}}
    job = RunJob.model_validate({"model": model, "n_latent": K, "noise": "fixed-1", "seed": 0})
    files = (tmp_path / "model.safetensors", tmp_path / "curve.csv")
    metrics = linear_metrics(job, own, *files)
    centred = x - x.mean(0)
    direct = ((centred - centred @ components.T @ components) ** 2).sum(1).mean()
    assert metrics["reconstruction_error"] == pytest.approx(direct, rel=1e-9)
    assert metrics["pca_error"] == pytest.approx(direct, rel=1e-9)
    assert metrics["subspace_distance"] == pytest.approx(0, abs=1e-9)
    assert metrics["steps"] == 40
    assert "elbo" not in metrics


def test_zero_columns_measure_without_warnings(spectrum):
    measured = measure_subspace(np.zeros((7, 2)), spectrum)
    assert measured["mean_abs_cos"] == 0
    assert np.isfinite(list(measured.values())).all()
