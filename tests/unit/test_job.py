"""One job from settings to files: what it writes, resumes, and leaves alone."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from linvae import elbo
from linvae.spectrum import Spectrum
from linvae.training import loop as train
from linvae.training.checkpoint import Checkpoint, Superseded
from linvae.training.job import exact_elbo, load_model, train_and_save
from linvae.training.loop import NonFiniteLossError
from linvae.weights import LinearWeights, read_archive

D, K, N = 6, 2, 40
LINEAR = {"training": {"objective": "analytic", "steps": 20, "records": 4}}
DEEP = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "training": {
        "objective": "stochastic",
        "epochs": 4,
        "batch_size": 16,
        "precision": "float32",
        "init": "principal",
        "whiten": True,
        "checkpoint_seconds": 0,
    },
}
RELU_ENCODER = {
    "encoder": {"hidden": [8]},
    "training": {"objective": "analytic", "epochs": 5, "standardize": True},
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)) @ rng.normal(size=(D, D)) + 2


@pytest.fixture(scope="module")
def spectrum(data):
    return Spectrum.from_data(data)


def spec(model, **training):
    model = {**model, "training": {**model["training"], **training}}
    return {"model": model, "n_latent": K, "noise": "learned-1", "seed": 0, "threads": 1}


def outputs(folder):
    return folder / "model.safetensors", folder / "curve.csv"


def test_linear_run_writes_its_matrices_and_their_exact_elbo(spectrum, tmp_path):
    model, curve = outputs(tmp_path)
    train_and_save(spec(LINEAR), spectrum, None, model, curve)
    w = LinearWeights.load(model)
    exact = elbo.analytic(w.weights, w.encoder, w.posterior_variance, w.noise_variance, spectrum)
    last = pd.read_csv(curve).iloc[-1]
    # The text of a float64 in the .csv is exact.
    assert last["elbo"] == pytest.approx(exact, rel=1e-12)
    assert last["step"] == 20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curve.csv", "model.safetensors"]


def test_deep_run_is_loaded_as_it_was_trained(data, spectrum, tmp_path):
    model_file, curve = outputs(tmp_path)
    train_and_save(spec(DEEP), spectrum, data, model_file, curve)
    model = load_model(model_file, spectrum)
    x = torch.as_tensor(data, dtype=torch.float32)
    again = load_model(model_file, spectrum)
    assert torch.equal(model.decode(model.encode(x)[0]), again.decode(again.encode(x)[0]))
    noise = pd.read_csv(curve)["noise_variance"].iloc[-1]
    assert model.log_noise_variance.exp().item() == pytest.approx(noise, rel=1e-6)
    assert noise != 1


def test_exact_elbo_does_not_depend_on_the_chunk(data, spectrum, tmp_path, monkeypatch):
    model_file, curve = outputs(tmp_path)
    train_and_save(spec(RELU_ENCODER), spectrum, data, model_file, curve)
    model = load_model(model_file, spectrum)
    whole = exact_elbo(model, data)
    assert pd.read_csv(curve)["elbo"].iloc[-1] == pytest.approx(whole, rel=1e-12)
    monkeypatch.setattr("linvae.training.job._CHUNK", 7)
    assert exact_elbo(model, data) == pytest.approx(whole, rel=1e-12)


class Killed(Exception):
    pass


def test_a_killed_job_started_again_writes_the_same_bytes(data, spectrum, tmp_path, monkeypatch):
    whole, again = tmp_path / "whole", tmp_path / "again"
    for folder in (whole, again):
        folder.mkdir()
    train_and_save(spec(DEEP), spectrum, data, *outputs(whole))
    save = Checkpoint.save

    def dying(self, tensors, step):
        save(self, tensors, step)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", dying)
        with pytest.raises(Killed):
            train_and_save(spec(DEEP), spectrum, data, *outputs(again))
    assert (again / "checkpoint.safetensors").exists()
    train_and_save(spec(DEEP), spectrum, data, *outputs(again))
    for one, other in zip(outputs(whole), outputs(again), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert not (again / "checkpoint.safetensors").exists()


def test_another_seed_gives_another_model(data, spectrum, tmp_path):
    files = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        train_and_save({**spec(DEEP), "seed": seed}, spectrum, data, *outputs(folder))
        files.append((folder / "curve.csv").read_bytes())
    assert files[0] != files[1]


def test_a_job_that_was_taken_over_writes_nothing(data, spectrum, tmp_path, monkeypatch):
    save = Checkpoint.save

    def lost(self, tensors, step):
        save(self, tensors, step)
        Checkpoint(self.path, self.specification)

    monkeypatch.setattr(Checkpoint, "save", lost)
    with pytest.raises(Superseded):
        train_and_save(spec(DEEP), spectrum, data, *outputs(tmp_path))
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_job_that_was_taken_over_at_its_end_writes_nothing(data, spectrum, tmp_path, monkeypatch):
    def trained(*arguments, checkpoint, **options):
        curve = train.fit(*arguments, checkpoint=checkpoint, **options)
        Checkpoint(checkpoint.path, checkpoint.specification)
        return curve

    monkeypatch.setattr("linvae.training.job.fit", trained)
    with pytest.raises(Superseded):
        train_and_save(spec(DEEP), spectrum, data, *outputs(tmp_path))
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_job_without_finite_loss_writes_nothing(data, spectrum, tmp_path):
    settings = {**spec(DEEP, learning_rate=1e6, epochs=3000), "noise": "fixed-0.001"}
    with pytest.raises(NonFiniteLossError, match="lower training.learning_rate"):
        train_and_save(settings, spectrum, data, *outputs(tmp_path))
    assert not any(file.exists() for file in outputs(tmp_path))


def test_a_damaged_checkpoint_does_not_stop_a_job(data, spectrum, tmp_path, caplog):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"half a file")
    with caplog.at_level(logging.WARNING):
        train_and_save(spec(DEEP), spectrum, data, *outputs(tmp_path))
    assert "set aside" in caplog.text
    assert (tmp_path / "checkpoint.damaged").exists()
    assert all(file.exists() for file in outputs(tmp_path))


@pytest.mark.parametrize("damage", ["truncate", "other spectrum", "linear"])
def test_a_damaged_model_is_one_clear_error(data, spectrum, tmp_path, damage):
    model_file, curve = outputs(tmp_path)
    settings = LINEAR if damage == "linear" else DEEP
    train_and_save(
        spec(settings), spectrum, None if damage == "linear" else data, model_file, curve
    )
    if damage == "truncate":
        model_file.write_bytes(model_file.read_bytes()[:-9])
    used = Spectrum.from_data(data[:, :5]) if damage == "other spectrum" else spectrum
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged .*; delete it"):
        load_model(model_file, used)


def test_metadata_tell_what_the_run_was(data, spectrum, tmp_path):
    model_file, curve = outputs(tmp_path)
    train_and_save(spec(DEEP), spectrum, data, model_file, curve)
    _, metadata = read_archive(model_file)
    assert (metadata["n_latent"], metadata["noise"], metadata["seed"]) == (K, "learned-1", 0)
