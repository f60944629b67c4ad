"""Files are found by what they are, in whatever order they are given."""

import numpy as np
import pandas as pd
import pytest

from linvae.files import write_arrays, write_csv, write_json
from linvae.inputs import Inputs
from linvae.naming import Run
from linvae.spectrum import Spectrum

DEEP = Run("deep", "0123abcd", "mnist-logit-first60", 3, "fixed-0.1", 1)
LINEAR = Run("linear", "4567cdef", "mnist-logit-first60", 3, "learned-1", 0)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Paths of some results, written below the working directory."""
    monkeypatch.chdir(tmp_path)
    curve = pd.DataFrame({"step": [0, 1], "elbo": [-2.0, -1.0]})
    written = {
        LINEAR.file("curve.csv"): lambda path: write_csv(path, curve),
        LINEAR.file("metrics.json"): lambda path: write_json(path, {"elbo": -1.0}),
        DEEP.file("draws2/metrics.json"): lambda path: write_json(path, {"elbo": -3.0}),
        DEEP.file("draws2/kl.npz"): lambda path: write_arrays(path, mean_kl=np.arange(3.0)),
        "results/data/mnist/provenance.json": lambda path: write_json(path, {"label": "made up"}),
    }
    for name, k in (("mnist-logit-first60", 2), ("mnist-pixels-first60", 5)):
        table = pd.DataFrame({"n_latent": [k]})
        written[f"results/ppca/{name}/at4.csv"] = lambda path, table=table: write_csv(path, table)
    spectrum = Spectrum.from_data(np.random.default_rng(0).normal(size=(20, 4)))
    written["results/spectrum/mnist-logit-first60.npz"] = spectrum.save
    for path, write in written.items():
        write(path)
    return list(written)


@pytest.mark.parametrize("order", [1, -1])
def test_every_file_is_found_with_its_run(paths, order):
    inputs = Inputs(paths[::order])
    assert inputs.metrics() == {LINEAR: {"elbo": -1.0}, DEEP: {"elbo": -3.0}}
    assert {run: len(curve) for run, curve in inputs.curves().items()} == {LINEAR: 2}
    assert inputs.files("kl.npz") == {DEEP: DEEP.file("draws2/kl.npz")}
    assert inputs.arrays("kl.npz")[DEEP]["mean_kl"].tolist() == [0, 1, 2]
    assert inputs.spectrum().n_features == 4
    assert inputs.data_label() == "made up"
    assert inputs.provenance() == {"label": "made up"}


def test_maxima_go_by_the_name_of_their_data(paths):
    found = {name: table["n_latent"].tolist() for name, table in Inputs(paths).maxima().items()}
    assert found == {"mnist-logit-first60": [2], "mnist-pixels-first60": [5]}


def test_what_is_not_given_is_not_found(paths):
    inputs = Inputs([])
    assert (inputs.metrics(), inputs.curves(), inputs.maxima()) == ({}, {}, {})
    for one in (inputs.spectrum, inputs.provenance):
        with pytest.raises(ValueError, match="not enough values"):
            one()
