"""A bypass grafted on a model: what it computes, and that all of it is trained."""

import numpy as np
import pytest
import torch

from linvae.bypass.cut import residuals
from linvae.bypass.linear_bypass import Bypass, bypass
from linvae.evaluation.graft_run import graft_and_save
from linvae.files import read_json, write_arrays
from linvae.linear.spectrum import Spectrum
from linvae.measure.gaussian import measure
from linvae.settings.arms import ARMS
from linvae.settings.jobs import GraftJob
from linvae.settings.model import ModelSettings
from linvae.settings.run_job import RunJob
from linvae.training.archive import save_model
from linvae.training.deep_job import train_and_save
from linvae.training.graft import GraftedVAE, graft, settings_of_graft
from linvae.training.loop import fit
from linvae.training.models import build

D, K, N, NOISE = 8, 4, 240, 0.2
MODEL = {
    "encoder": {"hidden": [10], "posterior": "amortised"},
    "decoder": {"hidden": [10]},
    "start": {"standardize": True},
    "training": {
        "objective": "stochastic",
        "epochs": 5,
        "batch_size": 40,
        "learning_rate": 0.003,
        "kl_annealing": 0.5,
    },
    "job": {"records": 3},
}
RUN = RunJob(model=MODEL, n_latent=K, noise=f"fixed-{NOISE}", seed=0)
MEASUREMENT = {"draws": 20, "epsilon": 0.1, "delta": 0.01}
CUT = np.array([True, False, True, True])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N + 80, 4)) * [2, 1.5, 1, 0.8] @ rng.normal(size=(4, D)) + 1
    x = x + 0.3 * rng.normal(size=x.shape)
    return {"train": x[:N], "test": x[N:]}


def made_by(model, data, cut=CUT):
    functions = (model.encode, model.decode)
    options = {"n_groups": 16, "seed": 0, "dtype": torch.float64}
    found = residuals(*functions, data["train"], cut, NOISE, **options)
    return bypass(*found.halves, NOISE, int(cut.sum()))


@pytest.fixture(scope="module")
def trained(data):
    settings = ModelSettings.model_validate(MODEL)
    model = build(settings, Spectrum.from_data(data["train"]), K, RUN.noise_model, 0)
    fit(model, settings, 0, data=data["train"])
    return model


def elbo(model, rows):
    found = measure(model.encode, model.decode, rows, draws=40, seed=1, dtype=torch.float64)
    return found.elbo(NOISE).mean()


def test_the_graft_starts_with_what_its_certificate_promised(trained, data):
    made = made_by(trained, data)
    grafted = graft(trained, "certificate", CUT, made, 0)
    functions = (trained.encode, trained.decode)
    options = {"n_groups": 16, "seed": 5, "dtype": torch.float64}
    found = residuals(*functions, data["train"], CUT, NOISE, **options)
    promised = (found.change + made.gains(*found.halves)).mean()
    gained = elbo(grafted, data["train"]) - elbo(trained, data["train"])
    assert promised > 1
    # It encodes the residual at the mean of q, the certificate the mean of the residual.
    assert gained == pytest.approx(promised, rel=0.05)


def test_a_bypass_is_what_it_says_in_data_units(trained, data):
    made = made_by(trained, data)
    grafted = graft(trained, "certificate", CUT, made, 0)
    x = torch.as_tensor(data["train"][:5])
    with torch.no_grad():
        kept = torch.as_tensor(~CUT)
        mean, log_variance = trained.encode(x)
        left = x - trained.decode(mean * kept)
        found, spread = grafted.encode(x)
        m = len(made.variances)
        carriers = np.flatnonzero(CUT)[:m]
        expected = (left - torch.as_tensor(made.shift)) @ torch.as_tensor(made.encoder).T
        torch.testing.assert_close(found[:, carriers], expected)
        torch.testing.assert_close(found[:, kept], mean[:, kept])
        torch.testing.assert_close(spread[:, kept], log_variance[:, kept])
        own = torch.as_tensor(made.posterior_variance)
        torch.testing.assert_close(spread[0, carriers].exp(), own)
        z = torch.zeros(1, K, dtype=torch.float64)
        z[0, carriers[0]] = 1.0
        zero = grafted.decode(torch.zeros_like(z))
        torch.testing.assert_close(
            zero, trained.decode(torch.zeros_like(z)) + torch.as_tensor(made.shift)
        )
        torch.testing.assert_close(grafted.decode(z) - zero, torch.as_tensor(made.weights.T[:1]))


def test_every_part_is_trained(trained, data):
    for arm in ("random", "certificate"):
        grafted = graft(trained, arm, CUT, made_by(trained, data), 0)
        before = {name: value.clone() for name, value in grafted.named_parameters()}
        assert {"weights", "reads", "log_variance", "shift"} < set(before)
        settings = settings_of_graft(ModelSettings.model_validate(MODEL), 6)
        copy = {name: value.clone() for name, value in trained.state_dict().items()}
        fit(grafted, settings, 0, data=data["train"])
        for name, value in grafted.named_parameters():
            assert not torch.equal(value, before[name]), name
        trained.load_state_dict(copy)


def test_a_random_bypass_is_small_and_follows_the_seed(trained, data):
    made = made_by(trained, data)
    one, same, other = (graft(trained, "random", CUT, made, seed) for seed in (0, 0, 1))
    assert torch.equal(one.weights, same.weights)
    assert not torch.equal(one.weights, other.weights)
    assert 0 < one.weights.abs().max() <= 0.1 / 3**0.5
    assert not one.shift.any()
    # Little is lost beside what the cut alone costs.
    zero = [np.zeros(shape) for shape in ((D, 3), (3, D), 3, D)]
    without = GraftedVAE(trained, CUT, *zero)
    assert abs(elbo(without, data["train"]) - elbo(one, data["train"])) < 1


def test_latents_beyond_the_certificates_directions_start_at_random_values(trained):
    none = Bypass(np.empty((D, 0)), np.empty(0), np.ones(D), NOISE)
    grafted = graft(trained, "certificate", CUT, none, 0)
    random = graft(trained, "random", CUT, none, 0)
    assert torch.equal(grafted.weights, random.weights)
    scale = float(trained.units.scale)
    torch.testing.assert_close(grafted.shift.detach(), torch.ones(D).double() / scale)


def test_without_a_cut_nothing_is_grafted(trained, data):
    assert graft(trained, "certificate", ~np.ones(K, bool), made_by(trained, data), 0) is trained
    assert isinstance(graft(trained, "random", CUT, made_by(trained, data), 0), GraftedVAE)


def test_arms_go_on_by_half_a_cosine_with_the_whole_kl():
    training = settings_of_graft(ModelSettings.model_validate(MODEL), 30).training
    assert (training.steps, training.epochs) == (30, None)
    assert (training.schedule, training.kl_annealing) == ("cosine", 0)
    assert training.learning_rate == MODEL["training"]["learning_rate"]


def told(arm, updates):
    return GraftJob(**RUN.identity(), arm=arm, updates=updates, measurement=MEASUREMENT)


@pytest.fixture(scope="module")
def arms(data, tmp_path_factory):
    """Metrics of the three arms of one run, and the ELBO of that run."""
    folder = tmp_path_factory.mktemp("graft")
    spectrum = Spectrum.from_data(data["train"])
    model_file = folder / "model.safetensors"
    train_and_save(RUN, data, model_file, folder / "curve.csv")
    settings = ModelSettings.model_validate(MODEL)
    model = build(settings, spectrum, K, RUN.noise_model, 0)
    fit(model, settings, 0, data=data["train"])
    save_model(model_file, model, RUN)
    made = made_by(model, data)
    names = ("directions", "variances", "shift")
    arrays = {name: getattr(made, name).astype(np.float32) for name in names}
    write_arrays(folder / "residual.npz", cut=CUT, noise_variance=np.array(NOISE), **arrays)
    found = {}
    for arm in ARMS:
        files = {"metrics_file": folder / arm / "graft.json", "curve_file": folder / arm / "c.csv"}
        graft_and_save(told(arm, 240), data, model_file, folder / "residual.npz", **files)
        assert sorted(path.name for path in (folder / arm).iterdir()) == ["c.csv", "graft.json"]
        found[arm] = read_json(files["metrics_file"])
    return found, elbo(model, data["train"])


def test_arms_start_where_they_should_and_end_higher(arms):
    found, before = arms
    starts = {arm: found[arm]["start_elbo"] for arm in ARMS}
    assert starts["none"] == pytest.approx(before, rel=0.01)
    assert starts["certificate"] > starts["none"] > starts["random"]
    for metrics in found.values():
        assert metrics["elbo"] > metrics["start_elbo"]
    assert [found[arm]["grafted"] for arm in ARMS] == [0, 3, 3]
    assert found["none"]["grafted_used"] == 0
    assert 0 < found["certificate"]["grafted_used"] <= found["certificate"]["used"] <= K


def test_an_arm_gives_the_same_again(arms, data, tmp_path):
    model_file = tmp_path / "model.safetensors"
    train_and_save(RUN, data, model_file, tmp_path / "curve.csv")
    write_arrays(
        tmp_path / "residual.npz",
        cut=CUT, noise_variance=np.array(NOISE), directions=np.empty((D, 0)),
        variances=np.empty(0), shift=np.zeros(D),
    )  # fmt: skip
    texts = []
    for name in "ab":
        files = {"metrics_file": tmp_path / name / "g.json", "curve_file": tmp_path / name / "c"}
        graft_and_save(told("none", 12), data, model_file, tmp_path / "residual.npz", **files)
        texts.append(files["metrics_file"].read_text() + files["curve_file"].read_text())
    assert texts[0] == texts[1]
