import json
import re

import pytest
from lying import PROVENANCE, TRAINED, path_of

from linvae.faults import KEY
from linvae.inputs import Inputs
from linvae.naming import Product, Run
from linvae.report.summary import summary_text

LINEAR = {
    "elbo": -12.0,
    "log_likelihood": -11.0,
    "ppca_max": -10.0,
    "gap": 2.0,
    "marginal_gap": 1.5,
    "inference_gap": 0.5,
    "mean_abs_cos": 0.25,
    "noise_variance": 3.0,
}
AUTOENCODER = {
    "reconstruction_error": 9.0,
    "pca_error": 8.0,
    "subspace_distance": 0.125,
    "axis_alignment_distance": 0.75,
    "mean_abs_cos": 0.375,
}
DEEP = {
    "elbo": -20.0,
    "above_linear": -1.0,
    "linear_bound": -19.0,
    "kl": 4.0,
    "used_latents": {"0.03": 4, "0.1": 3, "0.3": 3},
    "linear_bound_active": 4,
    "noise_variance": 1.0,
    "test_elbo": -21.0,
    "test_above_linear": -1.5,
    "test_elbo_optimised": -19.0,
    "test_log_likelihood": -18.0,
}
SETTINGS = {"name": "mine", "epsilon": 0.1}
IMAGES = {
    "label": "made-up images",
    "n_train": 4000,
    "n_test": 1000,
    "files": [],
    "train_sha256": "abc123",
    "test_sha256": "def456",
}


@pytest.fixture
def write(tmp_path):
    def write(path, content):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content))
        return str(file)

    return write


@pytest.fixture
def base(write):
    claims = [
        {
            "id": i,
            "claim": f"Claim text {i}",
            "made_by": "paper",
            "question": {1: 1, 2: 2, 12: 4}[i],
            "shown_in": [],
            "verdict": verdict,
            "sentence": f"Number {i}.",
            "numbers": {},
            "evidence": [],
        }
        for i, verdict in [(1, "supported"), (2, "not supported"), (12, "inconclusive")]
    ]
    return [
        write(path_of(Product("claims.json")), claims),
        write(PROVENANCE, IMAGES),
    ]


def _run(write, model, metrics, seed=0):
    run = Run(model, "mnist-logit-first9", 5, "fixed-1", seed)
    return write(path_of(Product("metrics.json", run=run)), metrics)


def _row(text, model):
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {model} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_provenance_and_verdicts_stand_without_any_run(base):
    text = summary_text(Inputs(base), SETTINGS)
    assert text.startswith("# Summary of the study mine\n")
    assert "**made-up images**, 4,000 training and 1,000 test images" in text
    assert "- training images SHA-256 `abc123`" in text
    assert "- test images SHA-256 `def456`" in text
    first, second, *_, last = text.split("\n## ")[1:]
    assert "Claim 1, **supported**. Number 1." in first
    assert "Claim 2, **not supported**. Number 2." in second
    assert "Claim text 12" in last
    assert "Linear decoders" not in text


def test_every_kind_of_run_has_its_table(write, base):
    runs = [
        _run(write, "linear", LINEAR),
        _run(write, "linear", {**LINEAR, "gap": 4.0}, seed=1),
        _run(write, "autoencoder", AUTOENCODER),
        _run(write, "deep", DEEP),
        _run(write, "long", {**DEEP, "used_latents": {"0.03": 9, "0.1": 3, "0.3": 3}}),
    ]
    text = summary_text(Inputs([*base, *runs]), SETTINGS)
    # Two seeds, and their mean gap.
    assert _row(text, "linear")[4:] == ["2", "-12", "-10", "3.0 ± 1.0", "1.5", "0.5", "0.25", "3"]
    assert _row(text, "autoencoder")[5:] == ["9", "8", "0.125", "0.75", "0.375"]
    deep = ["-20", "-1", "-21", "-1.5", "-19", "-18", "4", "3", "4", "1", "1"]
    assert _row(text, "deep")[5:] == deep
    assert "used latents at epsilon = 0.1" in text


def test_rows_stand_in_the_order_of_numbers(write, base):
    noises = ("fixed-1", "fixed-10", "fixed-3")
    runs = [Run("deep", "mnist-logit-first9", 5, noise, 0) for noise in noises]
    paths = [write(path_of(Product("metrics.json", run=run)), DEEP) for run in runs]
    text = summary_text(Inputs([*base, *paths]), SETTINGS)
    lines = [line.split("|") for line in text.splitlines() if line.startswith("| deep")]
    assert [cells[4].strip() for cells in lines] == ["fixed-1", "fixed-3", "fixed-10"]


def test_runs_that_could_not_be_measured_are_named_by_the_folder_of_their_weights(write, base):
    paths = [_run(write, "deep", DEEP), _run(write, "deep", {KEY: "the ELBO is nan"}, seed=1)]
    text = summary_text(Inputs([*base, *paths]), SETTINGS)
    folder = f"results/train/deep/mnist-logit-first9/k5/fixed-1/seed1/{TRAINED}"
    assert re.search(f"- `[^`]*{folder}`: the ELBO is nan\n", text)
    assert _row(text, "deep")[4] == "1"
