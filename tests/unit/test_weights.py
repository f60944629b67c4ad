import dataclasses

import numpy as np
import pytest

from linvae.weights import LinearWeights, read_tensors, write_tensors


@pytest.fixture
def model():
    generator = np.random.default_rng(0)
    return LinearWeights(
        generator.standard_normal((5, 2)), generator.standard_normal((2, 5)), np.ones(2), 0.5
    )


def test_round_trip_is_exact_and_its_bytes_repeat(model, tmp_path):
    for name in ("a", "b"):
        model.save(tmp_path / name, {"seed": 0, "noise": "fixed-1"})
    loaded = LinearWeights.load(tmp_path / "a")
    np.testing.assert_array_equal(loaded.weights, model.weights)
    np.testing.assert_array_equal(loaded.encoder, model.encoder)
    np.testing.assert_array_equal(loaded.posterior_variance, model.posterior_variance)
    assert loaded.noise_variance == model.noise_variance
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_would_be_changed_is_not_written(model, tmp_path):
    masked = np.ma.masked_greater(model.weights, 0)
    for weights, text in ((masked, "weights has .* masked"), (model.weights + 1j, "complex128")):
        with pytest.raises(ValueError, match=text):
            dataclasses.replace(model, weights=weights).save(tmp_path / "a", {})
    dataclasses.replace(model, weights=model.weights.astype("f4")).save(tmp_path / "b", {})
    found = LinearWeights.load(tmp_path / "b").weights
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, model.weights.astype("f4"))


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_is_named(model, tmp_path, damage):
    path = tmp_path / "model.safetensors"
    model.save(path, {})
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged .*delete it"):
        LinearWeights.load(path)


def test_another_kind_of_model_is_named(tmp_path):
    write_tensors(tmp_path / "x.safetensors", {"layer": np.ones(3)}, {})
    assert list(read_tensors(tmp_path / "x.safetensors")) == ["layer"]
    with pytest.raises(ValueError, match="holds layer; a linear VAE has weights"):
        LinearWeights.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize("position", [-1, -9, -60, 40])
def test_a_changed_number_is_noticed(model, tmp_path, position):
    path = tmp_path / "model.safetensors"
    model.save(path, {"seed": 0})
    content = bytearray(path.read_bytes())
    content[position] ^= 0x01
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged .*delete it"):
        LinearWeights.load(path)
