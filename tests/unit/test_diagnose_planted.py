"""Verdict, gain and numbers of the diagnosis where closed forms know them."""

import json
import math
import sys

import numpy as np
import pytest
import torch
from enlarged import enlarged
from scipy.stats import multivariate_normal

from linvae.bypass.certificate import certificate
from linvae.diagnose import diagnose, stages
from linvae.evaluation.deep_run import residual_metrics
from linvae.linear import ppca
from linvae.linear.elbo import linear_bound
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import collapse_percent
from linvae.measure.gaussian import measure
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training.loop import fit
from linvae.training.models import build

N, D, K, NOISE = 1200, 16, 8, 1.0
VARIANCES = np.array([12, 8, 5, 3, 2, *[0.3] * 11])


def drawn(seed, n=N):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(D, D)))[0]
    own = np.random.default_rng(seed)
    return own.normal(size=(n, D)) * np.sqrt(VARIANCES) @ axes + 2


DATA = drawn(1)
SPECTRUM = Spectrum.from_data(DATA)
LAMBDA = SPECTRUM.eigenvalues


def linear_vae(removed=(), noise=NOISE, k=K, kept=0.0):
    """The optimum of the linear VAE in NumPy, of some columns only a share left."""
    found = ppca.fit(SPECTRUM, k, noise)
    weights = found.weights.copy()
    weights[:, list(removed)] *= kept
    m = weights.T @ weights + noise * np.eye(k)
    matrix, log_variance = np.linalg.solve(m, weights.T), np.log(noise / np.diag(m))
    return (
        lambda x: ((x - found.mean) @ matrix.T, np.tile(log_variance, (len(x), 1))),
        lambda z: z @ weights.T + found.mean,
    )


def nats(ratio):
    return 0.5 * (ratio - 1 - math.log(ratio))


def test_of_the_optimum_nothing_is_left():
    found = diagnose(DATA, *linear_vae(), NOISE)
    assert found.kind == "nothing linear left"
    assert "3 of 8 latents are unused" in found.verdict
    # The residual along used axes has sigma^4 / lambda, along others lambda.
    rho = np.sort([*(NOISE**2 / LAMBDA[:5]), *LAMBDA[5:]])[::-1]
    assert found.train.eigenvalues[:11] == pytest.approx(rho[:11], abs=0.04)
    assert found.train.n_used == found.n_linear == 5
    bound = linear_bound(SPECTRUM, K, NOISE)
    assert found.train.linear_elbo == pytest.approx(bound.bound, rel=1e-12)
    assert found.train.elbo == pytest.approx(bound.bound, abs=0.05)
    assert found.gain < 0.05


@pytest.mark.parametrize("removed", [[0], [1, 2], [4], range(8)])
def test_columns_that_are_removed_are_what_is_left(removed):
    found = diagnose(DATA, *linear_vae(removed), NOISE)
    expected = sum(nats(LAMBDA[j] / NOISE) for j in removed if LAMBDA[j] > NOISE)
    assert found.gain == pytest.approx(expected, abs=max(0.08, 3 * found.gain_error))
    assert -found.train.above_linear == pytest.approx(expected, abs=0.08)
    assert found.train.n_used == 5 - len([j for j in removed if j < 5])
    assert found.train.eigenvalues[0] == pytest.approx(LAMBDA[min(removed)], rel=0.02)
    if expected > max(1, 3 * found.gain_error):
        assert found.kind == "failed"
        assert "training, the network's size or its output range failed" in found.verdict
    else:
        assert found.kind == "not decided"


def test_latents_that_are_free_only_nearly_are_cut_and_counted():
    """A tenth of a column is left: its latent is no longer the prior at any epsilon."""
    functions = linear_vae([0], kept=0.1)
    found = diagnose(DATA, *functions, NOISE, epsilon=1e-3)
    assert found.train.n_used == 5
    # The linear VAE of these weights, by its marginal likelihood: columns are orthogonal.
    lengths = np.sqrt(np.maximum(LAMBDA[:5] - NOISE, 0)) * [0.1, 1, 1, 1, 1]
    weights = SPECTRUM.eigenvectors[:, :5] * lengths
    covariance = weights @ weights.T + NOISE * np.eye(D)
    elbo = multivariate_normal(SPECTRUM.mean, covariance).logpdf(DATA).mean()
    left = linear_bound(SPECTRUM, K, NOISE).bound - elbo
    assert found.kind == "failed"
    assert found.gain == pytest.approx(left, abs=3 * found.gain_error)


def test_fewer_latents_than_eigenvalues_above_are_too_few():
    found = diagnose(DATA, *linear_vae(k=2), NOISE)
    assert found.kind == "k is too small"
    assert found.train.n_used == 2
    assert found.n_linear == 5
    assert found.train.eigenvalues[0] == pytest.approx(LAMBDA[2], rel=0.02)
    # More latents than features are no error.
    encode, decode = linear_vae()
    many = diagnose(
        DATA,
        lambda x: tuple(np.pad(part, ((0, 0), (0, 12))) for part in encode(x)),
        lambda z: decode(z[:, :K]),
        NOISE,
    )
    assert many.n_latent == 20
    assert many.kind == "nothing linear left"


def test_of_a_mixture_the_residual_is_known():
    """A decoder that knows three of six centres leaves the scatter of the pairs."""
    rng = np.random.default_rng(3)
    own = rng.integers(0, 3, size=3000)
    side = rng.choice([-1.0, 1.0], size=3000)
    centres = 10 * np.eye(6)[:3]
    data = centres[own] + 0.5 * rng.normal(size=(3000, 6))
    data[:, 5] += 3 * side

    def encode(x):
        nearest = np.argmax(x[:, :3], axis=1)
        mean = np.zeros((len(x), 2))
        mean[:, 0] = 30.0 * (nearest - 1)
        return mean, np.tile([-8.0, 0.0], (len(x), 1))

    def decode(z):
        return centres[np.clip(np.round(z[:, 0] / 30), -1, 1).astype(int) + 1]

    noise = 0.5
    found = diagnose(data, encode, decode, noise)
    residual = data - centres[np.argmax(data[:, :3], axis=1)]
    rho = np.linalg.eigvalsh(np.cov(residual.T, bias=True))[::-1]
    assert found.train.eigenvalues == pytest.approx(rho, rel=1e-6)
    shift = residual.mean(0) @ residual.mean(0) / (2 * noise)
    expected = shift + nats(rho[0] / noise)
    assert 6 < rho[0] / noise < 20
    # Of the first latent the KL is far dearer than its part of the linear optimum: it is cut too.
    one = found.gain if found.cut.sum() == 1 else None
    assert found.kind == "failed"
    assert one is None or one == pytest.approx(expected, abs=3 * found.gain_error)
    assert found.gain >= expected - 3 * found.gain_error


def test_above_a_quarter_of_the_squared_diameter_collapse_is_proved():
    data = np.random.default_rng(0).integers(0, 2, size=(300, 20)) * 1.0
    functions = (lambda x: np.zeros((2, len(x), 3)), lambda z: np.tile(data.mean(0), (len(z), 1)))
    found = diagnose(data, lambda x: tuple(functions[0](x)), functions[1], 10.0)
    assert found.kind == "proved"
    assert "sum the squared error over the features instead of averaging it" in found.verdict
    assert "whatever the network" in found.verdict
    assert found.train.n_used == 0
    below = f"below {found.data_eigenvalues[0]:.3g}"
    assert below in found.verdict
    other = diagnose(data, lambda x: tuple(functions[0](x)), functions[1], 6.0)
    assert other.kind == "proved"
    assert "weigh the KL less" in other.verdict
    # Between lambda_1 and there nothing is proved, and nothing linear is left.
    between = diagnose(data, lambda x: tuple(functions[0](x)), functions[1], 2.0)
    assert between.kind == "nothing linear left"
    assert "A nonlinear one is not excluded" in between.verdict
    assert diagnose(data, lambda x: tuple(functions[0](x)), functions[1], 0.1).kind == "failed"


def test_the_tuned_noise_variance_is_named():
    found = diagnose(DATA, *linear_vae(), "tuned")
    assert found.tuned
    assert found.noise_variance == found.train.tuned_noise_variance
    error = np.square(DATA - DATA.mean(0)).sum(1).mean()
    assert found.noise_variance < error / D
    assert any("does not judge an objective" in note for note in found.notes)
    assert found.train.tuned_elbo == pytest.approx(found.train.elbo, rel=1e-12)


def test_held_out_data_are_judged_apart():
    found = diagnose(DATA, *linear_vae([1]), NOISE, held_out=drawn(2, 500))
    linear = ppca.fit(SPECTRUM, K, NOISE).log_likelihood_per_example(drawn(2, 500)).mean()
    assert found.held_out.linear_elbo == pytest.approx(linear, rel=1e-12)
    expected = nats(VARIANCES[1] / NOISE)
    assert found.held_out.gain == pytest.approx(expected, abs=4 * found.held_out.gain_error)
    assert found.held_out.n == 500


def test_bits_per_dimension_count_steps():
    wide = diagnose(DATA, *linear_vae(), NOISE)
    assert wide.train.bits_per_dimension == pytest.approx(-wide.train.elbo / D / math.log(2))
    fine = diagnose(DATA, *linear_vae(), NOISE, step=1 / 256)
    assert fine.train.bits_per_dimension == pytest.approx(wide.train.bits_per_dimension + 8)


@pytest.fixture(scope="module")
def model():
    settings = ModelSettings.model_validate(
        {
            "encoder": {"hidden": [16], "posterior": "amortised"},
            "decoder": {"hidden": [16]},
            "start": {"log_variance": -2.0},
            "training": {
                "objective": "stochastic", "steps": 300, "batch_size": 60, "learning_rate": 0.003,
            },
            "job": {"records": 2},
        }
    )  # fmt: skip
    built = build(settings, SPECTRUM, K, parse_noise("fixed-0.5"), 0)
    fit(built, settings, 0, data=DATA)
    return built.double().eval()


def test_it_is_the_study_s_own_certificate(model):
    """To the last bit: the same functions from the same draws."""
    held_out = drawn(2, 300)
    found = diagnose(DATA, model.encode, model.decode, 0.5, held_out=held_out, seed=3)
    splits, mean_kl = {"train": DATA, "test": held_out}, found.train.mean_kl
    options = {"chosen_on": DATA, "kept": None, "seed": 3, "dtype": torch.float64}
    left = certificate(model.encode, model.decode, splits, mean_kl, 0.5, **options)
    metrics = residual_metrics(left, 0.5)
    assert found.gain == metrics["residual_gain"]
    assert found.gain_error == metrics["residual_gain_error"]
    assert found.train.change == metrics["residual_change"]
    assert found.held_out.gain == metrics["test_residual_gain"]
    assert found.train.eigenvalues[0] / 0.5 == metrics["residual_max"]
    assert found.held_out.eigenvalues[0] / 0.5 == metrics["test_residual_max"]
    assert (found.cut == left.cut).all()
    assert found.gain > 1


def test_the_promised_elbo_is_that_of_the_enlarged_model(model):
    found = diagnose(DATA, model.encode, model.decode, 0.5)
    larger = enlarged(model.encode, model.decode, found.cut, found.bypass, draws=200, seed=7)
    options = {"draws": 40, "seed": 8, "dtype": torch.float64}
    gained = measure(*larger, DATA, **options).elbo(0.5)
    gained -= measure(model.encode, model.decode, DATA, **options).elbo(0.5)
    error = gained.std(ddof=1) / math.sqrt(N)
    assert gained.mean() == pytest.approx(found.gain, abs=max(0.05 * found.gain, 3 * error))


def test_the_collapse_curve_is_exact(model):
    found = diagnose(DATA, model.encode, model.decode, 0.5, epsilon=0.1, delta=0.05)
    with torch.no_grad():
        mean, log_variance = (part.numpy() for part in model.encode(torch.as_tensor(DATA)))
    kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
    at = np.searchsorted(found.train.curve.epsilon, 0.1)
    assert found.train.curve.percent(0.05)[at] == collapse_percent(kl, 0.1, 0.05)
    assert found.train.n_used == K * (1 - collapse_percent(kl, 0.1, 0.05) / 100)
    assert found.train.mean_kl == pytest.approx(kl.mean(0))


def test_it_is_told_drawn_and_written(model):
    found = diagnose(DATA, model.encode, model.decode, 0.5, held_out=drawn(2, 300))
    told = str(found)
    for text in (found.verdict, "held out", f"{found.train.kl:.2f}", "linear theory would use"):
        assert text in told
    page = found._repr_html_()
    assert "<table>" in page
    assert page.count("<svg") == 1
    assert len(found.plot().axes) == 2
    written = json.loads(json.dumps(found.to_dict()))
    assert written["train"]["gain"] == found.gain
    assert written["kind"] == found.kind
    assert found.kind in repr(found)
    assert (LAMBDA > found.noise_variance_for(3).noise_variance).sum() == 3


def test_without_matplotlib_a_notebook_shows_the_rest(model, monkeypatch):
    found = diagnose(DATA, model.encode, model.decode, 0.5)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "linvae.diagnose.drawing", raising=False)
    page = found._repr_html_()
    assert "matplotlib is not installed" in page
    assert "linear bypass gains" in page
    with pytest.raises(ImportError):
        found.plot()


def test_long_work_tells_where_it_is_and_short_work_nothing(model, monkeypatch, capsys):
    diagnose(DATA, model.encode, model.decode, 0.5)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(stages, "_FIRST", 0.0)
    monkeypatch.setattr(stages, "_EVERY", 0.0)
    diagnose(DATA, model.encode, model.decode, 0.5)
    told = capsys.readouterr().err.splitlines()
    assert all(line.startswith("diagnose: ") and line.endswith(" s so far") for line in told)
    for stage in ("looking at data", "measuring the ELBO by 16 draws", "looking for a linear"):
        assert any(stage in line for line in told)
    diagnose(DATA, model.encode, model.decode, 0.5, progress=False)
    assert capsys.readouterr().err == ""


def test_threads_are_those_that_were_asked_for_and_given_back(model):
    before, seen = torch.get_num_threads(), set()

    def decode(z):
        seen.add(torch.get_num_threads())
        return model.decode(z)

    diagnose(DATA, model.encode, decode, 0.5)
    assert seen == {1}
    diagnose(DATA, model.encode, decode, 0.5, threads=2)
    assert seen == {1, 2}
    assert torch.get_num_threads() == before
    with pytest.raises(ValueError, match="threads=0 must be 1 or more"):
        diagnose(DATA, model.encode, decode, 0.5, threads=0)
