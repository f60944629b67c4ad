"""What a network's units need of the data: against numpy, and the spectrum's."""

from pathlib import Path

import numpy as np
import pytest

from linvae.jobs.fingerprint import reached_modules
from linvae.linear.moments import Moments
from linvae.linear.spectrum import Spectrum

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


@pytest.fixture(scope="module", params=[0.0, 1e3])
def data(request):
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 7)) @ rng.normal(size=(7, 7)) + request.param


def test_they_are_those_of_numpy(data):
    found = Moments.of_data(data)
    np.testing.assert_allclose(found.mean, data.mean(0), rtol=1e-12)
    assert found.total_variance == pytest.approx(data.var(0).sum(), rel=1e-12)
    assert type(found.total_variance) is float


def test_they_are_those_of_the_spectrum(data):
    found, spectrum = Moments.of_data(data), Spectrum.from_data(data)
    np.testing.assert_allclose(found.mean, spectrum.mean, rtol=1e-12)
    assert found.total_variance == pytest.approx(spectrum.total_variance, rel=1e-12)


@pytest.mark.parametrize("bad", [np.ones(3), np.full((2, 2), np.nan), np.ones((2, 2)) + 1j])
def test_what_is_no_matrix_of_finite_numbers_is_refused(bad):
    with pytest.raises(ValueError, match="^x "):
        Moments.of_data(bad)


def test_training_of_deep_models_does_not_reach_the_spectrum():
    reached = reached_modules(SCRIPTS / "train_deep.py")
    assert "linvae.linear.moments" in reached
    assert "linvae.linear.spectrum" not in reached
