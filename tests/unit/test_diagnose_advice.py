"""What a diagnosis says to change: its numbers are put to use, and counted by their own means."""

import json
import re
from html import unescape

import numpy as np
import pytest
from test_diagnose_planted import DATA, LAMBDA, NOISE, drawn, linear_vae

from linvae.diagnose import diagnose

WEIGHTS = re.compile(r"o use (\d+), (?:multiply the KL's weight )?by ([\d.e-]*\d) \(or ([^)]+)\)")
HELD = re.compile(r"o use (\d+), (?:hold sigma\^2 )?at ([\d.e-]*\d)")


def collapsed(k, mean):
    """Every latent is the prior, and the mean is all that comes back."""
    return lambda x: (np.zeros((len(x), k)),) * 2, lambda z: np.tile(mean, (len(z), 1))


def eigenvalues(data):
    """From singular values, not from the library's covariance."""
    return np.linalg.svd(data - data.mean(0), compute_uv=False) ** 2 / len(data)


def check_factors(found, data):
    """Each factor uses as many latents as it says, whichever of the two weights is multiplied."""
    values, told = eigenvalues(data), WEIGHTS.findall(found.advice)
    for m, weight, inverse in told:
        error = float(re.sub(r"[^\d.e+-]", "", inverse.replace("the squared error's by", "")))
        assert (values > found.noise_variance * float(weight)).sum() == int(m)
        assert (values > found.noise_variance / error).sum() == int(m)
    return [int(m) for m, *_ in told]


def spectral(variances, n=500, seed=0):
    """Data of known variances along random axes."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(len(variances), len(variances))))[0]
    return rng.normal(size=(n, len(variances))) * np.sqrt(variances) @ axes


@pytest.mark.parametrize("k", [3, 8])
def test_above_lambda_1_the_weights_that_use_latents_are_told(k):
    found = diagnose(DATA, *collapsed(k, DATA.mean(0)), 4.7 * LAMBDA[0])
    assert found.kind == "nothing linear left"
    assert "another start" not in found.verdict
    assert found.advice.startswith("sigma^2 is 4.7 times lambda_1: even at its optimum")
    assert check_factors(found, DATA) == [1, -(-k // 2)]


def test_a_mean_over_features_of_standardised_data_is_named():
    data = spectral(np.array([6, 4, 3, 1, *[0.05] * 12]))
    found = diagnose(data, *collapsed(6, data.mean(0)), 8.0)
    assert found.kind != "proved"
    assert "sum the squared error over the features instead of averaging it" in found.advice
    assert f"to use {(eigenvalues(data) > 0.5).sum()}, sum" in found.advice
    assert check_factors(found, data) == [1, 3]
    few = diagnose(data, *collapsed(2, data.mean(0)), 8.0)
    assert few.advice.endswith(
        "); to use 2, sum the squared error over the features instead of averaging it."
    )
    # Summed it would be no better: the data vary too little.
    small = diagnose(data / 5, *collapsed(6, data.mean(0) / 5), 8.0)
    assert "instead of averaging" not in small.advice
    assert small.kind == "proved" or check_factors(small, data / 5)


def test_many_more_latents_than_linear_theory_uses_are_told():
    found = diagnose(DATA, *linear_vae(k=14), NOISE)
    assert found.kind == "nothing linear left"
    assert found.advice.startswith("At this sigma^2 linear theory would use 5 of 14 latents.")
    assert check_factors(found, DATA) == [7, 14]
    # Most latents are used.
    assert diagnose(DATA, *linear_vae(k=8), NOISE).advice == ""


def test_data_of_few_directions_need_fewer_latents():
    data = np.zeros((400, 12))
    data[:, :3] = spectral(np.array([9.0, 5, 3]), 400)
    variances = eigenvalues(data)[:3]
    axes = np.linalg.svd(data - data.mean(0), full_matrices=False)[2][:3]
    lengths = np.sqrt(variances - 1)
    reads = axes / variances[:, None] * lengths[:, None]
    spread = np.concatenate([np.log(1 / variances), np.zeros(7)])

    def encode(x):
        mean = np.pad((x - data.mean(0)) @ reads.T, ((0, 0), (0, 7)))
        return mean, np.tile(spread, (len(x), 1))

    found = diagnose(data, encode, lambda z: z[:, :3] * lengths @ axes + data.mean(0), 1.0)
    assert found.advice == (
        "At this sigma^2 linear theory would use 3 of 10 latents. The data vary in no more"
        " directions: fewer latents would do."
    )


def test_equal_eigenvalues_are_stepped_over():
    """No sigma^2 uses one of two equal directions: the next number of latents is told."""
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 6)).reshape(6, -1).T
    data = signs * np.sqrt([4, 4, 4, 2, 1, 1])
    assert eigenvalues(data) == pytest.approx([4, 4, 4, 2, 1, 1])
    found = diagnose(data, *collapsed(6, data.mean(0)), 4.5)
    told = WEIGHTS.findall(found.advice)
    assert [int(m) for m, *_ in told] == [3]
    assert 2 < 4.5 * float(told[0][1]) < 4


def test_of_a_learned_noise_variance_its_values_are_told():
    found = diagnose(DATA, *collapsed(8, DATA.mean(0)), 2 * LAMBDA[0], noise_learned=True)
    told = [(int(m), float(value)) for m, value in HELD.findall(found.advice)]
    assert [m for m, _ in told] == [1, 4]
    assert all((eigenvalues(DATA) > value).sum() == m for m, value in told)
    assert "weight" not in found.advice


def test_a_failed_model_is_trained_anew_and_else_revived():
    found = diagnose(DATA, *linear_vae([0]), NOISE)
    assert found.kind == "failed"
    assert "Train for longer" in found.advice
    assert "`revive`" in found.advice
    assert found.bypass.variances.size > 0
    # With a mean that is off there is nothing to revive, and too large a sigma^2 comes first.
    shifted = diagnose(DATA, *collapsed(8, DATA.mean(0) + 5), 2 * LAMBDA[0])
    assert shifted.kind == "failed"
    assert "revive" not in shifted.advice
    assert check_factors(shifted, DATA) == [1, 4]


def test_too_few_latents_are_to_be_more():
    found = diagnose(DATA, *linear_vae(k=2), NOISE)
    assert found.kind == "k is too small"
    assert found.advice == f"Take more latents: k = {(LAMBDA > NOISE).sum()} or more."


def test_what_is_proved_is_not_said_twice():
    data = np.random.default_rng(0).integers(0, 2, size=(300, 20)) * 1.0
    found = diagnose(data, *collapsed(3, data.mean(0)), 6.0)
    assert (found.kind, found.advice) == ("proved", "")
    # Summed, sigma^2 is 1/2, which is above lambda_1 = 0.386: that alone would change nothing.
    meaned = diagnose(data, *collapsed(3, data.mean(0)), 10.0)
    more = float(meaned.verdict.rstrip(".").rpartition(" ")[2])
    assert 0.5 / more == pytest.approx(eigenvalues(data)[0], rel=0.01)


def test_advice_is_shown_after_the_verdict_and_written():
    found = diagnose(DATA, *collapsed(8, DATA.mean(0)), 2 * LAMBDA[0], held_out=drawn(2, 200))
    lines = str(found).splitlines()
    assert lines[1] == f"advice: {found.advice}"
    page = unescape(found._repr_html_())
    assert f"{found.verdict}</b></p><p>{found.advice}</p>" in page
    assert json.loads(json.dumps(found.to_dict()))["advice"] == found.advice
    silent = diagnose(DATA, *linear_vae(), NOISE)
    assert "advice" not in str(silent)
    assert silent.to_dict()["advice"] == ""
