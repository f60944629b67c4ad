"""The training loop: convergence, resuming to the same bytes, failure."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch

from linvae.linear import elbo, ppca
from linvae.linear.spectrum import Spectrum
from linvae.noise import parse_noise
from linvae.settings.model import ModelSettings
from linvae.training import objectives
from linvae.training.adam import Adam
from linvae.training.checkpoint import Checkpoint, Superseded
from linvae.training.exact import linear_weights
from linvae.training.loop import NonFiniteLossError, fit
from linvae.training.models import build

D, K, N = 6, 2, 50
LINEAR = {"training": {"objective": "analytic", "steps": 40}, "job": {"records": 6}}
DEEP = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "training": {"objective": "stochastic", "epochs": 6, "precision": "float32"},
    "job": {"records": 6},
}


torch.set_num_threads(1)  # more only wait for one another on such small networks


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, K)) @ rng.normal(size=(K, D)) * 2 + rng.normal(size=(N, D))


def settings_of(base, job=(), **training):
    return ModelSettings.model_validate(
        {
            **base,
            "training": {**base["training"], **training},
            "job": {**base["job"], **dict(job)},
        }
    )


def train(settings, data, noise="learned-1", checkpoint=None, measure=None):
    spectrum = Spectrum.from_data(data)
    model = build(settings, spectrum, K, parse_noise(noise), 0)
    source = {"data": data} if settings.needs_data else {"covariance": spectrum.covariance}
    curve = fit(model, settings, 0, **source, checkpoint=checkpoint, measure=measure)
    return model, curve


def test_analytic_training_reaches_the_maximum_of_ppca(data):
    settings = settings_of(LINEAR, steps=3000, learning_rate=0.02, schedule="cosine")
    model, curve = train(settings, data)
    best = ppca.max_log_likelihood(Spectrum.from_data(data), K)
    # Cosine to zero: the last steps settle it; a misplaced term would cost far more.
    assert curve["elbo_estimate"].iloc[-1] == pytest.approx(best, abs=0.01)
    w = linear_weights(model)
    exact = elbo.analytic(
        w.weights, w.encoder, w.posterior_variance, w.noise_variance, Spectrum.from_data(data)
    )
    assert exact <= best + 1e-9


def test_a_deep_linear_encoder_has_the_same_maximum_and_long_training_approaches_it(data):
    encoder = {"hidden": [8, 5], "activation": "identity"}
    settings = settings_of(
        LINEAR | {"encoder": encoder}, steps=2500, learning_rate=0.01, schedule="cosine"
    )
    model, _ = train(settings, data)
    w = linear_weights(model)
    spectrum = Spectrum.from_data(data)
    exact = elbo.analytic(w.weights, w.encoder, w.posterior_variance, w.noise_variance, spectrum)
    best = ppca.max_log_likelihood(spectrum, K)
    # What is left is the slow rotation to the principal axes; total collapse costs over a nat.
    assert best - 0.01 < exact <= best + 1e-9


def test_stochastic_training_of_a_linear_model_approaches_the_same_maximum(data):
    settings = settings_of(
        LINEAR, objective="stochastic", steps=None, epochs=400, batch_size=10, learning_rate=0.02,
        schedule="cosine", samples=2,
    )  # fmt: skip
    model, _ = train(settings, data)
    w = linear_weights(model)
    exact = elbo.analytic(
        w.weights, w.encoder, w.posterior_variance, w.noise_variance, Spectrum.from_data(data)
    )
    best = ppca.max_log_likelihood(Spectrum.from_data(data), K)
    # Noise of the gradients keeps it a little below; the total collapse is over 1 nat below.
    assert best - 0.1 < exact <= best + 1e-9


def test_noise_learning_rate_moves_the_noise_variance_alone(data):
    slow, _ = train(settings_of(DEEP, learning_rate=1e-4), data)
    fast, _ = train(settings_of(DEEP, learning_rate=1e-4, noise_learning_rate=0.1), data)
    # Adam's step is about its rate, so 6 steps of 0.1 against 6 of 0.0001.
    assert abs(slow.log_noise_variance.item()) < 0.001
    assert abs(fast.log_noise_variance.item()) > 0.1
    moved = (fast.decoder[0].weight - slow.decoder[0].weight).abs().max().item()
    assert moved < 0.002


def state_and_curve(model, curve):
    parts = [value.numpy().tobytes() for value in model.state_dict().values()]
    return b"".join(parts), curve.to_csv()


class Killed(Exception):
    pass


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (LINEAR, {}),
        (LINEAR, {"objective": "stochastic"}),
        (DEEP, {"batch_size": 16, "kl_annealing": 0.5, "warmup_steps": 3, "schedule": "cosine"}),
        (DEEP, {"noise_learning_rate": 0.05, "samples": 2}),
    ],
)
def test_resumed_training_ends_with_the_bytes_of_an_uninterrupted_one(
    data, tmp_path, base, changes
):
    settings = settings_of(base, **changes)
    expected = state_and_curve(*train(settings, data))
    path = tmp_path / "checkpoint.safetensors"
    stops = [1, 1, 2]  # saves survived by each of three processes before they are killed
    for stop in stops:
        with pytest.raises(Killed):
            train(settings, data, checkpoint=DyingCheckpoint(path, "same", stop))
    resumed = Checkpoint(path, "same", seconds=0)
    assert resumed.load()[1] > 0
    assert state_and_curve(*train(settings, data, checkpoint=resumed)) == expected


class DyingCheckpoint(Checkpoint):
    def __init__(self, path, specification, saves):
        super().__init__(path, specification, seconds=0)
        self.saves = saves

    def save(self, tensors, step, curve):
        super().save(tensors, step, curve)
        self.saves -= 1
        if self.saves == 0:
            raise Killed


def test_measured_columns_survive_a_resume(data, tmp_path):
    settings = settings_of(LINEAR)
    path = tmp_path / "checkpoint.safetensors"

    def measure(model):
        return {"norm": model.decoder_matrix().norm().item()}

    _, expected = train(settings, data, measure=measure)
    with pytest.raises(Killed):
        train(settings, data, checkpoint=DyingCheckpoint(path, "same", 20), measure=measure)
    partial = pd.read_csv(path.with_name("curve.partial.csv"))
    pd.testing.assert_frame_equal(partial, expected[: len(partial)])
    assert 1 < len(partial) < len(expected)
    _, curve = train(
        settings, data, checkpoint=Checkpoint(path, "same", seconds=0), measure=measure
    )
    assert curve.to_csv() == expected.to_csv()
    assert "norm" in curve


def test_checkpoint_of_other_settings_is_not_used(data, tmp_path):
    settings = settings_of(DEEP)
    expected = state_and_curve(*train(settings, data))
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        train(settings_of(DEEP, learning_rate=0.1), data,
              checkpoint=DyingCheckpoint(path, "other", 2))  # fmt: skip
    assert (
        state_and_curve(*train(settings, data, checkpoint=Checkpoint(path, "own", seconds=0)))
        == expected
    )


def test_an_orphan_stops_when_another_process_takes_over(data, tmp_path):
    settings = settings_of(DEEP)
    path = tmp_path / "checkpoint.safetensors"
    orphan = Checkpoint(path, "same", seconds=0)
    Checkpoint(path, "same")
    with pytest.raises(Superseded, match="taken over"):
        train(settings, data, checkpoint=orphan)
    assert not path.exists()


def test_non_finite_loss_names_step_last_value_and_cure(data):
    with pytest.raises(
        NonFiniteLossError, match=r"at step \d+ of 6000 .*learning_rate .now 1000"
    ) as e:
        train(settings_of(DEEP, learning_rate=1000, epochs=6000), data, noise="fixed-1")
    assert "last finite value seen: nan" not in str(e.value)


def test_bfloat16_trains_near_float32(data):
    found = {}
    for precision in ("float32", "bfloat16"):
        model, curve = train(settings_of(DEEP, precision=precision, epochs=60), data)
        found[precision] = curve["elbo_estimate"].iloc[-1]
        assert model.decoder[0].weight.dtype == torch.float32
    # bfloat16 has 8 bits: about 1 % of an ELBO of some 20 nats; but it is not the same number.
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.03)
    assert found["bfloat16"] != found["float32"]


def first_gradients(data, monkeypatch, **training):
    """Gradients of the first step, by the parameter's name."""
    seen = {}

    def step(self, learning_rate):
        for group in self.groups:
            seen.update({id(p): p.grad.clone() for p in group.parameters})

    with monkeypatch.context() as patch:
        patch.setattr(Adam, "step", step)
        model, _ = train(settings_of(DEEP, epochs=1, **training), data, noise="learned-4")
    return {name: seen[id(parameter)] for name, parameter in model.named_parameters()}


def test_scaling_by_noise_multiplies_the_weights_gradients_alone(data, monkeypatch):
    plain = first_gradients(data, monkeypatch)
    scaled = first_gradients(data, monkeypatch, scale_by_noise=True)
    for name, gradient in plain.items():
        factor = 1 if name == "log_noise_variance" else 4
        torch.testing.assert_close(scaled[name], factor * gradient)


@pytest.mark.parametrize("start", ["0.001", "0.1", "1000"])
def test_a_learned_noise_variance_ends_at_its_tuned_value_wherever_it_starts(data, start):
    rates = {"learning_rate": 0.01, "noise_learning_rate": 0.3, "schedule": "cosine"}
    settings = settings_of(
        DEEP, {"records": 60}, epochs=600, samples=4, scale_by_noise=True, **rates
    )
    _, curve = train(settings, data, noise=f"learned-{start}")
    end = curve.iloc[-1]
    # The ELBO's maximum over sigma^2 is E_q ||x - f(z)||^2 / d.
    assert end["noise_variance"] == pytest.approx(end["reconstruction"] / D, rel=0.02)


def test_batches_of_an_epoch_hold_every_datum_once(data, monkeypatch):
    seen = []
    original = objectives.sampled_terms

    def spy(model, y, noise):
        seen.append(y.clone())
        return original(model, y, noise)

    monkeypatch.setattr(objectives, "sampled_terms", spy)
    model, _ = train(settings_of(DEEP, batch_size=16, epochs=1), data)
    rows = torch.cat(seen)
    assert [len(batch) for batch in seen] == [16, 16, 16, 2]
    expected = model.units.inward(torch.as_tensor(data, dtype=torch.float32))
    torch.testing.assert_close(rows.sort(0).values, expected.sort(0).values)


def test_learning_rate_and_source_are_required(data):
    settings = settings_of(DEEP)
    model = build(settings, Spectrum.from_data(data), K, parse_noise("fixed-1"), 0)
    with pytest.raises(ValueError, match="give either covariance"):
        fit(model, settings, 0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_auto_uses_the_cpu_and_cuda_is_an_error(data):
    assert state_and_curve(
        *train(settings_of(DEEP, job={"device": "auto"}), data)
    ) == state_and_curve(*train(settings_of(DEEP, job={"device": "cpu"}), data))
    with pytest.raises(ValueError, match=r"job\.device is cuda, but torch sees no GPU; set"):
        train(settings_of(DEEP, job={"device": "cuda"}), data)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_training_ends_near_the_cpu(data):
    curves = [train(settings_of(DEEP, {"device": d}, epochs=200), data)[1] for d in ("cpu", "cuda")]
    ends = [curve["elbo_estimate"].iloc[-1] for curve in curves]
    assert ends[1] == pytest.approx(ends[0], abs=0.5)


def test_progress_is_logged(data, caplog):
    with caplog.at_level(logging.INFO):
        train(settings_of(DEEP), data)
    assert "step 6 of 6 (epoch 6)" in caplog.text
    assert "images/s" in caplog.text
