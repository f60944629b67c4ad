"""A run trained on by either bound: from the same weights, and to the same bytes again."""

import numpy as np
import pytest

from linvae.evaluation.likelihood_run import train_on_and_save
from linvae.files import read_json, write_json
from linvae.inputs import read_table
from linvae.settings.likelihood_job import BOUNDS, LikelihoodJob
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training.deep_job import train_and_save
from linvae.training.graft import settings_of_graft

D, K, N, NOISE = 8, 3, 240, 0.3
MODEL = {
    "encoder": {"hidden": [10], "posterior": "amortised"},
    "decoder": {"hidden": [10]},
    "start": {"standardize": True},
    "training": {
        "objective": "stochastic",
        "epochs": 20,
        "batch_size": 40,
        "learning_rate": 0.01,
        "kl_annealing": 0.5,
    },
    "job": {"records": 40},
}
RUN = RunJob(model=MODEL, n_latent=K, noise=f"fixed-{NOISE}", seed=0)
MEASUREMENT = {"draws": 5, "epsilon": 0.1, "delta": 0.01}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N + 80, 3)) * [2, 1.5, 1] @ rng.normal(size=(3, D)) + 1
    x = x + 0.3 * rng.normal(size=x.shape)
    return {"train": x[:N], "test": x[N:]}


def told(bound, updates, draws=5):
    more = {"bound": bound, "updates": updates, "draws": draws, "rate": 0.5}
    return LikelihoodJob(**RUN.identity(), **more, measurement=MEASUREMENT)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Weights and metrics of a finished run."""
    folder = tmp_path_factory.mktemp("run")
    train_and_save(RUN, data, folder / "model.safetensors", folder / "curve.csv")
    write_json(folder / "metrics.json", {"elbo": -1.0})
    return folder / "model.safetensors", folder / "metrics.json"


def trained_on(job, data, run, folder):
    files = {"metrics_file": folder / "likelihood.json", "curve_file": folder / "curve.csv"}
    train_on_and_save(job, data, *run, **files)
    assert sorted(path.name for path in folder.iterdir()) == ["curve.csv", "likelihood.json"]
    return read_json(files["metrics_file"]), read_table(files["curve_file"])


@pytest.fixture(scope="module")
def ways(data, run, tmp_path_factory):
    """Metrics and curve by either bound."""
    found = {}
    for bound in BOUNDS:
        folder = tmp_path_factory.mktemp(bound)
        found[bound] = trained_on(told(bound, 120), data, run, folder)
    return found


def test_both_start_from_the_same_weights_and_part(ways):
    (elbo, elbo_curve), (iwae, iwae_curve) = ways["elbo"], ways["iwae"]
    started = {name for name in elbo if "start_" in name}
    assert started == {"start_elbo", "start_iwae", "test_start_elbo", "test_start_iwae"}
    assert {name: elbo[name] for name in started} == {name: iwae[name] for name in started}
    looked = ["subset_elbo", "test_elbo", "used_latents"]
    assert elbo_curve[looked].iloc[0].equals(iwae_curve[looked].iloc[0])
    assert elbo["elbo"] != iwae["elbo"]


def test_each_maximises_its_own_bound(ways):
    (elbo, elbo_curve), (iwae, iwae_curve) = ways["elbo"], ways["iwae"]
    assert elbo["elbo"] > elbo["start_elbo"]
    assert iwae["iwae"] > iwae["start_iwae"]
    # What the curve calls its estimate is the bound: of the last steps it is that of a few batches,
    # whose images scatter by some nats.
    assert iwae_curve["elbo_estimate"].iloc[-1] == pytest.approx(iwae["iwae"], abs=1)
    assert elbo_curve["elbo_estimate"].iloc[-1] == pytest.approx(elbo["elbo"], abs=1)


def test_measures_of_either_split_fit_together(ways):
    for metrics, _ in ways.values():
        assert metrics["noise_variance"] == NOISE
        assert (metrics["optimised_images"], metrics["test_optimised_images"]) == (100, 80)
        for prefix in ("", "test_"):
            # More draws, a larger bound.
            assert metrics[f"{prefix}iwae"] > metrics[f"{prefix}elbo"]
            mean_kl = metrics[f"{prefix}decoder_mean_kl"]
            assert mean_kl == sorted(mean_kl, reverse=True)
            assert len(mean_kl) == K
            assert sum(mean_kl) == pytest.approx(metrics[f"{prefix}decoder_kl"])
            assert 0 < metrics[f"{prefix}decoder_used"] <= K
            assert 0 < metrics[f"{prefix}used"] <= K


@pytest.mark.parametrize("bound", BOUNDS)
def test_the_same_job_gives_the_same_bytes(bound, data, run, tmp_path):
    texts = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        trained_on(told(bound, 6, draws=2), data, run, folder)
        texts.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert texts[0] == texts[1]


def test_a_run_that_could_not_be_measured_is_not_trained_on(data, run, tmp_path):
    write_json(tmp_path / "metrics.json", {"fault": "KL on train not finite (3 of 60)"})
    files = {"metrics_file": tmp_path / "l.json", "curve_file": tmp_path / "l.csv"}
    train_on_and_save(told("iwae", 6), data, run[0], tmp_path / "metrics.json", **files)
    assert read_json(files["metrics_file"]) == {"fault": "KL on train not finite (3 of 60)"}
    assert list(read_table(files["curve_file"]).columns) == ["step"]


def test_the_share_is_of_every_rate():
    def rates(**training):
        told = ModelSettings.model_validate(
            MODEL | {"training": MODEL["training"] | {"learning_rate": 0.02, **training}}
        )
        found = settings_of_graft(told, 30, 0.5).training
        assert (found.steps, found.epochs, found.schedule) == (30, None, "cosine")
        return found.learning_rate, found.adam_learning_rate

    assert rates() == (0.01, None)
    assert rates(optimizer="muon") == (0.01, 0.0005)
    assert rates(optimizer="muon", adam_learning_rate=0.004) == (0.01, 0.002)
