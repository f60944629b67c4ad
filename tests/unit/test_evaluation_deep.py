"""Metrics of deep runs: against direct formulas, and closed forms of linear VAEs."""

import json
import math

import numpy as np
import pytest
import torch
from enlarged import enlarged
from scipy.stats import multivariate_normal, norm

from linvae.bypass.linear_bypass import Bypass
from linvae.evaluation.deep_run import deep_metrics, evaluate_and_save
from linvae.files import read_arrays, read_json
from linvae.images.preprocess import inverse_logit, logit
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import CollapseCurve, collapse_percent
from linvae.measure.gaussian import Measured, measure
from linvae.measure.inference_gap import InferenceGap, inference_gap
from linvae.measure.log_likelihood import LogLikelihood
from linvae.measure.splits import SPLITS
from linvae.noise import parse_noise
from linvae.seeds import derive_seed
from linvae.settings.jobs import MeasurementJob
from linvae.settings.measurement import Measurement
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training.archive import load_model, save_model
from linvae.training.deep_job import train_and_save
from linvae.training.exact import exact_elbo
from linvae.training.models import build

D, K, N = 12, 3, 120
MODEL = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "training": {
        "objective": "stochastic", "epochs": 40, "batch_size": 50, "learning_rate": 0.01,
        "precision": "float32",
    },
}  # fmt: skip
RUN = {"model": MODEL, "n_latent": K, "noise": "learned-2", "seed": 0}
MEASUREMENT = {
    "draws": 4,
    "inference_images": 20,
    "importance_draws": 50,
    "epsilon": 0.05,
    "delta": 0.01,
}
JOB = MeasurementJob(**RUN, measurement=MEASUREMENT, preprocessing="logit", logit_lambda=1e-6)
# Of the eigenvalues of the training data, two are above 2 and a third one is below.
NOISES = ("learned-2", "fixed-2")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    shades = 40 * rng.normal(size=(N, 2)) @ rng.normal(size=(2, D)) + 128
    images = np.clip(shades, 0, 255).astype(np.uint8)
    return {"train": logit(images[:90]), "test": logit(images[90:], stream="test")}


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """Spectrum, weights and curve of a run with learned and of one with fixed noise."""
    spectrum = Spectrum.from_data(data["train"])
    runs = {}
    for noise in NOISES:
        folder = tmp_path_factory.mktemp(noise)
        files = folder / "model.safetensors", folder / "curve.csv"
        train_and_save(RunJob(**{**RUN, "noise": noise}), data, *files)
        runs[noise] = (spectrum, *files)
    return runs


@pytest.fixture(scope="module")
def finished(trained):
    return trained["learned-2"]


def evaluate(finished, data, folder, **changes):
    spectrum, model, curve = finished
    files = {
        name: folder / name for name in ("metrics.json", "kl.npz", "samples.npz", "residual.npz")
    }
    evaluate_and_save(
        JOB.model_copy(update=changes), spectrum, data, model, curve,
        metrics_file=files["metrics.json"], kl_file=files["kl.npz"],
        samples_file=files["samples.npz"], residual_file=files["residual.npz"],
    )  # fmt: skip
    return files


def test_files_of_a_run(finished, data, tmp_path):
    files = evaluate(finished, data, tmp_path)
    metrics, kl = read_json(files["metrics.json"]), read_arrays(files["kl.npz"])
    assert (metrics["steps"], metrics["epochs"]) == (80, 40)
    assert list(metrics["collapse_percent"]) == sorted(
        ["0.0001", "0.001", "0.01", "0.03", "0.05", "0.1", "0.3", "1", "10"]
    )
    assert list(metrics["test_collapse_percent"]) == list(metrics["collapse_percent"])
    for prefix in SPLITS.values():
        names = ("elbo", "tuned_elbo", "tuned_noise_variance", "reconstruction", "kl",
                 "bits_per_dimension")  # fmt: skip
        found = {name: metrics[f"{prefix}{name}"] for name in names}
        assert found["tuned_elbo"] >= found["elbo"]
        assert found["tuned_noise_variance"] == pytest.approx(found["reconstruction"] / D)
        assert kl[f"{prefix}mean_kl"].sum() == pytest.approx(found["kl"])
        assert np.isfinite(found["bits_per_dimension"])
    curves = {split: CollapseCurve.from_arrays(kl, prefix) for split, prefix in SPLITS.items()}
    assert {split: curve.n_samples for split, curve in curves.items()} == {"train": 90, "test": 30}
    for epsilon in (0.01, 0.1):
        at = curves["train"].epsilon.tolist().index(epsilon)
        for split, prefix in SPLITS.items():
            percent = curves[split].percent()[at]
            assert percent == metrics[f"{prefix}collapse_percent"][f"{epsilon:g}"]
    samples = read_arrays(files["samples.npz"])
    assert {array.dtype for array in samples.values()} == {np.dtype(np.float32)}
    assert samples["prior"].shape == samples["reconstruction"].shape == (10, D)
    pixels = np.clip(inverse_logit(data["test"][:10]), 0, 1)
    np.testing.assert_allclose(samples["data_pixels"], pixels, atol=1e-6)


def test_the_certificate_of_a_run(finished, data, tmp_path):
    files = evaluate(finished, data, tmp_path)
    metrics, arrays = read_json(files["metrics.json"]), read_arrays(files["residual.npz"])
    variance = metrics["noise_variance"]
    assert arrays["noise_variance"] == variance
    assert arrays["cut"].sum() == metrics["residual_cut"] > 0
    for prefix in SPLITS.values():
        values = arrays[f"{prefix}eigenvalues"]
        assert values.shape == (D,)
        assert metrics[f"{prefix}residual_max"] == pytest.approx(values[0] / variance)
        assert metrics[f"{prefix}residual_gain_error"] > 0
    made = Bypass(*(arrays[name] for name in ("directions", "variances", "shift")), variance)
    model = load_model(finished[1])
    larger = enlarged(model.encode, model.decode, arrays["cut"], made, draws=200, seed=5)
    elbo = {
        pair: measure(*pair, data["train"], draws=200, seed=6).elbo(variance).mean()
        for pair in ((model.encode, model.decode), larger)
    }
    gained = elbo[larger] - elbo[model.encode, model.decode]
    assert gained > 1
    error = metrics["residual_gain_error"]
    assert gained == pytest.approx(metrics["residual_gain"], abs=3 * error)


# --- against direct formulas ----------------------------------------------------------------------


@torch.no_grad()
def direct(model_file, rows, split, variance):
    """ELBO (n,) and divergences (n, k) of each datum from the densities, at the same draws."""
    model = load_model(model_file)
    mean, log_variance = (part.double() for part in model.encode(torch.as_tensor(rows).float()))
    posterior = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    prior = torch.distributions.Normal(torch.zeros(()).double(), torch.ones(()).double())
    kl = torch.distributions.kl_divergence(posterior, prior).numpy()
    generator = torch.Generator().manual_seed(derive_seed(JOB.seed, f"evaluate/{split}"))
    fits = []
    for _ in range(JOB.measurement.draws):
        noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
        decoded = model.decode((mean + posterior.stddev * noise).float()).numpy()
        fits.append(norm(decoded, math.sqrt(variance)).logpdf(rows).sum(1))
    return np.mean(fits, axis=0) - kl.sum(1), kl


def linear_optimum(train, noise):
    """Loadings (d, k), mean and noise variance of pPCA, from numpy's eigenvalues alone."""
    values, vectors = np.linalg.eigh(np.cov(train.T, ddof=0))
    values, vectors = values[::-1], vectors[:, ::-1]
    variance = values[K:].mean() if noise.startswith("learned") else parse_noise(noise).variance
    lengths = np.sqrt(np.maximum(values[:K] - variance, 0))
    return vectors[:, :K] * lengths, train.mean(0), variance


def linear_log_likelihood(train, noise, rows):
    weights, mean, variance = linear_optimum(train, noise)
    covariance = weights @ weights.T + variance * np.eye(D)
    return multivariate_normal(mean, covariance).logpdf(rows)


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


@pytest.fixture(scope="module", params=NOISES)
def measured_run(request, trained, data, tmp_path_factory):
    noise = request.param
    files = evaluate(trained[noise], data, tmp_path_factory.mktemp("files"), noise=noise)
    return noise, trained[noise], read_json(files["metrics.json"]), read_arrays(files["kl.npz"])


# Networks compute in float32, with 7 digits, and errors of ELBOs cancel in part.
DIGITS = {"rel": 1e-5}


@pytest.mark.parametrize("split", SPLITS)
def test_elbo_and_its_error_are_those_of_the_densities(measured_run, data, split):
    _, (_, model_file, _), metrics, _ = measured_run
    prefix, rows = SPLITS[split], data[split]
    elbo, kl = direct(model_file, rows, split, metrics["noise_variance"])
    assert metrics[f"{prefix}elbo"] == pytest.approx(elbo.mean(), **DIGITS)
    assert metrics[f"{prefix}elbo_error"] == pytest.approx(standard_error(elbo), **DIGITS)
    assert metrics[f"{prefix}kl"] == pytest.approx(kl.sum(1).mean(), **DIGITS)


def test_noise_variance_is_that_of_the_settings_where_it_is_fixed(measured_run):
    noise, _, metrics, _ = measured_run
    assert (metrics["noise_variance"] == 2.0) == (noise == "fixed-2")


@pytest.mark.parametrize("split", SPLITS)
def test_linear_elbo_is_scipys_density_of_the_ppca_fitted_to_the_training_images(
    measured_run, data, split
):
    noise, _, metrics, _ = measured_run
    expected = linear_log_likelihood(data["train"], noise, data[split]).mean()
    found = metrics[f"{SPLITS[split]}linear_elbo"]
    # A learned noise variance is 1000 times below the largest eigenvalue.
    assert found == pytest.approx(expected, rel=1e-9)
    variance = linear_optimum(data["train"], noise)[2]
    assert metrics["linear_noise_variance"] == pytest.approx(variance, rel=1e-9)


def test_linear_optimum_is_the_bound_where_noise_is_fixed(measured_run):
    noise, _, metrics, _ = measured_run
    is_bound = metrics["linear_elbo"] == pytest.approx(metrics["linear_bound"], rel=1e-9)
    assert is_bound == (noise == "fixed-2")
    # No noise variance gives a linear VAE more than the learned one.
    assert metrics["linear_elbo"] > metrics["linear_bound"] - 1e-9


@pytest.mark.parametrize("split", SPLITS)
def test_above_linear_is_paired_by_image(measured_run, data, split):
    noise, (_, model_file, _), metrics, _ = measured_run
    prefix, rows = SPLITS[split], data[split]
    elbo, _ = direct(model_file, rows, split, metrics["noise_variance"])
    linear = linear_log_likelihood(data["train"], noise, rows)
    above = metrics[f"{prefix}above_linear"]
    difference = metrics[f"{prefix}elbo"] - metrics[f"{prefix}linear_elbo"]
    assert above == pytest.approx(difference, rel=1e-9)
    assert above == pytest.approx((elbo - linear).mean(), **DIGITS)
    error = metrics[f"{prefix}above_linear_error"]
    assert error == pytest.approx(standard_error(elbo - linear), **DIGITS)
    # Images of both are the same, so that this is not the error of two independent means.
    assert error != pytest.approx(
        math.hypot(standard_error(elbo), standard_error(linear)), rel=0.01
    )


@pytest.mark.parametrize("split", SPLITS)
def test_gaps_are_those_of_the_first_images_added_to_the_elbo_of_all(measured_run, data, split):
    noise, (_, model_file, _), metrics, arrays = measured_run
    model, prefix = load_model(model_file), SPLITS[split]
    n = JOB.measurement.inference_images
    found = inference_gap(
        model.encode, model.decode, data[split][:n], metrics["noise_variance"], draws=50,
        seed=derive_seed(JOB.seed, f"evaluate/inference/{split}"),
    )  # fmt: skip
    told = {name: metrics[f"{prefix}{name}"] for name in found.numbers()}
    assert told == found.numbers()
    assert told["inference_data"] == n
    elbo = metrics[f"{prefix}elbo"]
    assert metrics[f"{prefix}elbo_optimised"] == elbo + told["amortisation_gap"]
    assert metrics[f"{prefix}log_likelihood"] == pytest.approx(
        elbo + told["amortisation_gap"] + told["approximation_gap"], rel=1e-12
    )
    assert told["amortisation_gap"] > 0
    assert told["amortisation_gap_error"] > 0
    np.testing.assert_allclose(
        arrays[f"{prefix}optimised_mean_kl"], found.posterior.kl.mean(0), rtol=1e-12
    )


def test_more_importance_draws_change_the_likelihood_alone(finished, data, tmp_path):
    found = []
    for draws in (1, 200):
        measurement = Measurement(**{**MEASUREMENT, "importance_draws": draws})
        files = evaluate(finished, data, tmp_path / str(draws), measurement=measurement)
        found.append(read_json(files["metrics.json"]))
    differs = {name.removeprefix("test_") for name in found[0] if found[0][name] != found[1][name]}
    of_it = {"log_likelihood", "approximation_gap", "inference_gap"}
    of_it |= {"approximation_gap_error", "inference_gap_error"}
    assert differs == of_it | {"unreliable_data", "effective_samples"}
    # One draw is an estimate of the ELBO, and the images are the same.
    assert found[1]["test_log_likelihood"] > found[0]["test_log_likelihood"]


@pytest.mark.parametrize("split", SPLITS)
def test_used_latents_are_those_that_are_not_collapsed(measured_run, data, split):
    _, (_, model_file, _), metrics, _ = measured_run
    prefix = SPLITS[split]
    _, kl = direct(model_file, data[split], split, metrics["noise_variance"])
    used = metrics[f"{prefix}used_latents"]
    assert list(used) == list(metrics[f"{prefix}collapse_percent"])
    for epsilon, number in used.items():
        # Straight from the definition: more than delta of the images reach epsilon.
        assert number == ((kl >= float(epsilon)).mean(0) > JOB.measurement.delta).sum()
        assert isinstance(number, int)
        assert metrics[f"{prefix}collapse_percent"][epsilon] == pytest.approx(
            100 * (K - number) / K
        )
    assert set(used.values()) != {0}


@pytest.mark.parametrize("split", SPLITS)
def test_linear_curves_are_those_of_the_exact_divergences(measured_run, data, split):
    noise, _, _, arrays = measured_run
    weights, mean, variance = linear_optimum(data["train"], noise)
    # lambda_i = |w_i|^2 + sigma^2, or sigma^2 where the latent is not used.
    eigenvalues = np.square(weights).sum(0) + variance
    s = variance / eigenvalues
    m = (data[split] - mean) @ weights / eigenvalues
    kl = 0.5 * (m**2 + s - 1 - np.log(s))
    assert ((kl < 1e-12).all(0).sum() == 1) == (noise == "fixed-2")
    before = f"{SPLITS[split]}linear_"
    np.testing.assert_allclose(arrays[f"{before}mean_kl"], kl.mean(0), rtol=1e-8, atol=1e-12)
    found = CollapseCurve.from_arrays(arrays, before)
    assert found.n_samples == len(data[split])
    below = (kl.T[:, :, None] < found.epsilon).sum(1)
    np.testing.assert_array_equal(found.counts, below)


def test_a_latent_of_extreme_log_variance_does_not_stop_the_measurement(finished, data, tmp_path):
    spectrum, model_file, curve = finished
    model = load_model(model_file)
    with torch.no_grad():
        model.encoder.log_variance[-1].weight[0] = 0
        model.encoder.log_variance[-1].bias[0] = -1640
    extreme = tmp_path / "model.safetensors"
    save_model(extreme, model, JOB)
    files = evaluate((spectrum, extreme, curve), data, tmp_path / "files")
    metrics, arrays = read_json(files["metrics.json"]), read_arrays(files["kl.npz"])
    for prefix in SPLITS.values():
        for name in ("elbo", "kl", "above_linear", "elbo_error"):
            assert math.isfinite(metrics[f"{prefix}{name}"])
        # 1/2 (m^2 + s - 1 - log s), with a mean of some units.
        assert 0 <= arrays[f"{prefix}mean_kl"][0] - 0.5 * (1640 - 1) < 50
    assert math.isfinite(metrics["test_log_likelihood"])


def test_metrics_are_the_same_bytes_twice(finished, data, tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    files = [evaluate(finished, data, folder) for folder in folders]
    for name in files[0]:
        assert files[0][name].read_bytes() == files[1][name].read_bytes()
    other = evaluate(finished, data, tmp_path / "c", seed=1)
    assert other["metrics.json"].read_bytes() != files[0]["metrics.json"].read_bytes()


def test_pixels_have_no_bits_per_dimension(finished, data, tmp_path):
    files = evaluate(finished, data, tmp_path, preprocessing="pixels", logit_lambda=None)
    assert "bits_per_dimension" not in json.loads(files["metrics.json"].read_text())
    samples = read_arrays(files["samples.npz"])
    np.testing.assert_array_equal(samples["data_pixels"], np.clip(samples["data"], 0, 1))


def test_sampled_elbo_is_the_exact_one_where_the_decoder_is_linear(data):
    settings = ModelSettings.model_validate(
        {**MODEL, "decoder": {}, "training": {**MODEL["training"], "precision": "float64"}}
    )
    spectrum = Spectrum.from_data(data["train"])
    model = build(settings, spectrum, K, parse_noise("fixed-2"), 0)
    found = measure(
        model.encode, model.decode, data["train"], draws=400, seed=0, dtype=torch.float64
    )
    metrics = metrics_of(found, data, spectrum)
    with torch.no_grad():
        exact = exact_elbo(model, data["train"])
    # 400 draws for each of 90 data; the squared error of a draw varies by about its own size.
    tolerance = 4 * metrics["reconstruction"] / (2 * 2.0) / np.sqrt(400 * 90)
    assert metrics["elbo"] == pytest.approx(exact, abs=tolerance)


def metrics_of(measured, data, spectrum, variance=2.0):
    both = {"train": data["train"], "test": data["train"]}
    found = {"train": measured, "test": measured}
    draws = LogLikelihood(np.full(20, 3.0), np.ones(20), np.zeros(20), 50)
    gap = InferenceGap(np.arange(20.0), np.arange(20.0) + 1, draws, None)
    gaps = {"train": gap, "test": gap}
    return deep_metrics(JOB, spectrum, both, found, gaps, variance)


def test_metrics_follow_from_divergences_and_reconstruction(data):
    spectrum = Spectrum.from_data(data["train"])
    kl = np.zeros((90, K))
    kl[:, 0], kl[:2, 1] = 3.0, 0.5
    errors = np.linspace(20, 40, 90)
    metrics = metrics_of(Measured(kl, errors, D), data, spectrum)
    assert metrics["reconstruction"] == pytest.approx(30)
    expected = -30 / 4 - D / 2 * np.log(2 * np.pi * 2) - kl.sum(1).mean()
    assert metrics["elbo"] == pytest.approx(expected)
    tuned = -D / 2 - D / 2 * np.log(2 * np.pi * 30 / D) - kl.sum(1).mean()
    assert metrics["tuned_elbo"] == pytest.approx(tuned)
    each = -errors / 4 - kl.sum(1)
    assert metrics["elbo_error"] == pytest.approx(standard_error(each))
    # Of three dimensions one is active for all data, one for 2 of 90 (over 1 %), one for none.
    assert metrics["collapse_percent"]["0.05"] == pytest.approx(100 / 3)
    assert metrics["collapse_percent"]["1"] == collapse_percent(kl, 1.0)
    assert [metrics["used_latents"][epsilon] for epsilon in ("0.05", "1", "10")] == [2, 1, 0]
    bound = ppca.max_log_likelihood(spectrum, K, noise_variance=2.0)
    assert metrics["linear_bound"] == pytest.approx(bound)


@pytest.mark.parametrize("rank", range(K + 1))
def test_predicted_share_counts_leading_eigenvalues_up_to_the_variance(data, rank):
    spectrum = Spectrum.from_data(data["train"])
    measured = Measured(np.zeros((90, K)), np.ones(90), D)
    values = spectrum.eigenvalues
    variance = float(values[rank] + values[rank - 1]) / 2 if rank else float(values[0] + 1)
    metrics = metrics_of(measured, data, spectrum, variance)
    assert metrics["linear_bound_active"] == rank
    assert metrics["predicted_inactive_percent"] == pytest.approx(100 * (K - rank) / K)


def test_tuned_elbo_is_never_below_even_at_the_optimum(data):
    spectrum = Spectrum.from_data(data["train"])
    measured = Measured(np.zeros((90, K)), np.full(90, 0.7 * D), D)
    metrics = metrics_of(measured, data, spectrum, 0.7)
    assert metrics["tuned_elbo"] >= metrics["elbo"]
    assert metrics["test_tuned_elbo"] >= metrics["test_elbo"]
