"""Models and data of every kind, and what is wrong with them in one clear line."""

import functools

import numpy as np
import pytest
import torch
from torch import nn

from linvae.diagnose import diagnose
from linvae.diagnose.module_search import modules_of

N, SIDE, K = 64, 4, 3
D = SIDE * SIDE
IMAGES = np.random.default_rng(0).uniform(size=(N, 1, SIDE, SIDE)).astype(np.float32)


class ConvVAE(nn.Module):
    """A small convolutional VAE with everything that has a training mode."""

    def __init__(self, last=None, head="log_variance"):
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3),
            nn.Flatten(), nn.Linear(4 * D, 2 * K),
        )  # fmt: skip
        layers = [nn.Linear(K, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, D)]
        self.back = nn.Sequential(*layers, nn.Unflatten(1, (1, SIDE, SIDE)), last or nn.Sigmoid())
        self.head = head

    def encode(self, x):
        mean, log_variance = self.trunk(x).chunk(2, dim=1)
        second = {"log_variance": log_variance, "variance": log_variance.exp()}
        return mean, second.get(self.head, (0.5 * log_variance).exp())

    def decode(self, z):
        return self.back(z)


def test_a_torch_model_is_put_into_evaluation_mode_and_back():
    model = ConvVAE().train()
    model.trunk[3].eval()
    before = [part.training for part in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    one = diagnose(IMAGES, model.encode, model.decode, 0.1)
    two = diagnose(torch.as_tensor(IMAGES), model.encode, model.decode, 0.1, batch_size=10)
    assert [part.training for part in model.modules()] == before
    assert all((state[name] == value).all() for name, value in model.state_dict().items())
    assert one.train.elbo == pytest.approx(two.train.elbo, rel=1e-6)
    assert one.n_features == D
    assert one.shape == (1, SIDE, SIDE)


def test_modules_are_found_wherever_functions_have_them():
    model = ConvVAE().train()

    def closed(x):
        return model.encode(x)

    class Wrapped:
        def __init__(self):
            self.inner = model

        def __call__(self, x):
            return self.inner.encode(x)

    found = (model.encode, closed, Wrapped(), functools.partial(ConvVAE.encode, model), in_globals)
    for encode in found:
        assert len(modules_of([encode])) == 1, encode
    assert modules_of([np.tanh, lambda x: x]) == []


GLOBAL = nn.Linear(2, 2)


def in_globals(x):
    return GLOBAL(x)


@pytest.mark.parametrize("head", ["log_variance", "variance", "standard_deviation"])
def test_the_spread_has_a_name(head):
    model = ConvVAE(head=head)
    found = diagnose(IMAGES, model.encode, model.decode, 0.1, posterior=head)
    assert found.posterior == head
    reference = ConvVAE()
    expected = diagnose(IMAGES, reference.encode, reference.decode, 0.1).train.elbo
    assert found.train.elbo == pytest.approx(expected, rel=1e-5)


def test_latents_may_have_a_shape():
    model = ConvVAE()

    def encode(x):
        return tuple(part.reshape(-1, K, 1, 1) for part in model.encode(x))

    found = diagnose(IMAGES, encode, lambda z: model.decode(z.flatten(1)), 0.1)
    assert found.latent_shape == (K, 1, 1)
    assert found.n_latent == K


def arrays(width=K, shape=(1, SIDE, SIDE), spread=-1.0):
    """Encoder and decoder of NumPy arrays."""
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(D, width)) / 4

    def encode(x):
        mean = (x.reshape(len(x), -1) - 0.5) @ matrix
        return mean, np.full((len(x), width), spread)

    return encode, lambda z: (0.5 + z @ matrix.T / 10).reshape(len(z), *shape)


def test_functions_of_arrays_need_no_torch_model():
    found = diagnose(IMAGES, *arrays(), 0.1)
    assert found.n_latent == K
    assert any("variance is the same for every x" in note for note in found.notes)


def test_lists_and_short_floats_are_data_too():
    found = diagnose(IMAGES.tolist(), *arrays(), 0.1)
    assert found.train.elbo == pytest.approx(diagnose(IMAGES, *arrays(), 0.1).train.elbo, rel=1e-5)
    model = ConvVAE().bfloat16()
    short = diagnose(torch.as_tensor(IMAGES).bfloat16(), model.encode, model.decode, 0.1)
    reference = ConvVAE()
    expected = diagnose(IMAGES, reference.encode, reference.decode, 0.1).train.elbo
    assert short.train.elbo == pytest.approx(expected, rel=0.05)


def test_few_data_and_constant_features():
    few = IMAGES[:10].copy()
    few[:, 0, 0] = 0.0
    found = diagnose(few, *arrays(), 0.1, held_out=IMAGES[10:30])
    assert found.train.n == 10
    assert found.data_eigenvalues[9:] == pytest.approx(0, abs=1e-9)
    assert found.kind in {"failed", "not decided", "nothing linear left"}


def test_many_features_go_by_leading_eigenpairs():
    rng = np.random.default_rng(2)
    d, lengths = 4800, np.array([9.0, 6.0, 4.0])
    axes = np.linalg.qr(rng.normal(size=(d, 3)))[0]
    data = rng.normal(size=(60, 3)) * lengths @ axes.T + 0.01 * rng.normal(size=(60, d))
    data = data.reshape(60, 3, 40, 40)

    def encode(x):
        return np.zeros((2, len(x), 3))

    mean = data.mean(0)
    found = diagnose(
        data, lambda x: tuple(encode(x)), lambda z: np.tile(mean, (len(z), 1, 1, 1)), 1
    )
    values = np.linalg.svd((data - mean).reshape(60, -1), compute_uv=False)[:3] ** 2 / 60
    # Of few data all eigenvalues are known, however many features.
    assert found.complete
    assert len(found.data_eigenvalues) == d
    assert found.data_eigenvalues[:3] == pytest.approx(values, rel=1e-6)
    assert found.kind == "failed"
    expected = 0.5 * (values - 1 - np.log(values)).sum()
    assert found.gain == pytest.approx(expected, rel=1e-3)
    assert -found.train.above_linear == pytest.approx(expected, rel=1e-3)


def wrong(encode=None, decode=None, data=IMAGES, noise=0.1, **options):
    own = arrays()
    return diagnose(data, encode or own[0], decode or own[1], noise, **options)


def spread_as(function, posterior="log_variance"):
    """A used latent of known variance, with what an encoder gives instead of its log."""
    data = np.random.default_rng(0).normal(size=(400, 2))
    mean = lambda x: x * np.sqrt([0.9, 0.99])  # noqa: E731
    encode = lambda x: (mean(x), np.tile(function(np.array([0.1, 0.01])), (len(x), 1)))  # noqa: E731
    return lambda: diagnose(data, encode, lambda z: z, 0.1, posterior=posterior)


def training_mode(part):
    model = ConvVAE().train()
    keep = model.trunk[1] if part == "norm" else model.back[2]
    others = model.trunk[3] if part == "norm" else model.trunk
    for module in (model, others):
        module.eval()
    # What evaluation mode does not reach.
    keep.training = True
    keep.eval = lambda: keep
    keep.train = lambda mode=True: keep
    return lambda: diagnose(IMAGES, lambda x: model.encode(x), lambda z: model.decode(z), 0.1)


ENCODE, DECODE = arrays()
NOT_FINITE = IMAGES.copy()
NOT_FINITE[7] = np.nan
WRONG = {
    r"row 7\)": lambda: wrong(data=NOT_FINITE),
    "held_out is of shape": lambda: wrong(held_out=IMAGES[:, 0]),
    "numbers are needed, of n >= 8": lambda: wrong(data=IMAGES[:4]),
    "a list of 3|a tuple of 3": lambda: wrong(encode=lambda x: (*ENCODE(x), 0)),
    r"mean \(16, 3\) and log_variance \(16, 2\)": lambda: wrong(
        encode=lambda x: (ENCODE(x)[0], ENCODE(x)[1][:, :2])
    ),
    r"decode gives \(\d+, 2\)": lambda: wrong(decode=lambda z: z[:, :2]),
    "must give arrays or tensors": lambda: wrong(decode=lambda z: "image"),
    "encode gives values that are not finite": lambda: wrong(
        encode=lambda x: (ENCODE(x)[0] * np.nan, ENCODE(x)[1])
    ),
    "logits": lambda: wrong(decode=lambda z: 40 * (DECODE(z) - 0.5)),
    "positive everywhere": lambda: wrong(encode=lambda x: (ENCODE(x)[0], np.exp(ENCODE(x)[1]))),
    "which must be positive": lambda: wrong(posterior="variance"),
    "say posterior='standard_deviation'": spread_as(np.sqrt, "variance"),
    "a log standard deviation": spread_as(lambda v: 0.5 * np.log(v)),
    "posterior='spread' is unknown": lambda: wrong(posterior="spread"),
    "noise_variance=0": lambda: wrong(noise=0),
    "batch norm": training_mode("norm"),
    "two values of the same latents": training_mode("dropout"),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_wrong_is_told_in_one_line(reason):
    with pytest.raises(ValueError, match=reason) as told:
        WRONG[reason]()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["variance", "log_variance"])
def test_the_right_spread_is_not_accused(kind):
    function = np.log if kind == "log_variance" else (lambda v: v)
    assert spread_as(function, kind)().train.n_used == 2


def test_clamps_are_no_collapse():
    """A ReLU on the log variance, and one on the mean."""
    encode, decode = arrays(spread=0.0)

    def clamped(x):
        mean, _ = encode(x)
        return mean, np.column_stack([np.maximum(mean[:, 0], 0), mean[:, 1] - 2, mean[:, 2] - 2])

    notes = diagnose(IMAGES, clamped, decode, 0.1).notes
    (note,) = [note for note in notes if "sits at its lowest value" in note]
    assert note.startswith("The log variance")
    assert "latent 0:" in note

    def positive(x):
        mean, _ = encode(x)
        return np.maximum(mean, 0), 0.1 * mean - 2

    notes = diagnose(IMAGES, positive, decode, 0.1).notes
    (note,) = [note for note in notes if "sits at its lowest value" in note]
    assert note.startswith("The mean")
    assert "latents 0, 1, 2" in note


def test_a_posterior_that_never_changes_and_is_not_the_prior_is_told():
    encode, decode = arrays()

    def stuck(x):
        mean, _ = encode(x)
        mean[:, 1] = 0.7
        return mean, np.column_stack([mean[:, 0] - 1, np.full(len(x), -2.0), mean[:, 2] - 1])

    found = diagnose(IMAGES, stuck, decode, 0.1)
    (note,) = [note for note in found.notes if "carry nothing" in note]
    assert "latent 1" in note
    assert found.train.n_used == 3


def test_a_decoder_that_does_not_reach_the_data_is_told():
    """A sigmoid on standardised data: all latents are used, and no bypass has a place."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(D, K)))[0]
    data = 3 * rng.normal(size=(800, K)) @ axes.T + 0.1 * rng.normal(size=(800, D))

    def encode(x):
        return x @ axes / 3, np.full((len(x), K), -3.0)

    def decode(z):
        return 1 / (1 + np.exp(-np.clip(4 * (3 * z @ axes.T), -500, 500)))

    found = diagnose(data, encode, decode, 0.1)
    assert found.train.n_used == K
    assert found.kind == "failed"
    assert "output range" in found.verdict
    (note,) = [note for note in found.notes if "does not reach" in note]
    lost = np.square(data - data.clip(0, 1)).sum(1).mean() / 0.2
    assert f"costs {lost:.3g} nats" in note
    # One that is not bounded is not accused.
    free = diagnose(data, encode, lambda z: 3 * z @ axes.T, 0.1)
    assert not any("does not reach" in note for note in free.notes)
