"""Figures of the deep models, on made-up runs in the workflow's layout."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linvae.collapse import SPLITS, CollapseCurve, collapse_percent
from linvae.files import write_arrays, write_csv, write_json
from linvae.inputs import Inputs
from linvae.naming import Run
from linvae.noise import NoiseName
from linvae.plots.style import save
from linvae.spectrum import Spectrum

N_TRAIN, N_TEST, N_LATENT = 200, 100, 20
DATA = "mnist-logit-first200"
VARIANCES = (0.1, 1.0, 10.0)
EIGENVALUES = np.geomspace(20.0, 0.02, 30)
MEASUREMENT = {"epsilon": 0.01, "delta": 0.05, "draws": 2}
COLLAPSE = {
    "model": "deep",
    "data": "logit-first200",
    "n_latent": N_LATENT,
    "noise_variances": VARIANCES,
    "seeds": [0, 1],
    **MEASUREMENT,
}
ANNEALING = {
    "models": ["deep", "annealed"],
    "noise_variances": [0.1, 1.0],
    "seeds": [0, 1],
    **MEASUREMENT,
}
DEEP_FIGURES = [
    ("fig7_collapse_learned", COLLAPSE),
    ("fig8_collapse_fixed", COLLAPSE),
    ("fig11_theory_vs_deep", COLLAPSE),
    ("fig12_samples", COLLAPSE),
    ("fig13_kl_annealing", ANNEALING),
]


def made_up(model: str, noise: str, seed: int) -> Run:
    return Run(model, "0123abcd", DATA, N_LATENT, noise, seed)


def divergences(run: Run, n: int, split: str) -> np.ndarray:
    """Make up divergences of shape (n, k), of which more are small the larger the variance."""
    variance = float(run.noise.split("-")[1])
    rng = np.random.default_rng([run.seed, int(10 * variance), len(run.model), len(split)])
    scale = np.geomspace(1e-5, 5.0, N_LATENT) / variance
    return scale * rng.lognormal(0.0, 1.0, (n, N_LATENT))


def write_run(run: Run) -> None:
    kl = {
        "train": divergences(run, N_TRAIN, "train"),
        "test": divergences(run, N_TEST, "test"),
    }
    curves = {split: CollapseCurve.from_kl(kl[split]).arrays(SPLITS[split]) for split in kl}
    write_arrays(run.file("kl.npz"), **curves["train"], **curves["test"])
    variance = float(run.noise.split("-")[1])
    # Runs at variance 10 are below the bound by 5 or 6 nats, the others above it by 2 or 3.
    above = (-5.0 if variance == 10 else 3.0) - run.seed
    final = variance * (1 + run.seed) if run.noise.startswith("learned") else variance
    percent = collapse_percent(kl["train"], 0.01, 0.05)
    metrics = {
        "elbo": -100.0 + above,
        "linear_bound": -100.0,
        "below_bound": above < 0,
        "noise_variance": final,
        "collapse_percent": {"0.01": percent},
    }
    write_json(run.file("metrics.json"), metrics)
    rng = np.random.default_rng(run.seed)
    names = ("data_pixels", "reconstruction_pixels", "prior_pixels")
    write_arrays(
        run.file("samples.npz"), **{name: rng.random((10, 784)).astype("f4") for name in names}
    )


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inputs:
    """Write runs of both kinds, two seeds and two models, and a spectrum of given eigenvalues."""
    monkeypatch.chdir(tmp_path)
    runs = [
        made_up(model, str(NoiseName(kind, variance)), seed)
        for model, kind in (("deep", "fixed"), ("deep", "learned"), ("annealed", "fixed"))
        for variance in VARIANCES
        for seed in (0, 1)
    ]
    for run in runs:
        write_run(run)
    d = len(EIGENVALUES)
    spectrum = Spectrum(np.zeros(d), np.diag(EIGENVALUES), EIGENVALUES, np.eye(d), N_TRAIN)
    spectrum.save(f"results/spectrum/{DATA}.npz")
    names = ("kl.npz", "metrics.json", "samples.npz")
    files = [run.file(name) for run in runs for name in names]
    return Inputs([*files, f"results/spectrum/{DATA}.npz"])


def of_model(inputs: Inputs, model: str) -> Inputs:
    """Keep what a figure of `study.collapse` gets: one model's runs."""
    return Inputs([p for p in inputs.paths if "train" not in p or f"/{model}." in p])


def figure_table(name: str, section: dict, inputs: Inputs) -> pd.DataFrame:
    if section is ANNEALING:
        given = Inputs([path for path in inputs.paths if "-10/" not in path])
    else:
        given = of_model(inputs, "deep")
    return importlib.import_module(f"linvae.plots.{name}").table(given, section)


@pytest.mark.parametrize(
    ("name", "kind"), [("fig7_collapse_learned", "learned"), ("fig8_collapse_fixed", "fixed")]
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_collapse_curve_is_mean_and_standard_error_over_seeds(inputs, name, kind, split):
    table = figure_table(name, COLLAPSE, inputs)
    n = {"train": N_TRAIN, "test": N_TEST}[split]
    for variance in VARIANCES:
        noise = str(NoiseName(kind, variance))
        rows = table[(table["initial_noise_variance"] == variance) & (table["split"] == split)]
        # Straight from the definition, at every threshold: no more than delta of the data above.
        percents = []
        for seed in (0, 1):
            kl = divergences(made_up("deep", noise, seed), n, split)
            below = (kl[None] < rows["epsilon"].to_numpy()[:, None, None]).mean(axis=1)
            # 0.95 of 200 and of 100 data are whole numbers; 1e-9 is far below one datum.
            percents.append(100 * (below >= 0.95 - 1e-9).mean(axis=1))
        # Sums of a few numbers below 100: round-off only.
        np.testing.assert_allclose(rows["percent_mean"], np.mean(percents, axis=0), atol=1e-10)
        error = np.std(percents, axis=0, ddof=1) / np.sqrt(2)
        np.testing.assert_allclose(rows["percent_error"], error, atol=1e-10)
        assert (rows["n_seeds"] == 2).all()
        assert 0 < error.max()
        assert (rows["below_bound_mean"] == (1 if variance == 10 else 0)).all()


def test_learned_noise_variance_is_told_beside_the_initial_one(inputs):
    table = figure_table("fig7_collapse_learned", COLLAPSE, inputs)
    final = table.groupby("initial_noise_variance")["noise_variance_mean"].unique()
    # Seed 0 stays where it starts and seed 1 ends at twice that.
    assert {key: list(value) for key, value in final.items()} == {v: [1.5 * v] for v in VARIANCES}


def test_theory_counts_eigenvalues_up_to_the_noise_variance(inputs):
    table = figure_table("fig11_theory_vs_deep", COLLAPSE, inputs)
    theory = table[table["series"] == "theory"]
    leading = EIGENVALUES[:N_LATENT]
    for row in theory.itertuples():
        expected = 100 * sum(value <= row.noise_variance_mean for value in leading) / N_LATENT
        assert row.collapse_percent_mean == expected
    # Up to where all are inactive, with a corner at each eigenvalue in between.
    assert theory["collapse_percent_mean"].max() == 100
    assert set(leading[leading > 0.05]) < set(theory["noise_variance_mean"])


def test_deep_runs_stand_at_their_final_noise_variance(inputs):
    table = figure_table("fig11_theory_vs_deep", COLLAPSE, inputs)
    deep = table[table["series"] != "theory"].set_index(["series", "initial_noise_variance"])
    fixed, learned = deep.loc[("fixed", 10.0)], deep.loc[("learned", 1.0)]
    assert fixed["noise_variance_mean"] == 10.0
    assert learned["noise_variance_mean"] == 1.5
    # Of 1 and 2, and of two values 1 apart: sqrt(0.5) / sqrt(2).
    assert learned["noise_variance_error"] == pytest.approx(0.5)
    assert fixed["elbo_above_bound_mean"] == pytest.approx(-5.5)
    assert fixed["elbo_above_bound_error"] == pytest.approx(0.5)
    assert fixed["below_bound_mean"] == 1
    assert learned["below_bound_mean"] == 0
    kl = [divergences(made_up("deep", "fixed-10", s), N_TRAIN, "train") for s in (0, 1)]
    expected = np.mean([collapse_percent(x, 0.01, 0.05) for x in kl])
    assert fixed["collapse_percent_mean"] == pytest.approx(expected)


def test_images_are_grey_values_of_the_fixed_runs(inputs):
    table = figure_table("fig12_samples", COLLAPSE, inputs)
    pixels = table.filter(like="pixel")
    assert pixels.shape[1] == 784
    assert table.groupby("group").size().to_dict() == {
        "data": 8,
        "reconstruction": 8 * len(VARIANCES),
        "prior": 8 * len(VARIANCES),
    }
    assert table.loc[table["group"] == "data", "initial_noise_variance"].isna().all()
    assert set(table["initial_noise_variance"].dropna()) == set(VARIANCES)
    first = np.random.default_rng(0).random((10, 784)).astype("f4")[0]
    # Half a grey value is what rounding may cost.
    np.testing.assert_allclose(pixels.iloc[0], 255 * first, atol=0.5001)


def test_annealing_compares_models_in_the_configured_order(inputs):
    table = figure_table("fig13_kl_annealing", ANNEALING, inputs)
    assert set(table["initial_noise_variance"]) == {0.1, 1.0}
    for _, panel in table.groupby("initial_noise_variance"):
        assert list(panel["model"].unique()) == ["deep", "annealed"]
    row = table[(table["model"] == "annealed") & (table["initial_noise_variance"] == 1)].iloc[0]
    # ELBOs -97 and -98.
    assert (row["elbo_mean"], row["elbo_error"]) == pytest.approx((-97.5, 0.5))


@pytest.mark.parametrize(("name", "section"), DEEP_FIGURES)
def test_drawing_the_written_table_gives_the_same_bytes_twice(inputs, name, section):
    module = importlib.import_module(f"linvae.plots.{name}")
    write_csv("table.csv", figure_table(name, section, inputs))
    for attempt in "ab":
        made = module.draw(pd.read_csv("table.csv"), section, {"dpi": 50, "title": "a title"})
        save(made, [f"{attempt}.png", f"{attempt}.pdf"], "made up")
    for suffix in ("png", "pdf"):
        assert Path(f"a.{suffix}").read_bytes() == Path(f"b.{suffix}").read_bytes()


@pytest.mark.parametrize(("name", "section"), DEEP_FIGURES)
def test_one_seed_has_no_error_and_is_drawn(inputs, name, section):
    module = importlib.import_module(f"linvae.plots.{name}")
    one = Inputs([path for path in inputs.paths if "/seed1/" not in path])
    write_csv("table.csv", figure_table(name, section, one))
    table = pd.read_csv("table.csv")
    assert table.filter(like="_error").isna().all(axis=None)
    save(module.draw(table, section, {"dpi": 50}), ["one.png"], "made up")


def test_runs_below_the_linear_bound_are_marked(inputs):
    module = importlib.import_module("linvae.plots.fig8_collapse_fixed")
    table = figure_table("fig8_collapse_fixed", COLLAPSE, inputs)
    axes = module.draw(table, COLLAPSE, {}).axes[0]
    labels = [line.get_label() for line in axes.get_lines() if line.get_label()[0] != "_"]
    assert labels == ["0.1", "1", "10 †"]


def test_points_below_the_linear_bound_are_open(inputs):
    module = importlib.import_module("linvae.plots.fig11_theory_vs_deep")
    table = figure_table("fig11_theory_vs_deep", COLLAPSE, inputs)
    axes = module.draw(table, COLLAPSE, {}).axes[0]
    is_open = {
        x: line.get_markerfacecolor() == "white"
        for line in axes.get_lines()
        if line.get_marker() == "o"
        for x in line.get_xdata()
    }
    assert is_open == {0.1: False, 1.0: False, 10.0: True}
