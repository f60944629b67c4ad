import pytest
from hypothesis import given
from hypothesis import strategies as st

from linvae.naming import DataName, Run, parse_data, parse_run, parse_variant
from linvae.noise import NoiseName, number, parse_noise

positive = st.floats(min_value=1e-12, max_value=1e12, allow_nan=False)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_is_plain_and_exact(value):
    text = number(value)
    assert "e" not in text
    assert float(text) == value


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (30.0, "30"), (1e-5, "0.00001"), (10, "10")]
)
def test_number_has_one_form(value, text):
    assert number(value) == text


@given(st.sampled_from(["fixed", "learned"]), positive)
def test_noise_round_trip(kind, variance):
    name = str(NoiseName(kind, variance))
    assert parse_noise(name) == NoiseName(kind, variance)


@pytest.mark.parametrize("name", ["fixed", "fixed-", "fixed-0", "learned-1e-3", "x-1", "fixed--1"])
def test_malformed_noise_is_an_error(name):
    with pytest.raises(ValueError, match="is not of the form fixed-<variance>"):
        parse_noise(name)


@pytest.mark.parametrize("name", ["fixed-0.10", "learned-1.0", "learned-01"])
def test_noise_in_another_form_names_the_canonical_one(name):
    with pytest.raises(ValueError, match=r"not in canonical form; write '(fixed|learned)-[0-9.]+'"):
        parse_noise(name)


@given(
    st.sampled_from(["mnist", "fashionmnist", "kmnist"]),
    st.sampled_from(["pixels", "logit"]),
    st.none() | st.integers(1, 10**6),
)
def test_data_round_trip(dataset, preprocessing, n_images):
    name = DataName(dataset, preprocessing, n_images)
    assert parse_data(str(name)) == name


@pytest.mark.parametrize("variant", ["logit", "logit-first0", "logit-first-1", "raw-all", "../x"])
def test_malformed_variant_is_an_error(variant):
    with pytest.raises(ValueError, match="for example logit-first1000"):
        parse_variant("mnist", variant)


def test_unknown_dataset_is_an_error():
    with pytest.raises(ValueError, match="does not start with one of mnist"):
        parse_data("cifar-logit-all")


@given(st.integers(1, 783), st.integers(0, 10**6), positive)
def test_run_round_trip(n_latent, seed, variance):
    noise = str(NoiseName("learned", variance))
    run = Run("linear-adam", "mnist-logit-first1000", n_latent, noise, seed)
    assert parse_run(run.folder) == run
    assert parse_run(run.file("metrics.json")) == run
    assert parse_run(f"/somewhere/else/{run.file('curve.csv')}") == run


@pytest.mark.parametrize("path", ["results/train/a", "results/figures/x.png", "train/a/b/k1/c/1"])
def test_other_paths_are_no_runs(path):
    with pytest.raises(ValueError, match="is not below results/train/"):
        parse_run(path)
