"""Names of data, noise and runs: each has one form, which is read back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linvae.naming import (
    DIGEST_PATTERN,
    MODEL_PATTERN,
    VARIANT_PATTERN,
    DataName,
    Run,
    digest,
    parse_data,
    parse_run,
    parse_variant,
)
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
    st.just(1000) | st.integers(1, 10**6),
)
def test_data_round_trip(dataset, preprocessing, n_images, n_test):
    name = DataName(dataset, preprocessing, n_images, n_test)
    assert parse_data(str(name)) == name
    assert re.fullmatch(f"{dataset}-{VARIANT_PATTERN}", str(name))


@given(
    st.none() | st.integers(1, 10**6),
    st.just(1000) | st.integers(1, 10**6),
    st.just(0) | st.integers(0, 2**31 - 1),
    st.just(1e-6) | st.floats(1e-12, 0.5, exclude_max=True),
)
def test_the_name_of_logits_says_all_that_decides_them(n_images, n_test, seed, logit_lambda):
    name = DataName("mnist", "logit", n_images, n_test, seed, logit_lambda)
    assert parse_data(str(name)) == name
    assert re.fullmatch(f"mnist-{VARIANT_PATTERN}", str(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (DataName("mnist", "logit", 60), "mnist-logit-first60"),
        (DataName("mnist", "logit", None, 1000, 0, 1e-6), "mnist-logit-all"),
        (DataName("mnist", "logit", 60, n_test=20), "mnist-logit-first60-test20"),
        (DataName("kmnist", "logit", 60, seed=3), "kmnist-logit-first60-seed3"),
        (DataName("mnist", "logit", 60, logit_lambda=1e-5), "mnist-logit-first60-lambda0.00001"),
        (DataName("mnist", "logit", None, 20, 3, 0.05), "mnist-logit-all-test20-seed3-lambda0.05"),
        # Pixels have neither dither nor lambda: their settings change nothing.
        (DataName("mnist", "pixels", 60, 20, 3, 0.05), "mnist-pixels-first60-test20"),
    ],
)
def test_only_what_is_unusual_shows_in_the_name(name, text):
    assert str(name) == text


@pytest.mark.parametrize(
    "variant",
    [
        "logit",
        "logit-first0",
        "logit-first-1",
        "raw-all",
        "../x",
        "logit-all-test0",
        "logit-all-seed-1",
        "logit-all-lambda1e-5",
        "logit-all-lambda1.5",
        "logit-all-seed1-test5",
    ],
)
def test_malformed_variant_is_an_error(variant):
    with pytest.raises(ValueError, match="for example logit-first1000"):
        parse_variant("mnist", variant)


def test_unknown_dataset_is_an_error():
    with pytest.raises(ValueError, match="does not start with one of mnist"):
        parse_data("cifar-logit-all")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(JSON)
def test_a_digest_is_eight_digits(content):
    assert re.fullmatch(DIGEST_PATTERN, digest(content))
    assert digest(content) == digest(content)


def test_a_digest_follows_values_and_not_their_order():
    assert digest({"a": 1, "b": [0.5, None]}) == digest({"b": (0.5, None), "a": 1})
    values = [{"a": 1}, {"a": 2}, {"b": 1}, {"a": None}, {"a": [1]}, {"a": 1.5}, {}, [], None]
    assert len({digest(value) for value in values}) == len(values)
    # Pinned: it is in the paths of results that take days to compute.
    assert digest({"a": 1}) == "f9d86028"


@given(
    st.from_regex(re.compile(MODEL_PATTERN, re.ASCII), fullmatch=True),
    st.from_regex(re.compile(DIGEST_PATTERN, re.ASCII), fullmatch=True),
    st.integers(1, 783),
    st.integers(0, 10**6),
    positive,
)
def test_run_round_trip(model, digits, n_latent, seed, variance):
    noise = str(NoiseName("learned", variance))
    run = Run(model, digits, "mnist-logit-first1000", n_latent, noise, seed)
    assert parse_run(run.folder) == run
    assert parse_run(run.file("metrics.json")) == run
    assert parse_run(run.file("delta0.05/metrics.json")) == run
    assert parse_run(f"/somewhere/else/{run.file('curve.csv')}") == run


@pytest.mark.parametrize(
    "path",
    [
        "results/train/a",
        "results/smoke/figures/x.png",
        "train/a/b/k1/c/1",
        "results/train/a/mnist-logit-all/k1/fixed-1/seed0",
        "results/train/a.0123abc/mnist-logit-all/k1/fixed-1/seed0",
        "results/train/a.0123abcd/mnist-logit-all/1/fixed-1/seed0",
        "results/train/a.0123abcd/mnist-logit-all/k1/fixed-1/0",
    ],
)
def test_other_paths_are_no_runs(path):
    with pytest.raises(ValueError, match="is not below results/train/"):
        parse_run(path)
