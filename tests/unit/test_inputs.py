"""Files are found by what they are, in whatever order they are given."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lying import PROVENANCE, path_of

from linvae.files import DamagedFileError, write_arrays, write_csv, write_json
from linvae.inputs import Inputs
from linvae.linear.spectrum import Spectrum
from linvae.naming import Product, Run

DEEP = Run("deep", "mnist-logit-first60", 3, "fixed-0.1", 1)
LINEAR = Run("linear", "mnist-logit-first60", 3, "learned-1", 0)


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """Paths of some results, written below the working directory."""
    monkeypatch.chdir(tmp_path)
    curve = pd.DataFrame({"step": [0, 1], "elbo": [-2.0, -1.0]})
    write = {
        Product("curve.csv", run=LINEAR): lambda path: write_csv(path, curve),
        Product("metrics.json", run=LINEAR): lambda path: write_json(path, {"elbo": -1.0}),
        Product("metrics.json", run=DEEP): lambda path: write_json(path, {"elbo": -3.0}),
        Product("kl.npz", run=DEEP): lambda path: write_arrays(path, mean_kl=np.arange(3.0)),
    }
    for name, k in (("mnist-logit-first60", 2), ("mnist-pixels-first60", 5)):
        table = pd.DataFrame({"n_latent": [k], "noise_variance": 1.0, "max_log_likelihood": -9.0})
        file = Product("maxima.csv", data=name, variant="at4")
        write[file] = lambda path, table=table: write_csv(path, table)
    spectrum = Spectrum.from_data(np.random.default_rng(0).normal(size=(20, 4)))
    write[Product("spectrum.npz", data="mnist-logit-first60")] = spectrum.save
    for file, written in write.items():
        written(path_of(file))
    write_json(PROVENANCE, {"label": "made up"})
    return [*map(path_of, write), PROVENANCE]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html>no table</html>\n", "it has no column n_latent"),
        ("", "No columns to parse"),
        ("k,noise_variance\n1,2\n", "it has no column n_latent"),
        ('a,b\n1,2,3\n1,2,"3', "is damaged"),
    ],
)
def test_what_is_no_table_is_named_in_one_line(paths, content, told):
    (path,) = (path for path in paths if "logit" in path and path.endswith("maxima.csv"))
    Path(path).write_text(content)
    with pytest.raises(DamagedFileError, match=told) as caught:
        Inputs(paths).maxima()
    assert str(caught.value).startswith(f"{path} is damaged")
    assert "\n" not in str(caught.value).strip()


@pytest.mark.parametrize("order", [1, -1])
def test_every_file_is_found_with_its_run(paths, order):
    inputs = Inputs(paths[::order])
    assert inputs.metrics() == {LINEAR: {"elbo": -1.0}, DEEP: {"elbo": -3.0}}
    assert {run: len(curve) for run, curve in inputs.curves().items()} == {LINEAR: 2}
    assert inputs.files("kl.npz") == {DEEP: path_of(Product("kl.npz", run=DEEP))}
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
