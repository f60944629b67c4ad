"""Metrics of deep runs: against closed forms where a linear decoder gives them."""

import json

import numpy as np
import pytest
import torch

from linvae import ppca
from linvae.collapse import SPLITS, CollapseCurve, collapse_percent
from linvae.evaluation.deep import Encoded, deep_metrics, encode, evaluate_and_save
from linvae.files import read_arrays, read_json
from linvae.noise import parse_noise
from linvae.preprocess import inverse_logit, logit
from linvae.settings.model import ModelSettings
from linvae.spectrum import Spectrum
from linvae.training.deep import train_and_save
from linvae.training.linear import exact_elbo
from linvae.training.models import build

D, K, N = 12, 3, 120
MODEL = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "training": {"objective": "stochastic", "epochs": 3, "batch_size": 50, "precision": "float32"},
}
SPEC = {
    "model": MODEL, "n_latent": K, "noise": "learned-2", "seed": 0, "threads": 1,
    "draws": 4, "epsilon": 0.05, "delta": 0.01, "preprocessing": "logit",
    "logit_lambda": 1e-6,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    shades = 40 * rng.normal(size=(N, 2)) @ rng.normal(size=(2, D)) + 128
    images = np.clip(shades, 0, 255).astype(np.uint8)
    return {"train": logit(images[:90]), "test": logit(images[90:], stream="test")}


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    spectrum = Spectrum.from_data(data["train"])
    model, curve = folder / "model.safetensors", folder / "curve.csv"
    train_and_save(SPEC, spectrum, data["train"], model, curve)
    return spectrum, model, curve


def evaluate(finished, data, folder, **changes):
    spectrum, model, curve = finished
    files = {name: folder / name for name in ("metrics.json", "kl.npz", "samples.npz")}
    evaluate_and_save(
        {**SPEC, **changes}, spectrum, data, model, curve,
        metrics_file=files["metrics.json"], kl_file=files["kl.npz"],
        samples_file=files["samples.npz"],
    )  # fmt: skip
    return files


def test_files_of_a_run(finished, data, tmp_path):
    files = evaluate(finished, data, tmp_path)
    metrics, kl = read_json(files["metrics.json"]), read_arrays(files["kl.npz"])
    assert (metrics["steps"], metrics["epochs"]) == (6, 3)
    assert list(metrics["collapse_percent"]) == sorted(
        ["0.0001", "0.001", "0.01", "0.03", "0.05", "0.1", "0.3", "1", "10"]
    )
    for found, prefix in ((metrics, ""), (metrics["test"], "test_")):
        assert found["tuned_elbo"] >= found["elbo"]
        assert found["tuned_noise_variance"] == pytest.approx(found["reconstruction"] / D)
        assert kl[f"{prefix}mean_kl"].sum() == pytest.approx(found["kl"])
        assert np.isfinite(found["bits_per_dimension"])
    assert metrics["generalization_gap"] == metrics["elbo"] - metrics["test"]["elbo"]
    curves = {split: CollapseCurve.from_arrays(kl, prefix) for split, prefix in SPLITS.items()}
    assert {split: curve.n_samples for split, curve in curves.items()} == {"train": 90, "test": 30}
    for epsilon in (0.01, 0.1):
        at = curves["train"].epsilon.tolist().index(epsilon)
        for split, found in (("train", metrics), ("test", metrics["test"])):
            percent = curves[split].percent()[at]
            assert percent == found["collapse_percent"][f"{epsilon:g}"]
    samples = read_arrays(files["samples.npz"])
    assert {array.dtype for array in samples.values()} == {np.dtype(np.float32)}
    assert samples["prior"].shape == samples["reconstruction"].shape == (10, D)
    pixels = np.clip(inverse_logit(data["test"][:10]), 0, 1)
    np.testing.assert_allclose(samples["data_pixels"], pixels, atol=1e-6)


def test_metrics_are_the_same_bytes_twice(finished, data, tmp_path):
    folders = [tmp_path / name for name in ("a", "b")]
    files = [evaluate(finished, data, folder) for folder in folders]
    for name in files[0]:
        assert files[0][name].read_bytes() == files[1][name].read_bytes()
    other = evaluate(finished, data, tmp_path / "c", seed=1)
    assert other["metrics.json"].read_bytes() != files[0]["metrics.json"].read_bytes()


def test_pixels_have_no_bits_per_dimension(finished, data, tmp_path):
    spec = {"preprocessing": "pixels", "logit_lambda": None}
    files = evaluate(finished, data, tmp_path, **spec)
    assert "bits_per_dimension" not in json.loads(files["metrics.json"].read_text())
    samples = read_arrays(files["samples.npz"])
    np.testing.assert_array_equal(samples["data_pixels"], np.clip(samples["data"], 0, 1))


def test_sampled_elbo_is_the_exact_one_where_the_decoder_is_linear(data):
    settings = ModelSettings.model_validate(
        {**MODEL, "decoder": {}, "training": {**MODEL["training"], "precision": "float64"}}
    )
    spectrum = Spectrum.from_data(data["train"])
    model = build(settings, spectrum, K, parse_noise("fixed-2"), 0)
    encoded = encode(model, data["train"], 400, 0, "train")
    metrics = measured({"train": encoded, "test": encoded}, data, spectrum)
    with torch.no_grad():
        exact = exact_elbo(model, data["train"])
    # 400 draws for each of 90 data; the squared error of a draw varies by about its own size.
    tolerance = 4 * encoded.reconstruction / (2 * 2.0) / np.sqrt(400 * 90)
    assert metrics["elbo"] == pytest.approx(exact, abs=tolerance)


def measured(encoded, data, spectrum, variance=2.0):
    both = {"train": data["train"], "test": data["train"]}
    return deep_metrics(SPEC, spectrum, both, encoded, variance)


def test_metrics_follow_from_divergences_and_reconstruction(data):
    spectrum = Spectrum.from_data(data["train"])
    kl = np.zeros((90, K))
    kl[:, 0], kl[:2, 1] = 3.0, 0.5
    encoded = Encoded(kl, reconstruction=30.0)
    metrics = measured({"train": encoded, "test": encoded}, data, spectrum)
    expected = -30 / 4 - D / 2 * np.log(2 * np.pi * 2) - kl.sum(1).mean()
    assert metrics["elbo"] == pytest.approx(expected)
    tuned = -D / 2 - D / 2 * np.log(2 * np.pi * 30 / D) - kl.sum(1).mean()
    assert metrics["tuned_elbo"] == pytest.approx(tuned)
    # Of three dimensions one is active for all data, one for 2 of 90 (over 1 %), one for none.
    assert metrics["collapse_percent"]["0.05"] == pytest.approx(100 / 3)
    assert metrics["collapse_percent"]["1"] == collapse_percent(kl, 1.0)
    bound = ppca.max_log_likelihood(spectrum, K, noise_variance=2.0)
    assert metrics["linear_bound"] == pytest.approx(bound)
    assert metrics["below_bound"] == (metrics["elbo"] < bound)


@pytest.mark.parametrize("rank", range(K + 1))
def test_predicted_share_counts_leading_eigenvalues_up_to_the_variance(data, rank):
    spectrum = Spectrum.from_data(data["train"])
    encoded = Encoded(np.zeros((90, K)), 1.0)
    values = spectrum.eigenvalues
    variance = float(values[rank] + values[rank - 1]) / 2 if rank else float(values[0] + 1)
    metrics = measured({"train": encoded, "test": encoded}, data, spectrum, variance)
    assert metrics["linear_bound_active"] == rank
    assert metrics["predicted_inactive_percent"] == pytest.approx(100 * (K - rank) / K)


def test_tuned_elbo_is_never_below_even_at_the_optimum(data):
    spectrum = Spectrum.from_data(data["train"])
    encoded = Encoded(np.zeros((90, K)), 0.7 * D)
    metrics = measured({"train": encoded, "test": encoded}, data, spectrum, 0.7)
    assert metrics["tuned_elbo"] >= metrics["elbo"]
