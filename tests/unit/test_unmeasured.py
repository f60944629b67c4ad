"""A run that cannot be measured says why, and the rest of the study goes on without it."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from lying import PROVENANCE, TRAINED, path_of, paths_of
from test_claims import (
    SECTIONS,
    _judged,
    _study,
    _write_bounds,
    _write_grafts,
    _write_runs,
    _write_tables,
)
from test_plots_deep import DATA, DEEP_FIGURES, EIGENVALUES, N_TRAIN, RECIPES, made_up, write_run

from linvae.evaluation.deep_run import evaluate_and_save
from linvae.evaluation.graft_run import graft_and_save
from linvae.faults import fault_of, usable, write_fault
from linvae.files import read_arrays, read_json, write_csv, write_json
from linvae.inputs import Inputs
from linvae.linear.spectrum import Spectrum
from linvae.naming import Product
from linvae.noise import parse_noise
from linvae.report.document import claims_text
from linvae.report.summary import summary_text
from linvae.settings.jobs import GraftJob, MeasurementJob
from linvae.settings.model import ModelSettings
from linvae.study.figures import FIGURES
from linvae.tables.table1 import run_table, sigma_table, table_text
from linvae.training.archive import save_model
from linvae.training.models import build

FAULT = "KL on test not finite (3 of 100)"
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def test_only_what_is_not_finite_is_told_with_the_rows_it_concerns():
    kl = np.array([[0.0, 1.0], [np.inf, np.nan], [2.0, np.nan]])
    found = fault_of({"KL": kl, "error": np.ones(3), "noise variance": np.float64(np.nan)})
    assert found == "KL not finite (2 of 3), noise variance not finite"
    assert fault_of({"KL": np.zeros((2, 3)), "noise variance": 1.0}) == ""


def test_metrics_are_given_back_unless_one_is_not_finite():
    metrics = {"elbo": -1.0, "steps": 3, "model": "deep", "used_latents": {"0.1": 2}}
    assert usable(metrics) == metrics
    assert usable(metrics | {"gap": np.inf}) == {"fault": "gap not finite"}


# --- measuring ------------------------------------------------------------------------------------

MODEL = {
    "encoder": {"hidden": [4], "posterior": "amortised"},
    "decoder": {"hidden": [4]},
    "training": {"objective": "stochastic", "steps": 5, "precision": "float64"},
}
ARRAYS = ("kl.npz", "samples.npz", "residual.npz")
MEASUREMENT = {
    "draws": 1,
    "inference_images": 2,
    "importance_draws": 2,
    "epsilon": 0.1,
    "delta": 0.01,
}
RUN = {"model": MODEL, "n_latent": 2, "noise": "learned-1", "seed": 0, "measurement": MEASUREMENT}


def evaluated(folder, change):
    """Files of a made-up run, after a change of its model."""
    rng = np.random.default_rng(0)
    data = {"train": rng.normal(size=(40, 6)), "test": rng.normal(size=(20, 6))}
    spectrum = Spectrum.from_data(data["train"])
    model = build(ModelSettings.model_validate(MODEL), spectrum, 2, parse_noise("learned-1"), 0)
    with torch.no_grad():
        change(model)
    job = MeasurementJob(**RUN, preprocessing="pixels")
    save_model(folder / "model.safetensors", model, job)
    write_csv(folder / "curve.csv", pd.DataFrame({"step": [5]}))
    files = {name: folder / name for name in ("metrics.json", *ARRAYS)}
    evaluate_and_save(
        job, spectrum, data, folder / "model.safetensors", folder / "curve.csv",
        metrics_file=files["metrics.json"], kl_file=files["kl.npz"],
        samples_file=files["samples.npz"], residual_file=files["residual.npz"],
    )  # fmt: skip
    return files


def log_variance(value):
    return lambda model: model.encoder.log_variance[-1].bias.fill_(value)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        # exp(800) is no float64; exp(700) is one, and its square is none.
        (log_variance(800.0), "KL on train not finite (40 of 40)"),
        (log_variance(700.0), "not finite"),
        (lambda model: model.log_noise_variance.fill_(-800.0), "1 / noise variance not finite"),
        (lambda model: model.log_noise_variance.fill_(800.0), "noise variance not finite"),
        (lambda model: model.decoder[-1].bias.fill_(1e200), "squared error on train not finite"),
        (lambda model: model.decoder[-1].bias.fill_(float("nan")), "squared error on test not"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_float64_cannot_hold_is_said_in_the_metrics(tmp_path, change, fault):
    files = evaluated(tmp_path, change)
    told = read_json(files["metrics.json"])
    assert list(told) == ["fault"]
    assert fault in told["fault"]
    for name in ARRAYS:
        assert str(read_arrays(files[name])["fault"]) == told["fault"]


def test_training_on_a_run_that_could_not_be_measured_says_so(tmp_path):
    evaluated(tmp_path, log_variance(800.0))
    rng = np.random.default_rng(0)
    data = {"train": rng.normal(size=(40, 6)), "test": rng.normal(size=(20, 6))}
    graft_and_save(
        GraftJob(**RUN, arm="certificate", updates=3), data,
        tmp_path / "model.safetensors", tmp_path / "residual.npz",
        metrics_file=tmp_path / "graft.json", curve_file=tmp_path / "graft.csv",
    )  # fmt: skip
    assert "KL on train not finite" in read_json(tmp_path / "graft.json")["fault"]
    assert (tmp_path / "graft.csv").exists()


def test_a_very_small_variance_is_no_fault(tmp_path):
    files = evaluated(tmp_path, log_variance(-1640.0))
    # Two latents of 1/2 (m^2 + s - 1 - log s) each, s = exp(-1640) being 0 in float64.
    metrics = read_json(files["metrics.json"])
    means = metrics["kl"] - (1640 - 1)
    assert 0 <= means < 5
    curve = read_arrays(files["kl.npz"])
    assert curve["mean_kl"].shape == (2,)


# --- figures, tables and claims -------------------------------------------------------------------


SPECTRUM = Product("spectrum.npz", data=DATA)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Write made-up runs of two seeds, one of which could not be measured."""
    monkeypatch.chdir(tmp_path)
    found = [
        made_up(model, noise, seed)
        for noise in ("fixed-0.1", "fixed-1", "learned-1")
        for model in ("deep", "annealed")
        for seed in (0, 1)
    ]
    for run in found:
        write_run(run)
    fail(found[0])
    d = len(EIGENVALUES)
    spectrum = Spectrum(np.zeros(d), np.diag(EIGENVALUES), EIGENVALUES, np.eye(d), N_TRAIN)
    spectrum.save(path_of(SPECTRUM))
    write_json(PROVENANCE, {"label": "made up"})
    return found


def files_of(run, names=("metrics.json", *ARRAYS)):
    return paths_of(Product(name, run=run) for name in names)


def fail(run):
    write_fault(FAULT, *files_of(run))


def read_by(figure):
    """Files of its runs that a figure is drawn from."""
    return list(FIGURES[figure].files)


def paths(runs, *names):
    found = [path for run in runs for path in files_of(run, *names)]
    return [*found, path_of(SPECTRUM), PROVENANCE]


def test_readers_leave_it_out_and_name_it(runs):
    inputs = Inputs(paths(runs))
    assert inputs.faults() == {runs[0]: FAULT}
    assert inputs.data_label() == f"made up; left out: deep fixed-0.1 seed 0: {FAULT}"
    for found in (inputs.metrics(), inputs.arrays("kl.npz"), inputs.arrays("samples.npz")):
        assert set(found) == set(runs[1:])
    # Also where the metrics are not among the files.
    alone = Inputs(paths(runs, ["samples.npz"]))
    assert alone.faults() == {runs[0]: FAULT}
    assert not alone.is_empty()
    assert Inputs(paths(runs[:1])).is_empty()
    assert not Inputs(paths([])).is_empty()


def draw(name, files, monkeypatch):
    """Call the program that draws a figure."""
    monkeypatch.syspath_prepend(SCRIPTS)
    section = {key: RECIPES[key] for key in RECIPES if key not in ("epsilon", "delta")}
    settings = {"figure": name, "section": section, "style": {"dpi": 50}}
    settings["measurement"] = {"epsilon": 0.01, "delta": 0.05}
    outputs = [f"{name}.{suffix}" for suffix in ("png", "pdf", "csv")]
    sys.modules.pop("figure", None)
    importlib.import_module("figure").main(settings, files, *outputs)
    return pd.read_csv(f"{name}.csv")


@pytest.mark.parametrize("name", DEEP_FIGURES)
def test_figures_go_on_without_it(runs, monkeypatch, name):
    names = read_by(name)
    whole = [run for run in runs if run != runs[0]]
    found = draw(name, paths(runs, names), monkeypatch)
    with_fault = Path(f"{name}.png").read_bytes()
    pd.testing.assert_frame_equal(found, draw(name, paths(whole, names), monkeypatch))
    # The picture names it.
    assert Path(f"{name}.png").read_bytes() != with_fault


@pytest.mark.parametrize("name", DEEP_FIGURES)
def test_a_figure_of_nothing_but_such_runs_is_drawn(runs, monkeypatch, name):
    for run in runs:
        fail(run)
    names = read_by(name)
    assert draw(name, paths(runs, names), monkeypatch).empty
    assert Path(f"{name}.pdf").stat().st_size > 1000


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A study with every section that a claim is about, and its results."""
    monkeypatch.chdir(tmp_path)
    config = _study(**SECTIONS)
    _write_runs(config, 1e-6)
    _write_tables(config)
    _write_grafts(config, 8.0)
    _write_bounds(config, 1)
    write_json(PROVENANCE, {"label": "made up"})
    return config


def metrics_of(run):
    return path_of(Product("metrics.json", run=run))


def test_claims_go_on_without_any_one_deep_run_and_name_it(config):
    names = config.names()
    before = {claim["id"]: (claim["rows"], claim["numbers"]) for claim in _judged(config)}
    # One of each recipe, and of fixed and learned noise.
    for run in config.study.runs("recipes", names)[::5]:
        path = Path(metrics_of(run))
        content = path.read_bytes()
        write_json(path, {"fault": FAULT})
        judged = _judged(config)
        after = {claim["id"]: (claim["rows"], claim["numbers"]) for claim in judged}
        assert after.keys() == before.keys()
        assert after != before
        inputs = Inputs([*paths_of(config.study.evidence(names)), PROVENANCE])
        text = claims_text(judged, inputs.data_label(), "x")
        assert f"left out: {run.model} {run.noise} seed {run.seed}: {FAULT}" in text
        path.write_bytes(content)


def test_claims_on_runs_that_all_failed_are_inconclusive(config):
    names = config.names()
    for run in config.study.all_runs(names):
        write_json(metrics_of(run), {"fault": FAULT})
    for claim in _judged(config):
        if claim["id"] not in (2, 4, 5, 14):  # those read tables of their own
            assert claim["verdict"] == "inconclusive"
    assert json.dumps(_judged(config))


def test_tables_and_summary_name_it(config):
    names, study = config.names(), config.study
    lost = study.runs("recipes", names)[0]
    write_json(metrics_of(lost), {"fault": FAULT})
    metrics = [metrics_of(run) for run in study.all_runs(names)]
    write_json("claims.json", _judged(config))
    hashes = {"train_sha256": "a", "test_sha256": "b"}
    write_json(PROVENANCE, {"label": "made up", "n_train": 1, "n_test": 1, **hashes})
    inputs = Inputs([*metrics, "claims.json", PROVENANCE])
    told = summary_text(inputs, {"name": "x", "epsilon": 0.3, "pairs": []})
    assert f"- `results/train/{lost}/{TRAINED}`: {FAULT}" in told
    deep = [metrics_of(run) for run in study.runs("recipes", names)]
    table = run_table(Inputs(deep), 0.3)
    assert len(table) == len(deep) - 1
    assert len(sigma_table(table)) > 0
    empty = run_table(Inputs([]), 0.3)
    text = table_text(sigma_table(empty), empty, "made up", 0.3)
    assert "made up" in text
