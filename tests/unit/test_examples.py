"""The examples, and the trials of the diagnosis, on few images and for few epochs."""

import importlib.util
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from linvae.images import load as data

ROOT = Path(__file__).parents[2]
N = {"train": 400, "test": 120}


@pytest.fixture(scope="module")
def images():
    return {split: data.load("MNIST", split, n, "embedded") for split, n in N.items()}


@pytest.fixture
def program(images, monkeypatch):
    """Load a program by its path, for which every data set is small."""

    def few(name="MNIST", split="train", n=None, source="auto", local_dir=None):
        return images[split]

    def load(path, **constants):
        spec = importlib.util.spec_from_file_location(f"_{Path(path).stem}", ROOT / path)
        module = importlib.util.module_from_spec(spec)
        # Dataclasses look their module up.
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        for name, value in constants.items():
            assert hasattr(module, name)
            monkeypatch.setattr(module, name, value)
        return module

    monkeypatch.setattr(data, "load", few)
    return load


def test_a_mean_over_the_pixels_is_found_and_mended(program, capsys):
    program("examples/mean_over_pixels.py", EPOCHS=1).main()
    told = capsys.readouterr().out
    first, second = told.split("mended:")
    assert "mistaken: sigma^2 = 392\nproved: At sigma^2 = 392 every" in first
    assert "sum the squared error over the features" in first
    assert second.startswith(" sigma^2 = 0.5\n")
    assert "proved" not in second


def test_dead_latents_are_revived(program, capsys):
    epochs = {"too fast": 20, "on": 5}
    program("examples/revive_dead_latents.py", EPOCHS=epochs).main()
    told = capsys.readouterr().out
    assert told.startswith("failed: At least")
    found = {}
    for line in told.splitlines():
        values = re.findall(r"(-?\d+\.\d\d) \+- (\d+\.\d\d)", line)
        if len(values) == 3:
            found[line[:13].strip()] = [(float(mean), float(error)) for mean, error in values]
    assert list(found) == ["as it is", "revived", "random bypass", "started anew"]
    before = {name: values[0][0] for name, values in found.items()}
    after = {name: values[1][0] for name, values in found.items()}
    assert before["revived"] > before["as it is"] + 1
    assert before["random bypass"] < before["as it is"] + 1
    assert found["as it is"][2] == (0, 0)
    more, error = found["revived"][2]
    assert more == pytest.approx(after["revived"] - after["as it is"], abs=0.011)
    assert more > 3 * error > 0


def test_a_model_of_pythae_is_diagnosed_twice(program, capsys):
    pytest.importorskip("pythae.models")
    try:
        program("examples/pythae_vae.py", EPOCHS=1).main()
    finally:
        logging.disable(logging.NOTSET)
    told = capsys.readouterr().out
    assert re.search(r"^VAE: sigma\^2 = 1$", told, re.MULTILINE)
    variance = float(re.search(r"^BetaVAE: sigma\^2 = ([\d.e-]+)$", told, re.MULTILINE)[1])
    assert 0 < variance < 0.5
    assert "linear theory would use 32 latents" in told


def test_the_trials_print_their_table(program, capsys):
    trials = program("benchmarks/diagnose_trials.py")
    trials.TRIALS = tuple(replace(trial, epochs=1) for trial in trials.TRIALS)
    trials.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert len(cells) == 2 + 2 * len(trials.TRIALS)
    assert {len(row) for row in cells} == {len(trials.COLUMNS)}
    assert [row[1] for row in cells[2::2]] == ["392", "1", "0.5"]
    assert cells[2][-1] == "proved"
