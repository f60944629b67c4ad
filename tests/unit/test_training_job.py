"""One job from settings to files: where it starts, what it writes, resumes, and leaves alone."""

import logging
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from linvae.evaluation.encoder_run import encoder_metrics
from linvae.linear import elbo
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training import deep_job as deep
from linvae.training import linear_job as linear
from linvae.training import loop
from linvae.training.archive import load_model
from linvae.training.checkpoint import Checkpoint, Superseded
from linvae.training.exact import exact_elbo
from linvae.training.loop import NonFiniteLossError
from linvae.training.models import build
from linvae.training.progress import progress_of
from linvae.training.shared import checkpoint_of
from linvae.weights import LinearWeights, read_archive, write_tensors

D, K, N = 6, 2, 40
LINEAR = {"training": {"objective": "analytic", "steps": 20}, "job": {"records": 4}}
DEEP = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "start": {"weights": "principal", "standardize": True},
    "training": {"objective": "stochastic", "epochs": 4, "batch_size": 16, "precision": "float32"},
}
RELU_ENCODER = {
    "encoder": {"hidden": [8]},
    "start": {"standardize": True},
    "training": {"objective": "analytic", "epochs": 5},
}


@pytest.fixture(autouse=True)
def _checkpoint_after_every_epoch(monkeypatch):
    monkeypatch.setenv("LINVAE_CHECKPOINT_SECONDS", "0")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 2


@pytest.fixture(scope="module")
def splits(data):
    held_out = np.random.default_rng(1).normal(size=(N // 2, D))
    return {"train": data, "test": held_out}


@pytest.fixture(scope="module")
def spectrum(data):
    return Spectrum.from_data(data)


@pytest.fixture(scope="module")
def axes(spectrum):
    return {"eigenvalues": spectrum.eigenvalues, "eigenvectors": spectrum.eigenvectors}


def told(model, noise="learned-1", seed=0, **training):
    model = {**model, "training": {**model["training"], **training}}
    return RunJob(model=model, n_latent=K, noise=noise, seed=seed)


def outputs(folder):
    return folder / "model.safetensors", folder / "curve.csv"


def test_linear_run_writes_its_matrices_and_their_exact_elbo(spectrum, tmp_path):
    model, curve = outputs(tmp_path)
    linear.train_and_save(told(LINEAR), spectrum, None, model, curve)
    w = LinearWeights.load(model)
    exact = elbo.analytic(w.weights, w.encoder, w.posterior_variance, w.noise_variance, spectrum)
    last = pd.read_csv(curve).iloc[-1]
    # The text of a float64 in the .csv is exact.
    assert last["elbo"] == pytest.approx(exact, rel=1e-12)
    assert last["step"] == 20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curve.csv", "model.safetensors"]


def test_deep_run_is_loaded_as_it_was_trained(data, splits, axes, tmp_path):
    model_file, curve = outputs(tmp_path)
    deep.train_and_save(told(DEEP), splits, model_file, curve, axes)
    model = load_model(model_file)
    x = torch.as_tensor(data, dtype=torch.float32)
    again = load_model(model_file)
    assert torch.equal(model.decode(model.encode(x)[0]), again.decode(again.encode(x)[0]))
    noise = pd.read_csv(curve)["noise_variance"].iloc[-1]
    assert model.log_noise_variance.exp().item() == pytest.approx(noise, rel=1e-6)
    assert noise != 1
    # float32: the file has the data's moments too.
    np.testing.assert_allclose(model.units.mean, data.mean(0), rtol=1e-6)
    assert model.units.scale.item() == pytest.approx(np.sqrt(data.var(0).mean()), rel=1e-6)


def test_exact_elbo_does_not_depend_on_the_chunk(data, spectrum, tmp_path, monkeypatch):
    model_file, curve = outputs(tmp_path)
    linear.train_and_save(told(RELU_ENCODER), spectrum, data, model_file, curve)
    model = load_model(model_file)
    whole = exact_elbo(model, data)
    assert pd.read_csv(curve)["elbo"].iloc[-1] == pytest.approx(whole, rel=1e-12)
    monkeypatch.setattr("linvae.training.exact._CHUNK", 7)
    assert exact_elbo(model, data) == pytest.approx(whole, rel=1e-12)


def test_a_run_with_another_encoder_is_measured_as_its_curve_ends(data, spectrum, tmp_path):
    job, files = told(RELU_ENCODER), outputs(tmp_path)
    linear.train_and_save(job, spectrum, data, *files)
    found = encoder_metrics(job, spectrum, data, *files)
    last = pd.read_csv(files[1]).iloc[-1]
    assert found.pop("steps") == last["step"] == 5
    assert {"elbo", "gap", "noise_variance"} <= set(found)
    assert found == pytest.approx({name: last[name] for name in found}, rel=1e-9)


class Killed(Exception):
    pass


def kill_after_a_checkpoint(patch):
    save = Checkpoint.save

    def dying(self, tensors, step, curve):
        save(self, tensors, step, curve)
        raise Killed

    patch.setattr(Checkpoint, "save", dying)


def test_a_killed_job_started_again_writes_the_same_bytes(splits, axes, tmp_path, monkeypatch):
    whole, again = tmp_path / "whole", tmp_path / "again"
    for folder in (whole, again):
        folder.mkdir()
    deep.train_and_save(told(DEEP), splits, *outputs(whole), axes)
    with monkeypatch.context() as patch:
        kill_after_a_checkpoint(patch)
        with pytest.raises(Killed):
            deep.train_and_save(told(DEEP), splits, *outputs(again), axes)
    assert (again / "checkpoint.safetensors").exists()
    deep.train_and_save(told(DEEP), splits, *outputs(again), axes)
    for one, other in zip(outputs(whole), outputs(again), strict=True):
        assert one.read_bytes() == other.read_bytes()
    found = pd.read_csv(again / "curve.csv")
    # Looks from before and after the interruption, which differ.
    for column in ("subset_elbo", "test_elbo"):
        assert found[column].nunique() == len(found) > 2
    assert found["used_latents"].notna().all()
    assert not (again / "checkpoint.safetensors").exists()


def test_the_curve_ends_with_what_the_finished_model_is(splits, axes, tmp_path):
    model_file, curve = outputs(tmp_path)
    deep.train_and_save(told(DEEP), splits, model_file, curve, axes)
    model = load_model(model_file)
    expected = progress_of(model, splits, told(DEEP).seed)(model)
    last = pd.read_csv(curve).iloc[-1]
    assert {name: last[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_test_images_are_looked_at_and_not_trained_on(splits, axes, tmp_path):
    curves, models = [], []
    for name, test in (("a", splits["test"]), ("b", splits["test"] + 1)):
        (tmp_path / name).mkdir()
        model_file, curve = outputs(tmp_path / name)
        given = {"train": splits["train"], "test": test}
        deep.train_and_save(told(DEEP), given, model_file, curve, axes)
        models.append(model_file.read_bytes())
        curves.append(pd.read_csv(curve))
    assert models[0] == models[1]
    differs = [name for name in curves[0] if not curves[0][name].equals(curves[1][name])]
    assert differs == ["test_elbo"]


def test_another_seed_gives_another_model(splits, axes, tmp_path):
    files = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        deep.train_and_save(told(DEEP, seed=seed), splits, *outputs(folder), axes)
        files.append((folder / "curve.csv").read_bytes())
    assert files[0] != files[1]


def test_a_job_that_was_taken_over_writes_nothing(splits, axes, tmp_path, monkeypatch):
    save = Checkpoint.save

    def lost(self, tensors, step, curve):
        save(self, tensors, step, curve)
        Checkpoint(self.path, self.specification)

    monkeypatch.setattr(Checkpoint, "save", lost)
    with pytest.raises(Superseded):
        deep.train_and_save(told(DEEP), splits, *outputs(tmp_path), axes)
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_job_that_was_taken_over_at_its_end_writes_nothing(splits, axes, tmp_path, monkeypatch):
    def trained(*arguments, checkpoint, **options):
        curve = loop.fit(*arguments, checkpoint=checkpoint, **options)
        Checkpoint(checkpoint.path, checkpoint.specification)
        return curve

    monkeypatch.setattr("linvae.training.shared.fit", trained)
    with pytest.raises(Superseded):
        deep.train_and_save(told(DEEP), splits, *outputs(tmp_path), axes)
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_job_without_finite_loss_writes_nothing(splits, axes, tmp_path):
    job = told(DEEP, noise="fixed-0.001", learning_rate=1e6, epochs=3000)
    with pytest.raises(NonFiniteLossError, match="lower training.learning_rate"):
        deep.train_and_save(job, splits, *outputs(tmp_path), axes)
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_damaged_checkpoint_does_not_stop_a_job(splits, axes, tmp_path, caplog):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"half a file")
    with caplog.at_level(logging.WARNING):
        deep.train_and_save(told(DEEP), splits, *outputs(tmp_path), axes)
    assert "set aside" in caplog.text
    assert (tmp_path / "checkpoint.damaged").exists()
    assert all(file.exists() for file in outputs(tmp_path))


def test_a_checkpoint_is_of_the_job_with_the_address_that_it_lies_at(
    splits, axes, tmp_path, monkeypatch, caplog
):
    there, elsewhere = tmp_path / "0123456789ab", tmp_path / "ba9876543210"
    kill_after_a_checkpoint(monkeypatch)
    with pytest.raises(Killed):
        deep.train_and_save(told(DEEP), splits, *outputs(there), axes)
    elsewhere.mkdir()
    shutil.copy(there / "checkpoint.safetensors", elsewhere)
    assert checkpoint_of(told(DEEP), there / "curve.csv").load() is not None
    assert checkpoint_of(told(DEEP), elsewhere / "curve.csv").load() is None
    assert checkpoint_of(told(DEEP, seed=1), there / "curve.csv").load() is None
    assert caplog.text.count("other settings or code") == 2


@pytest.mark.parametrize("damage", ["truncate", "other settings", "linear"])
def test_a_damaged_model_is_one_clear_error(splits, spectrum, axes, tmp_path, damage):
    model_file, curve = outputs(tmp_path)
    if damage == "linear":
        linear.train_and_save(told(LINEAR), spectrum, None, model_file, curve)
    else:
        deep.train_and_save(told(DEEP), splits, model_file, curve, axes)
    if damage == "truncate":
        model_file.write_bytes(model_file.read_bytes()[:-9])
    if damage == "other settings":
        arrays, metadata = read_archive(model_file)
        write_tensors(model_file, arrays, {**metadata, "n_latent": K + 1})
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged .*; delete it"):
        load_model(model_file)


def test_metadata_tell_what_the_run_was(splits, axes, tmp_path):
    model_file, curve = outputs(tmp_path)
    deep.train_and_save(told(DEEP), splits, model_file, curve, axes)
    _, metadata = read_archive(model_file)
    assert (metadata["n_latent"], metadata["noise"], metadata["seed"]) == (K, "learned-1", 0)


def started(data, hidden=(10, 7), **start):
    """Return a deep model that starts at the principal components."""
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": hidden, "posterior": "amortised"},
            "decoder": {"hidden": hidden[::-1]},
            "start": {"weights": "principal", **start},
            "training": {"objective": "stochastic", "epochs": 1},
        }
    )
    spectrum = Spectrum.from_data(data)
    model = build(settings, spectrum, K, parse_noise("fixed-1"), 0)
    deep.start_at_principal_components(model, spectrum.eigenvalues, spectrum.eigenvectors)
    return model


@pytest.mark.parametrize("units", [{}, {"standardize": True}])
@pytest.mark.parametrize("hidden", [(4,), (10, 7), (8, 9, 4)])
def test_mean_and_reconstruction_are_those_of_pca(data, hidden, units):
    model = started(data, hidden, **units)
    x = torch.as_tensor(data)
    mean, _ = model.encode(x)
    # Latents are uncorrelated with unit variance, and decode to the projection of numpy's SVD.
    np.testing.assert_allclose(np.cov(mean.detach().numpy().T, ddof=0), np.eye(K), atol=1e-10)
    centred = data - data.mean(0)
    leading = np.linalg.svd(centred)[2][:K]
    projection = centred @ leading.T @ leading + data.mean(0)
    np.testing.assert_allclose(model.decode(mean).detach().numpy(), projection, atol=1e-10)


def test_other_units_keep_random_weights_and_every_weight_can_learn(data):
    model = started(data)
    y = model.units.inward(torch.as_tensor(data))
    assert model.encoder.trunk[0].weight[2 * K :].abs().min() > 0
    mean, log_variance = model.encoder(y)
    (model.decoder(mean).square().sum() + log_variance.square().sum()).backward()
    assert model.decoder[-1].weight.grad.abs().sum(0).min() >= 0
    assert model.encoder.mean[-1].weight.grad[:, 2 * K :].abs().max() > 0


def test_directions_without_variance_are_finite(data):
    flat = data.copy()
    flat[:, 2:] = 1.0
    mean, _ = started(flat, standardize=True).encode(torch.as_tensor(flat))
    assert torch.isfinite(mean).all()


@pytest.mark.parametrize("weights", ["random", "principal"])
def test_a_deep_job_starts_where_its_settings_say(
    data, splits, axes, tmp_path, monkeypatch, weights
):
    x = torch.as_tensor(data, dtype=torch.float32)
    seen = []

    def at_the_start(model, *arguments, **options):
        seen.append(np.cov(model.encode(x)[0].detach().numpy().T, ddof=0))
        raise Killed

    monkeypatch.setattr(deep, "train", at_the_start)
    job = told({**DEEP, "start": {"weights": weights}})
    read = axes if weights == "principal" else None
    with pytest.raises(Killed):
        deep.train_and_save(job, splits, *outputs(tmp_path), read)
    # float32 has 7 digits.
    assert np.allclose(seen[0], np.eye(K), atol=1e-4) == (weights == "principal")


def test_narrow_layers_are_an_error_that_says_how_wide(data):
    with pytest.raises(ValueError, match="at least 2 k = 4 units, found 3; .* config.yaml"):
        started(data, (8, 3))
