"""Names of data, noise and runs: each has one form, which is read back."""

import re

import pytest
from configured import ROOT, configuration
from hypothesis import given
from hypothesis import strategies as st
from lying import MEASURED, TRAINED, path_of

from linvae.naming import (
    ADDRESS_PATTERN,
    MODEL_PATTERN,
    DataName,
    Product,
    Run,
    parse_data,
    parse_run,
    parse_variant,
    product_of,
)
from linvae.noise import NoiseName, number, parse_noise
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

# What is the same in every file system, and in every shell.
PLAIN = r"[a-z0-9]+([.-][a-z0-9]+)*"
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
    assert re.fullmatch(PLAIN, str(name))


@given(
    st.none() | st.integers(1, 10**6),
    st.just(1000) | st.integers(1, 10**6),
    st.just(0) | st.integers(0, 2**31 - 1),
    st.just(1e-6) | st.floats(1e-12, 0.5, exclude_max=True),
)
def test_the_name_of_logits_says_all_that_decides_them(n_images, n_test, seed, logit_lambda):
    name = DataName("mnist", "logit", n_images, n_test, seed, logit_lambda)
    assert parse_data(str(name)) == name
    assert re.fullmatch(PLAIN, str(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (DataName("mnist", "logit", 60), "mnist-logit-first60"),
        (DataName("mnist", "logit", None, 1000, 0, 1e-6), "mnist-logit-all"),
        (DataName("mnist", "logit", 60, n_test=20), "mnist-logit-first60-test20"),
        (DataName("mnist", "logit", 60, after=500), "mnist-logit-after500-first60"),
        (DataName("mnist", "pixels", 60, 20, after=5), "mnist-pixels-after5-first60-test20"),
        (DataName("kmnist", "logit", 60, seed=3), "kmnist-logit-first60-seed3"),
        (DataName("mnist", "logit", 60, logit_lambda=1e-5), "mnist-logit-first60-lambda0.00001"),
        (DataName("mnist", "logit", None, 20, 3, 0.05), "mnist-logit-all-test20-seed3-lambda0.05"),
        # Pixels have neither dither nor lambda: their settings change nothing.
        (DataName("mnist", "pixels", 60, 20, 3, 0.05), "mnist-pixels-first60-test20"),
    ],
)
def test_only_what_is_unusual_shows_in_the_name(name, text):
    assert str(name) == text


def test_a_variant_that_passes_images_over_is_read_back():
    name = DataName("mnist", "logit", 60, 20, 3, 0.05, after=500)
    assert parse_data(str(name)) == name


@pytest.mark.parametrize(
    "variant",
    [
        "logit",
        "logit-first0",
        "logit-first-1",
        "raw-all",
        "../x",
        "logit-all-test0",
        "logit-after5-all",
        "logit-after0-first5",
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


RUN = Run("deep", "mnist-logit-first1000", 3, "fixed-1", 0)
WEIGHTS = f"results/train/deep/mnist-logit-first1000/k3/fixed-1/seed0/{TRAINED}"


def test_a_run_is_written_as_its_path():
    assert str(RUN) == "deep/mnist-logit-first1000/k3/fixed-1/seed0"


@given(
    st.from_regex(re.compile(MODEL_PATTERN, re.ASCII), fullmatch=True),
    st.from_regex(re.compile(ADDRESS_PATTERN, re.ASCII), fullmatch=True),
    st.integers(1, 783),
    st.integers(0, 10**6),
    positive,
)
def test_run_round_trip(model, address, n_latent, seed, variance):
    noise = str(NoiseName("learned", variance))
    run = Run(model, "mnist-logit-first1000", n_latent, noise, seed)
    for below in ("", f"/{address}/curve.csv", f"/{address}/{address}/metrics.json"):
        assert parse_run(f"results/train/{run}{below}") == run
        assert parse_run(f"/somewhere/else/results/train/{run}{below}") == run


@pytest.mark.parametrize(
    "path",
    [
        "results/train/a",
        "results/smoke/figures/x.png",
        "train/a/k1/c/1",
        "results/train/a/mnist-logit-all/k1/fixed-1",
        "results/train/A/mnist-logit-all/k1/fixed-1/seed0",
        "results/train/a..b/mnist-logit-all/k1/fixed-1/seed0",
        "results/train/a/mnist-logit-all/1/fixed-1/seed0",
        "results/train/a/mnist-logit-all/k1/fixed-1/0",
        # As runs lay before, with a hash of the model beside its name.
        "results/train/a/0123abcd/mnist-logit-all/k1/fixed-1/seed0",
    ],
)
def test_other_paths_are_no_runs(path):
    with pytest.raises(ValueError, match="is not below results/train/"):
        parse_run(path)


@pytest.mark.parametrize(
    ("path", "file"),
    [
        (f"{WEIGHTS}/model.safetensors", Product("model.safetensors", run=RUN)),
        (f"{WEIGHTS}/{MEASURED}/metrics.json", Product("metrics.json", run=RUN)),
        (
            f"{WEIGHTS}/{MEASURED}/graft-certificate-6250/{MEASURED}/graft.json",
            Product("graft.json", run=RUN, variant="certificate-6250"),
        ),
        (
            f"{WEIGHTS}/{MEASURED}/graft-iwae-8-1000-0.1/{MEASURED}/likelihood.json",
            Product("likelihood.json", run=RUN, variant="iwae-8-1000-0.1"),
        ),
        (
            "results/spectrum/mnist-logit-all/0123456789ab/spectrum.npz",
            Product("spectrum.npz", data="mnist-logit-all"),
        ),
        (
            "results/ppca/mnist-logit-all/at50/0123456789ab/maxima.csv",
            Product("maxima.csv", data="mnist-logit-all", variant="at50"),
        ),
        ("results/data/mnist/0123456789ab/images.npz", Product("images.npz", data="mnist")),
        ("results/report/claims/0123456789ab/claims.json", Product("claims.json")),
        ("results/report/figures/fig1/0123456789ab/fig1.png", Product("fig1.png")),
    ],
)
def test_a_path_says_what_the_file_is(path, file):
    assert product_of(path) == file


@given(
    st.from_regex(re.compile(MODEL_PATTERN, re.ASCII), fullmatch=True)
    | st.sampled_from(["train", "graft-all-3", TRAINED]),
    st.from_regex(re.compile(ADDRESS_PATTERN, re.ASCII), fullmatch=True),
)
def test_no_address_and_no_name_of_a_model_hides_what_a_file_is(model, address):
    run = Run(model, "mnist-pixels-all", 3, "fixed-1", 0)
    folder = f"results/train/{run}/{address}"
    assert product_of(f"{folder}/curve.csv") == Product("curve.csv", run=run)
    arm = f"{folder}/{address}/graft-none-4/{address}/curve.csv"
    assert product_of(arm) == Product("curve.csv", run=run, variant="none-4")
    table = product_of(f"results/restarts/{run.data}/{address}/restarts.csv")
    assert table == Product("restarts.csv", data=run.data)


def test_made_up_results_of_these_tests_lie_as_those_of_a_study_do():
    def without_addresses(path):
        return re.sub(rf"/{ADDRESS_PATTERN}(?=/)", "/", path)

    config = configuration(ROOT, "tests/workflow/tiny.yaml")
    plan = plan_study(config, Workflow.beside(ROOT, keep=False))
    jobs = [job for address, job in plan.jobs.items() if address != plan.final]
    outputs = [path for job in jobs for path in job.outputs.values()]
    outputs = [path for path in outputs if not path.endswith("/made.json")]
    assert len({path.split("/")[1] for path in outputs}) == 8
    for path in outputs:
        file = product_of(path)
        assert without_addresses(path_of(file)) == without_addresses(path)
        assert product_of(path_of(file)) == file
