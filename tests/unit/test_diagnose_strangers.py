"""Models and data as strangers bring them: what is taken, and what is said in one line."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from linvae.diagnose import diagnose, noise_variance_of, revive
from linvae.diagnose.checks import check_posterior
from linvae.diagnose.verdict import with_error

N, K, NOISE = 60, 3, 0.5
SHAPE = (3, 4, 4)
D = 48


def images():
    torch.manual_seed(0)
    return torch.sigmoid(torch.randn(N, 4) @ torch.randn(4, D)).reshape(N, *SHAPE)


X = images()


class ConvVAE(nn.Module):
    """Three channels and a convolution."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.front = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Flatten(), nn.Linear(16, 2 * K))
        self.back = nn.Sequential(nn.Linear(K, D), nn.Unflatten(1, SHAPE), nn.Sigmoid())

    def encode(self, x):
        return self.front(x).chunk(2, dim=1)

    def decode(self, z):
        return self.back(z)

    def decode_pair(self, pair):
        z, condition = pair
        return self.back(z + condition)


def of(data, encode=None, decode=None, noise_variance=NOISE, **options):
    model = ConvVAE()
    options = {"draws": 2, **options}
    return diagnose(data, encode or model.encode, decode or model.decode, noise_variance, **options)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_of_half_precision_is_measured_as_its_weights_are(dtype):
    model = ConvVAE().to(dtype)
    short = of(X, model.encode, model.decode)
    reference = of(X)
    assert short.train.elbo == pytest.approx(reference.train.elbo, rel=0.01)
    assert of(X.to(dtype), model.encode, model.decode).kind == reference.kind


def test_images_that_are_flipped_or_of_foreign_order_are_taken():
    reference = of(X.flip(-1))
    for data in (X.numpy()[..., ::-1], X.flip(-1).numpy().astype(">f4")):
        assert of(data).train.elbo == pytest.approx(reference.train.elbo, rel=1e-6)


def test_binary_images_are_zeros_and_ones():
    binary = X > 0.5
    assert of(binary).train.elbo == of(binary.float()).train.elbo
    assert of(binary.numpy()).train.elbo == of(binary.float()).train.elbo


def test_more_latents_than_features():
    model = nn.Linear(4, 20), nn.Linear(10, 4)
    data = torch.randn(N, 4) * torch.tensor([3.0, 2, 1, 0.1])
    found = diagnose(data, lambda x: model[0](x).chunk(2, 1), model[1], NOISE, modules=model)
    assert (found.n_latent, found.n_features) == (10, 4)
    assert found.n_linear == int((found.data_eigenvalues > NOISE).sum())
    assert len(found.bypass.variances) <= 4
    assert "k is too small" not in str(found)


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        (X.permute(0, 2, 3, 1), {}, r"encode fails on a batch \(16, 4, 4, 3\) of torch.float32"),
        (X.flatten(1), {}, r"encode fails on a batch \(16, 48\)"),
        (X, {"encode": lambda x, y: x}, "encode fails .* required positional argument: 'y'"),
        (X, {"decode": ConvVAE().decode_pair}, "decode fails .* unpack.* Wrap what needs"),
        (TensorDataset(X), {}, "data is a TensorDataset; an array or tensor"),
        (DataLoader(TensorDataset(X)), {}, "data is a DataLoader"),
        (X, {"held_out": TensorDataset(X)}, "held_out is a TensorDataset"),
        (X, {"noise_variance": "auto"}, "noise_variance='auto' must be a number, or 'tuned'"),
        (X, {"noise_variance": np.full(D, 0.5)}, r"is of shape \(48,\); one number is needed"),
        (X, {"batch_size": 0}, "batch_size=0 must be 1 or more"),
        (X, {"draws": 0}, "draws=0 must be 1 or more"),
        (X, {"delta": 1.0}, "delta=1.0 from 0 to below 1"),
        (X, {"step": 0.0}, "step=0.0 must be a positive"),
        (X, {"epsilon": -1.0}, "epsilon=-1.0 must be a positive"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(data, options, told):
    with pytest.raises(ValueError, match=told) as caught:
        of(data, **options)
    assert "\n" not in str(caught.value)


def test_what_a_model_raised_is_kept():
    with pytest.raises(ValueError, match="RuntimeError") as caught:
        of(X[:, :1])
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_one_number_may_be_a_tensor():
    reference = of(X).train.elbo
    for number in (torch.tensor(NOISE), nn.Parameter(torch.tensor([NOISE])), np.float32(NOISE)):
        assert of(X, noise_variance=number).train.elbo == pytest.approx(reference, rel=1e-6)


def test_bytes_where_the_model_saw_fractions_are_named():
    with pytest.raises(ValueError, match="bytes where it saw"):
        of((2550 * X).int(), lambda x: (x.flatten(1)[:, :K], 1e-1 * x.flatten(1)[:, :K] - 1))


def test_other_units_leave_reconstructions_farther_than_the_mean():
    found = of(X, decode=lambda z: torch.zeros(len(z), *SHAPE))
    told = [note for note in found.notes if "farther" in note]
    assert len(told) == 1
    assert f"squared error {found.train.reconstruction:.3g}" in told[0]
    variance = (X - X.mean(0)).square().flatten(1).sum(1).mean()
    assert f"of the mean {variance:.3g}" in told[0]
    near = of(X, decode=lambda z: X.mean(0).expand(len(z), *SHAPE))
    assert not any("farther" in note for note in near.notes)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (lambda x, x_hat, mean: 0.0, r"loss fails on x and x_hat \(\d+, 48\), .* TypeError"),
        (lambda x, x_hat, m, s: x.sum((1, 2, 3)), r"loss fails .* \(\d+, 3\): IndexError"),
        (lambda x, x_hat, m, s: (x.sum(), m.sum()), "must give one number of a batch.* tuple"),
    ],
)
def test_what_a_loss_raises_is_one_clear_line(loss, told):
    with pytest.raises(ValueError, match=told) as caught:
        noise_variance_of(loss, D, K)
    assert "\n" not in str(caught.value)


def test_a_diagnosis_of_another_model_is_not_grafted():
    found, model = of(X), nn.Linear(D, 10)
    larger = revive(lambda x: model(x.flatten(1)).chunk(2, 1), ConvVAE().decode, found)
    with pytest.raises(ValueError, match="5 latents where the diagnosis is of 3"):
        larger(X[:4])


@pytest.mark.parametrize(
    ("spread", "accused"), [([0.9, 0.8, 0.7], True), ([0.9, 0.8, 0.52], False)]
)
def test_a_model_that_is_not_at_its_end_is_not_accused_of_deviations(spread, accused):
    """Of three latents two miss the prior's variance as a deviation would, the third does not."""
    rng = np.random.default_rng(3)
    mean = rng.normal(size=(4000, 3))
    mean = (mean - mean.mean(0)) / mean.std(0) * np.sqrt(spread)
    # Half of the log variance that they should have, by E m^2 + E s^2 = 1.
    log_deviation = np.broadcast_to(0.5 * np.log(1 - np.array([0.9, 0.8, 0.7])), mean.shape)
    if accused:
        with pytest.raises(ValueError, match="a log standard deviation"):
            check_posterior(mean, log_deviation, "log_variance")
        check_posterior(mean, 2 * log_deviation, "log_variance")
    else:
        check_posterior(mean, log_deviation, "log_variance")


def test_what_rounds_to_zero_has_no_sign():
    assert with_error(-0.00001, 0.0004) == "0.000 +- 0.000"
    assert with_error(-0.4, 2.0) == "0 +- 2"
    assert with_error(209.4, 2.1) == "209 +- 2"
