"""Data of many features: the diagnosis by leading eigenpairs is that by the whole matrix."""

import numpy as np
import pytest

from linvae.bypass import certified, eigenpairs, residual
from linvae.diagnose import diagnose
from linvae.diagnose import linear_decoder as linear
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum

N, D, K, NOISE = 400, 60, 6, 1.0


@pytest.fixture(
    scope="module", params=[np.float64, np.float32, np.float16], ids=lambda t: t.__name__
)
def data(request):
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(D, D)))[0]
    variances = np.array([12, 9, 7, 5, 3, 2, *[0.3] * (D - 6)])
    return (rng.normal(size=(N, D)) * np.sqrt(variances) @ axes + 2).astype(request.param)


def failed(data):
    """A linear VAE that uses two axes out of six, a little off its optimum."""
    x = data.astype(np.float64)
    axes = np.linalg.eigh(np.cov(x.T))[1][:, ::-1][:, :2]
    weights = np.zeros((D, K))
    weights[:, :2] = axes * [3.0, 2.0]
    m = weights.T @ weights + NOISE * np.eye(K)
    reads, log_variance = np.linalg.solve(m, weights.T), np.log(NOISE / np.diag(m))
    mean = x.mean(0) + 0.05
    return (
        lambda x: ((x - mean) @ reads.T, np.tile(log_variance, (len(x), 1))),
        lambda z: z @ weights.T + mean,
    )


def test_both_routes_give_one_diagnosis(data, monkeypatch):
    options = {"held_out": data[::-1], "draws": 4}
    whole = diagnose(data, *failed(data), NOISE, **options)
    for module in (residual, certified):
        monkeypatch.setattr(module, "DENSE", 20)
    monkeypatch.setattr(linear, "COMPLETE", 20)
    # Neither the matrix nor the span of the rows.
    monkeypatch.setattr(eigenpairs, "SMALL", 0)
    monkeypatch.setattr(eigenpairs, "_SHARE", 1)
    for module in (eigenpairs, residual):
        monkeypatch.setattr(module, "covariance", None)
    leading = diagnose(data, *failed(data), NOISE, **options)
    assert (whole.kind, leading.kind) == ("failed", "failed")
    assert whole.gain > 2
    assert (whole.complete, leading.complete) == (True, False)
    assert len(leading.data_eigenvalues) == K + 1
    precise = {"rel": 1e-4, "abs": 1e-5}
    found = whole.data_eigenvalues[: K + 1]
    assert leading.data_eigenvalues == pytest.approx(found, **precise)
    assert (leading.cut == whole.cut).all()
    assert leading.bypass.variances == pytest.approx(whole.bypass.variances, **precise)
    for one, two in ((whole.train, leading.train), (whole.held_out, leading.held_out)):
        for name in ("elbo", "gain", "gain_error", "above_linear", "change", "linear_elbo"):
            assert getattr(two, name) == pytest.approx(getattr(one, name), **precise), name
        assert two.eigenvalues[:3] == pytest.approx(one.eigenvalues[:3], **precise)


def test_of_few_data_with_many_features_all_eigenvalues_are_known():
    rng = np.random.default_rng(3)
    few = (rng.normal(size=(9, D)) * np.geomspace(3, 0.1, D) + 5).astype(np.float32)
    found = linear.data_spectrum(few, 4, few)
    exact = Spectrum.from_data(few)
    assert found.complete
    np.testing.assert_allclose(found.eigenvalues, exact.eigenvalues, atol=1e-9)
    assert found.n_above(0.01) == int((exact.eigenvalues > 0.01).sum())
    likelihood = linear.linear_elbo(found.optimum(20, 0.01), few)
    expected = ppca.fit(exact, 20, 0.01).log_likelihood_per_example(few)
    np.testing.assert_allclose(likelihood, expected)
