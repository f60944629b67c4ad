"""Results show themselves on one line, whatever they hold."""

import dataclasses
import importlib
import pkgutil

import numpy as np
import pytest

import linvae
from linvae.images.load import fetch
from linvae.linear import ppca, solve
from linvae.linear.spectrum import Spectrum
from linvae.measure.collapse import CollapseCurve

# Not yet: deep training reaches the first two, and an edit would train every deep VAE anew.
LONG = {"Spectrum", "LinearWeights"}
# What notebooks do not meet.
INNER = ("plots", "claims", "report", "training", "evaluation", "landscape")


@pytest.fixture(scope="module")
def spectrum():
    return Spectrum.from_data(np.random.default_rng(0).standard_normal((40, 7)))


def test_a_fit_shows_shapes_and_numbers(spectrum):
    found = ppca.PPCA(np.ones((7, 2)), np.zeros(7), 1 / 3)
    assert (
        repr(found)
        == "PPCA(weights=<float64 (7, 2)>, mean=<float64 (7,)>, noise_variance=0.333333)"
    )


def test_a_solution_shows_how_many_records_its_history_has(spectrum):
    found = solve.lbfgs(spectrum, 2)
    assert f"history=<list of {len(found.history)}>" in repr(found)
    assert f"elbo={found.elbo:.6g}, " in repr(found)
    assert "\n" not in repr(found)
    assert len(repr(found)) < 300


def test_images_and_curves_are_short():
    images = fetch("MNIST", "embedded")
    assert repr(images).startswith("Images(train=<uint8 (4000, 28, 28)>, ")
    curve = CollapseCurve.from_kl(np.ones((5, 3)))
    assert len(repr(curve)) < 150


def test_every_dataclass_that_holds_arrays_is_short():
    found = {}
    for module in pkgutil.walk_packages(linvae.__path__, "linvae."):
        if module.name.split(".")[1] in INNER:
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if dataclasses.is_dataclass(kind) and kind.__module__ == module.name:
                held = " ".join(str(field.type) for field in dataclasses.fields(kind))
                if "NDArray" in held or "ndarray" in held or "Tensor" in held:
                    found[name] = kind.__repr__.__module__
    assert {"PPCA", "Solution", "Images", "Spectrum"} <= set(found)
    # A diagnosis shows its verdict.
    assert {name for name in found if found[name] != "linvae.shown"} <= LONG | {"Diagnosis"}
