"""Which runs and files a study needs."""

from pathlib import Path

import pytest
import yaml
from linvae.study.sections import Study

from linvae.config.load import load
from linvae.naming import Run, parse_run
from linvae.study import runs as study
from linvae.study.figures import FIGURES

TINY = Path(__file__).parents[1] / "workflow" / "tiny.yaml"
DATA = "mnist-logit-first60"


def tiny(**sections):
    raw = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    raw["study"] |= sections
    return load(raw)


def only(**sections):
    """Study of the given sections alone."""
    return tiny(**{name: None for name in Study.model_fields} | sections)


GRID = {"data": "logit-first60", "n_latent": 3, "noise": "learned-1", "seeds": [0, 7]}


def test_a_section_is_a_grid_of_its_keys():
    config = only(linear=GRID | {"adam": "tiny-adam", "lbfgs": "tiny-lbfgs"})
    assert study.runs(config, "linear") == [
        Run(model, DATA, 3, "learned-1", seed)
        for model in ("tiny-adam", "tiny-lbfgs")
        for seed in (0, 7)
    ]


def test_latent_dim_runs_over_data_and_latents():
    section = {
        "data": ["logit-first60", "pixels-first30"], "n_latents": [2, 4], "fixed_at": 3,
        "noise": "fixed-0.5", "model": "tiny-lbfgs", "seed": 5,
    }  # fmt: skip
    found = study.runs(only(latent_dim=section), "latent_dim")
    assert found == [
        Run("tiny-lbfgs", data, k, "fixed-0.5", 5)
        for data in (DATA, "mnist-pixels-first30")
        for k in (2, 4)
    ]


def test_collapse_runs_every_variance_fixed_and_learned():
    section = {"data": "logit-first60", "n_latent": 3, "model": "tiny-deep"}
    section |= {"noise_variances": [0.1, 10], "seeds": [0, 1]}
    found = study.runs(only(collapse=section), "collapse")
    assert {run.noise for run in found} == {"fixed-0.1", "fixed-10", "learned-0.1", "learned-10"}
    assert len(found) == len(set(found)) == 8


def test_variations_take_data_and_latents_from_collapse():
    found = study.runs(tiny(), "annealing")
    assert {(run.data, run.n_latent, run.noise) for run in found} == {(DATA, 3, "fixed-1")}
    assert [run.model for run in found] == ["tiny-deep", "tiny-annealed"]


def test_sections_share_runs():
    config = tiny()
    shared = set(study.runs(config, "linear")) & set(study.runs(config, "autoencoder"))
    assert shared
    together = study.all_runs(config)
    assert len(together) == len(set(together))
    assert set(together) == {
        run for name in Study.model_fields for run in sections_runs(config, name)
    }


def sections_runs(config, name):
    return study.runs(config, name) if name not in ("restarts", "stationary") else []


def test_a_section_left_out_takes_its_runs_and_figures_along():
    config = only()
    assert study.all_runs(config) == []
    assert study.figures(config) == []


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_reads_its_own_runs_and_its_data(figure):
    config = tiny()
    section, names = FIGURES[figure]
    files = study.figure_inputs(config, figure)
    assert len(files) == len(set(files))
    assert files[-1] == "results/data/mnist/provenance.json"
    data = study.data_names(config, section)
    assert {f"results/spectrum/{name}.npz" for name in data} <= set(files)
    read = [parse_run(file) for file in files if file.startswith("results/train/")]
    assert set(read) <= set(study.all_runs(config))
    assert bool(read) == bool(names)


def test_figures_of_one_kind_of_noise_read_that_kind():
    config = tiny()
    for figure, kind in (("fig7_collapse_learned", "learned"), ("fig8_collapse_fixed", "fixed")):
        runs = [file for file in study.figure_inputs(config, figure) if "/train/" in file]
        assert runs
        assert all(f"/{kind}-" in file for file in runs)


def test_samples_are_of_the_first_seed():
    section = {"data": "logit-first60", "n_latent": 3, "model": "tiny-deep"}
    config = only(collapse=section | {"noise_variances": [1], "seeds": [4, 2]})
    files = [f for f in study.figure_inputs(config, "fig12_samples") if "/train/" in f]
    assert files
    assert all("/seed4/" in file for file in files)


def test_what_counts_as_collapsed_follows_collapse():
    config = tiny()
    assert study.figure_section(config, "fig13_kl_annealing")["epsilon"] == 0.01
    assert study.figure_section(config, "fig1_elbo_vs_ppca")["n_latent"] == 3
