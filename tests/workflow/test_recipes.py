"""What CONTRIBUTING says of a new claim, figure, network and data set: done, and run to the end.

Each toy changes no file but those that its section names, three at most, and flows through
training, judging, page and comparison.
"""

import gzip
import hashlib
import json
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
import yaml
from project import ROOT, Project

from linvae.files import read_arrays, read_json

SHAPE = (6, 5, 1)
FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}

CLAIM = '''
"""Claim 99, a toy: every deep run ends with a finite ELBO."""

from linvae.claims.claim import Claim
from linvae.claims.evidence import Evidence, Finding
from linvae.claims.recipes import deep_runs
from linvae.claims.results import Results
from linvae.claims.verdicts import interval


def _finite(results: Results) -> Finding:
    rows = [
        Evidence("toys run", interval([len(own)]), "toys", model, answer="yes", main=True)
        for model, own in deep_runs(results, "recipes").groupby("model")
    ]
    return Finding.by_subject(rows, "Every toy is finite.")


TOY = Claim(99, "Toys are finite.", "a toy", 4, "recipes", _finite, ("fig99",))
'''

FIGURE = '''
"""Figure 99, a toy: final ELBO by recipe."""

import pandas as pd
from matplotlib.figure import Figure

from linvae.inputs import Inputs
from linvae.plots.style import figure, look


def table(inputs: Inputs, section: dict) -> pd.DataFrame:
    """Tabulate one run a row."""
    rows = [{"model": run.model, "elbo": found["elbo"]} for run, found in inputs.metrics().items()]
    return pd.DataFrame(rows)


@look()
def draw(table: pd.DataFrame, section: dict, style: dict) -> Figure:
    """Draw a point for each run."""
    made, axes = figure(style, 3.0, 2.0)
    axes.plot(table["model"], table["elbo"], "o")
    return made
'''

TABLED = """
from pathlib import Path
from linvae.report.deep_runs import measured_runs
print(*measured_runs(Path("results/toys")).set_index("model")["layers"][["perceptron", "rows"]])
"""

# Each row of an image by the same map: a kind that needs the image's shape.
NETWORKS = """
def _rows_body(settings: Network, shape: Shape, draw: Draw):
    height, width, channels = shape
    sizes = (width * channels, settings.units)
    layers = perceptron(sizes, "relu", draw, bias=True)
    split = nn.Unflatten(-1, (height, width * channels))
    return nn.Sequential(split, *layers, nn.Flatten(-2)), nn.ReLU(), height * settings.units


def _rows_decoder(settings: Network, n_latent: int, shape: Shape, draw: Draw):
    height, width, channels = shape
    first = perceptron((n_latent, height * settings.units), "relu", draw, bias=True)
    last = perceptron((settings.units, width * channels), "relu", draw, bias=True)
    split = nn.Unflatten(-1, (height, settings.units))
    return nn.Sequential(*first, nn.ReLU(), split, *last, nn.Flatten(-2))


_ENCODERS["rows"] = _rows_body
_DECODERS["rows"] = _rows_decoder
"""

RUN = {
    "training": {"objective": "stochastic", "epochs": 3, "batch_size": 20, "precision": "float32"},
    "start": {"standardize": True},
    "job": {"records": 3},
}
OVERLAY = {
    "name": "toys",
    "dataset": {"name": "ToyMNIST", "source": "local", "local_dir": "images", "n_test": 20},
    "measurement": {"draws": 2, "inference_images": 4, "importance_draws": 30},
    "models": {
        "perceptron": {
            "encoder": {"hidden": [8], "posterior": "amortised"}, "decoder": {"hidden": [8]}, **RUN,
        },
        "rows": {
            "encoder": {"kind": "rows", "units": 3, "posterior": "amortised"},
            "decoder": {"kind": "rows", "units": 3},
            **RUN,
        },
    },
    "study": {
        "recipes": {
            "data": "logit-first60", "n_latent": 2, "seeds": [0],
            "fixed": [{"models": ["perceptron", "rows"], "noise_variances": [1]}],
            "learned": [], "annealing": [], "as_in_paper": "perceptron",
        },
    },
}  # fmt: skip


def named_in(section):
    """Files that a section of CONTRIBUTING names, as patterns."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    own = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    paths = re.findall(r"`((?:src|workflow|tests)/[^`\s]+)`", own)
    return [re.sub(r"<\w+>", "*", path) for path in paths]


def idx(images):
    header = struct.pack(">4I", 0x803, *images.shape)
    return gzip.compress(header + images.tobytes(), mtime=0)


def add_data_set(folder):
    rng = np.random.default_rng(0)
    shades = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 30)) * 40 + 128
    images = np.clip(shades, 0, 255).astype(np.uint8).reshape(-1, *SHAPE[:2])
    written = {"train": idx(images[:60]), "test": idx(images[60:])}
    (folder / "images").mkdir()
    for split, content in written.items():
        (folder / "images" / FILES[split]).write_bytes(content)
    known = {
        FILES[split]: [hashlib.md5(content, usedforsecurity=False).hexdigest()]
        for split, content in written.items()
    }

    def entry(text):
        return json.dumps(json.loads(text) | {"ToyMNIST": {"shape": SHAPE, "files": known}})

    return {"src/linvae/images/datasets.json": entry}


def add_network(folder):
    def settings(text):
        kind = 'Literal["perceptron"] = Field('
        assert kind in text
        text = text.replace(kind, 'Literal["perceptron", "rows"] = Field(')
        skip = "    skip: bool = Field("
        return text.replace(skip, f"    units: Whole = Field(1, gt=0)\n{skip}")

    return {
        "src/linvae/settings/model.py": settings,
        "src/linvae/training/networks.py": lambda text: text + NETWORKS,
    }


def add_claim(folder):
    def catalogue(text):
        text = text.replace(
            "    REACHES_MAXIMUM,\n    NO", "    REACHES_MAXIMUM,\n    TOY,\n    NO"
        )
        return text.replace(
            "\n__all__", "from linvae.claims.toy_is_finite import TOY\n\n__all__", 1
        )

    return {
        "src/linvae/claims/toy_is_finite.py": CLAIM,
        "src/linvae/claims/catalogue.py": catalogue,
    }


def add_figure(folder):
    entry = '    "fig99_toy": FigureSource("recipes", 4, "What toys do", ("metrics.json",)),\n}\n'
    caption = '{% elif figure == "fig99_toy" -%}\nToys, and how they end.\n{%- endif %}'
    return {
        "src/linvae/study/figures.py": lambda text: text.replace("\n}\n", f"\n{entry}", 1),
        "src/linvae/plots/fig99_toy.py": FIGURE,
        "workflow/report/figure.rst": lambda text: text.replace("{%- endif %}", caption),
    }


RECIPES = {
    "A new data set": add_data_set,
    "A new kind of network": add_network,
    "A new claim": add_claim,
    "A new figure": add_figure,
}


@pytest.fixture(scope="module")
def toys(tmp_path_factory):
    """The project with all four, and their study finished."""
    project = Project.create(tmp_path_factory.mktemp("toys") / "project")
    for recipe, add in RECIPES.items():
        changes = add(project.folder)
        assert len(changes) <= 3
        patterns = named_in(recipe)
        for name, change in changes.items():
            assert any(re.fullmatch(p.replace("*", r"\w+"), name) for p in patterns) or any(
                name.startswith(p) for p in patterns if p.endswith("/")
            ), f"{recipe}: CONTRIBUTING does not name {name}"
            path = project.folder / name
            path.write_text(change(path.read_text()) if callable(change) else change.lstrip())
    default = yaml.safe_load((project.folder / "config.yaml").read_text())
    study = dict.fromkeys(default["study"]) | OVERLAY["study"]
    overlay = project.folder / "config" / "tiny.yaml"
    overlay.write_text(yaml.safe_dump(OVERLAY | {"study": study}))
    project.snakemake("--cores", "2")
    return project


def test_the_claim_is_judged_shown_and_compared(toys):
    results = toys.folder / "results" / "toys"
    (claim,) = (found for found in read_json(results / "claims.json") if found["id"] == 99)
    assert claim["verdict"] == "supported"
    assert claim["verdicts"] == {"perceptron": "supported", "rows": "supported"}
    for file in ("claims.md", "summary.md", "index.html"):
        text = (results / file).read_text(encoding="utf-8")
        assert "Toys are finite." in text
        assert "Every toy is finite." in text
    page = (results / "index.html").read_text(encoding="utf-8")
    article = page.split('id="claim99"')[1].split("</article>")[0]
    assert '<th scope="row">perceptron</th>' in article
    assert article.count("<svg") == 2
    compare = toys.folder / "workflow" / "scripts" / "compare.py"
    command = [sys.executable, compare, results, f"again={results}", "--to", toys.folder / "both"]
    done = subprocess.run(command, env=toys.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (toys.folder / "both" / "claims.md").read_text()
    told = "toys run, perceptron: 1 (one seed) toys<br>toys run, rows: 1 (one seed) toys"
    assert text.count(told) == 2


def test_the_figure_stands_on_the_page_with_its_caption(toys):
    results = toys.folder / "results" / "toys"
    page = (results / "index.html").read_text(encoding="utf-8")
    assert "What toys do" in page
    assert "Toys, and how they end." in page
    assert (results / "figures" / "fig99_toy.csv").read_text().startswith("model,elbo\n")


def test_the_network_is_trained_and_measured(toys):
    found = list((toys.folder / "results" / "toys" / "runs").rglob("metrics.json"))
    by_model = {path.relative_to(toys.folder).parts[3]: read_json(path) for path in found}
    assert by_model.keys() == {"perceptron", "rows"}
    assert all(np.isfinite(metrics["test_elbo"]) for metrics in by_model.values())
    assert by_model["rows"]["elbo"] != by_model["perceptron"]["elbo"]
    tabled = subprocess.run(
        [sys.executable, "-c", TABLED], cwd=toys.folder, env=toys.environment, capture_output=True
    )
    # A kind that is no perceptron is not called linear.
    assert tabled.stdout.decode().split() == ["8", "rows"], tabled.stderr


def test_the_images_keep_their_shape(toys):
    for path in (toys.folder / "results" / "train").rglob("samples.npz"):
        assert read_arrays(path)["prior_pixels"].shape == (10, *SHAPE)
    header = (toys.folder / "results/toys/figures/fig12_samples.csv").read_text().splitlines()[0]
    assert header.split(",")[-1] == "pixel-5-4-0"
