"""The training loop: schedules, convergence, resuming to the same bytes, failure."""

import logging

import numpy as np
import pytest
import torch
from linvae.training.schedule import epoch_length, kl_weight, learning_rate, record_steps

from linvae import elbo, ppca
from linvae.noise import parse_noise
from linvae.settings.model import ModelSpec, Training
from linvae.spectrum import Spectrum
from linvae.training import objectives
from linvae.training.checkpoint import Checkpoint, Superseded
from linvae.training.job import linear_weights
from linvae.training.loop import NonFiniteLossError, fit
from linvae.training.models import build
from linvae.training.optimizer import Adam

D, K, N = 6, 2, 50
LINEAR = {"training": {"objective": "analytic", "steps": 40, "records": 6}}
DEEP = {
    "encoder": {"hidden": [8, 6], "posterior": "amortised"},
    "decoder": {"hidden": [6, 8]},
    "training": {"objective": "stochastic", "epochs": 6, "records": 6, "precision": "float32"},
}


torch.set_num_threads(1)  # more only wait for one another on such small networks


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, K)) @ rng.normal(size=(K, D)) * 2 + rng.normal(size=(N, D))


def spec_of(settings, **training):
    return ModelSpec.model_validate({**settings, "training": {**settings["training"], **training}})


def train(spec, data, noise="learned-1", checkpoint=None, measure=None):
    spectrum = Spectrum.from_data(data)
    model = build(spec, spectrum, K, parse_noise(noise), 0)
    source = {"data": data} if spec.needs_data else {"covariance": spectrum.covariance}
    curve = fit(model, spec.training, 0, **source, checkpoint=checkpoint, measure=measure)
    return model, curve


def test_warm_up_rises_to_the_rate_and_cosine_falls_to_zero():
    training = Training(
        objective="analytic", steps=100, learning_rate=0.5, warmup_steps=4, schedule="cosine"
    )
    rates = [learning_rate(step, 100, training) for step in range(101)]
    np.testing.assert_allclose(rates[:5], [0.1, 0.2, 0.3, 0.4, 0.5])
    assert rates[52] == pytest.approx(0.25)  # the middle of the cosine
    assert rates[100] == pytest.approx(0)
    assert (np.diff(rates[4:]) < 0).all()


def test_constant_rate_stays():
    training = Training(objective="analytic", steps=10, learning_rate=0.5)
    assert {learning_rate(step, 10, training) for step in range(10)} == {0.5}


def test_kl_weight_rises_linearly_over_the_annealed_share():
    training = Training(objective="stochastic", epochs=1, kl_annealing=0.4)
    weights = [kl_weight(step, 10, training) for step in range(10)]
    np.testing.assert_allclose(weights, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1])
    assert kl_weight(0, 10, Training(objective="stochastic", epochs=1)) == 1


def test_curve_is_recorded_at_start_and_end():
    steps = record_steps(1000, 20)
    assert (steps[0], steps[-1]) == (0, 1000)
    assert len(steps) <= 21
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(("batch", "steps"), [(None, 1), (10, 5), (16, 4), (99, 1)])
def test_an_epoch_sees_every_datum(batch, steps):
    assert epoch_length(Training(objective="stochastic", epochs=1, batch_size=batch), N) == steps


def test_analytic_training_reaches_the_maximum_of_ppca(data):
    spec = spec_of(LINEAR, steps=3000, learning_rate=0.02, schedule="cosine")
    model, curve = train(spec, data)
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
    spec = spec_of(LINEAR | {"encoder": encoder}, steps=2500, learning_rate=0.01, schedule="cosine")
    model, _ = train(spec, data)
    w = linear_weights(model)
    spectrum = Spectrum.from_data(data)
    exact = elbo.analytic(w.weights, w.encoder, w.posterior_variance, w.noise_variance, spectrum)
    best = ppca.max_log_likelihood(spectrum, K)
    # What is left is the slow rotation to the principal axes; total collapse costs over a nat.
    assert best - 0.01 < exact <= best + 1e-9


def test_stochastic_training_of_a_linear_model_approaches_the_same_maximum(data):
    spec = spec_of(
        LINEAR, objective="stochastic", steps=None, epochs=400, batch_size=10, learning_rate=0.02,
        schedule="cosine", samples=2,
    )  # fmt: skip
    model, _ = train(spec, data)
    w = linear_weights(model)
    exact = elbo.analytic(
        w.weights, w.encoder, w.posterior_variance, w.noise_variance, Spectrum.from_data(data)
    )
    best = ppca.max_log_likelihood(Spectrum.from_data(data), K)
    # Noise of the gradients keeps it a little below; the total collapse is over 1 nat below.
    assert best - 0.1 < exact <= best + 1e-9


def test_noise_learning_rate_moves_the_noise_variance_alone(data):
    slow, _ = train(spec_of(DEEP, learning_rate=1e-4), data)
    fast, _ = train(spec_of(DEEP, learning_rate=1e-4, noise_learning_rate=0.1), data)
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
    ("settings", "changes"),
    [
        (LINEAR, {}),
        (LINEAR, {"objective": "stochastic"}),
        (DEEP, {"batch_size": 16, "kl_annealing": 0.5, "warmup_steps": 3, "schedule": "cosine"}),
        (DEEP, {"noise_learning_rate": 0.05, "samples": 2}),
    ],
)
def test_resumed_training_ends_with_the_bytes_of_an_uninterrupted_one(
    data, tmp_path, settings, changes
):
    spec = spec_of(settings, checkpoint_seconds=0, **changes)
    expected = state_and_curve(*train(spec, data))
    path = tmp_path / "checkpoint.safetensors"
    stops = [1, 1, 2]  # saves survived by each of three processes before they are killed
    for stop in stops:
        with pytest.raises(Killed):
            train(spec, data, checkpoint=DyingCheckpoint(path, "same", stop))
    resumed = Checkpoint(path, "same")
    assert resumed.load()[1] > 0
    assert state_and_curve(*train(spec, data, checkpoint=resumed)) == expected


class DyingCheckpoint(Checkpoint):
    def __init__(self, path, specification, saves):
        super().__init__(path, specification)
        self.saves = saves

    def save(self, tensors, step):
        super().save(tensors, step)
        self.saves -= 1
        if self.saves == 0:
            raise Killed


def test_measured_columns_survive_a_resume(data, tmp_path):
    spec = spec_of(LINEAR, checkpoint_seconds=0)
    path = tmp_path / "checkpoint.safetensors"

    def measure(model):
        return {"norm": model.decoder_matrix().norm().item()}

    _, expected = train(spec, data, measure=measure)
    with pytest.raises(Killed):
        train(spec, data, checkpoint=DyingCheckpoint(path, "same", 20), measure=measure)
    _, curve = train(spec, data, checkpoint=Checkpoint(path, "same"), measure=measure)
    assert curve.to_csv() == expected.to_csv()
    assert "norm" in curve


def test_checkpoint_of_other_settings_is_not_used(data, tmp_path):
    spec = spec_of(DEEP, checkpoint_seconds=0)
    expected = state_and_curve(*train(spec, data))
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Killed):
        train(spec_of(DEEP, checkpoint_seconds=0, learning_rate=0.1), data,
              checkpoint=DyingCheckpoint(path, "other", 2))  # fmt: skip
    assert state_and_curve(*train(spec, data, checkpoint=Checkpoint(path, "own"))) == expected


def test_an_orphan_stops_when_another_process_takes_over(data, tmp_path):
    spec = spec_of(DEEP, checkpoint_seconds=0)
    path = tmp_path / "checkpoint.safetensors"
    orphan = Checkpoint(path, "same")
    Checkpoint(path, "same")
    with pytest.raises(Superseded, match="taken over"):
        train(spec, data, checkpoint=orphan)
    assert not path.exists()


def test_non_finite_loss_names_step_last_value_and_cure(data):
    with pytest.raises(
        NonFiniteLossError, match=r"at step \d+ of 6000 .*learning_rate .now 1000"
    ) as e:
        train(spec_of(DEEP, learning_rate=1000, epochs=6000), data, noise="fixed-1")
    assert "last finite value seen: nan" not in str(e.value)


def test_bfloat16_trains_near_float32(data):
    found = {}
    for precision in ("float32", "bfloat16"):
        model, curve = train(spec_of(DEEP, precision=precision, epochs=60), data)
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
        model, _ = train(spec_of(DEEP, epochs=1, **training), data, noise="learned-4")
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
    settings = spec_of(DEEP, epochs=600, records=60, samples=4, scale_by_noise=True, **rates)
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
    model, _ = train(spec_of(DEEP, batch_size=16, epochs=1), data)
    rows = torch.cat(seen)
    assert [len(batch) for batch in seen] == [16, 16, 16, 2]
    expected = model.units.inward(torch.as_tensor(data, dtype=torch.float32))
    torch.testing.assert_close(rows.sort(0).values, expected.sort(0).values)


def test_learning_rate_and_source_are_required(data):
    spec = spec_of(DEEP)
    model = build(spec, Spectrum.from_data(data), K, parse_noise("fixed-1"), 0)
    with pytest.raises(ValueError, match="give either covariance"):
        fit(model, spec.training, 0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_auto_uses_the_cpu_and_cuda_is_an_error(data):
    assert state_and_curve(*train(spec_of(DEEP, device="auto"), data)) == state_and_curve(
        *train(spec_of(DEEP, device="cpu"), data)
    )
    with pytest.raises(ValueError, match="torch sees no GPU; set it to auto or cpu"):
        train(spec_of(DEEP, device="cuda"), data)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_training_ends_near_the_cpu(data):
    curves = [train(spec_of(DEEP, device=d, epochs=200), data)[1] for d in ("cpu", "cuda")]
    ends = [curve["elbo_estimate"].iloc[-1] for curve in curves]
    assert ends[1] == pytest.approx(ends[0], abs=0.5)


def test_progress_is_logged(data, caplog):
    with caplog.at_level(logging.INFO):
        train(spec_of(DEEP), data)
    assert "step 6 of 6 (epoch 6)" in caplog.text
    assert "images/s" in caplog.text
