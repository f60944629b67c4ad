"""Which runs and files a study needs, and what their names say."""

import json
from pathlib import Path

import pytest
import yaml

from linvae.config.load import load
from linvae.naming import Run, parse_run
from linvae.study.figures import FIGURES, figure_inputs, figures
from linvae.study.names import Names
from linvae.study.study import Study

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
DATA = "mnist-logit-first60-test20"
# What is not measured by training runs.
CLOSED_FORMS = {"restarts", "stationary"}


def tiny(change=None, **sections):
    raw = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    raw["study"] |= sections
    if change:
        change(raw)
    return load(raw)


def only(**sections):
    """Study of the given sections alone."""
    return tiny(**{name: None for name in Study.model_fields} | sections)


def runs(config, section):
    return config.study.runs(section, config.names())


def run(config, model, data, k, noise, seed):
    return Run(model, config.names().digests[model], data, k, noise, seed)


GRID = {"data": "logit-first60", "n_latent": 3, "noise": "learned-1", "seeds": [0, 7]}


def test_a_section_is_a_grid_of_its_keys():
    config = only(linear=GRID | {"adam": "tiny-adam", "lbfgs": "tiny-lbfgs"})
    assert runs(config, "linear") == [
        run(config, model, DATA, 3, "learned-1", seed)
        for model in ("tiny-adam", "tiny-lbfgs")
        for seed in (0, 7)
    ]


def test_latent_dim_runs_over_data_and_latents():
    section = {
        "data": ["logit-first60", "pixels-first30"], "n_latents": [2, 4], "fixed_at": 3,
        "noise": "fixed-0.5", "model": "tiny-lbfgs", "seed": 5,
    }  # fmt: skip
    config = only(latent_dim=section)
    assert runs(config, "latent_dim") == [
        run(config, "tiny-lbfgs", data, k, "fixed-0.5", 5)
        for data in (DATA, "mnist-pixels-first30-test20")
        for k in (2, 4)
    ]


def test_collapse_runs_every_variance_fixed_and_learned():
    section = {"data": "logit-first60", "n_latent": 3, "model": "tiny-deep"}
    section |= {"noise_variances": [0.1, 10], "seeds": [0, 1]}
    found = runs(only(collapse=section), "collapse")
    assert {run.noise for run in found} == {"fixed-0.1", "fixed-10", "learned-0.1", "learned-10"}
    assert len(found) == len(set(found)) == 8


def test_variations_take_data_and_latents_from_collapse():
    found = runs(tiny(), "annealing")
    assert {(run.data, run.n_latent, run.noise) for run in found} == {(DATA, 3, "fixed-1")}
    assert [run.model for run in found] == ["tiny-deep", "tiny-annealed"]


def test_a_model_of_several_pairs_is_run_once():
    section = GRID | {"pairs": [["tiny-adam", "tiny-sampled"], ["tiny-adam", "tiny-sampled"]]}
    found = runs(only(stochastic=section), "stochastic")
    assert [(run.model, run.seed) for run in found] == [
        (model, seed) for model in ("tiny-adam", "tiny-sampled") for seed in (0, 7)
    ]


def test_sections_share_runs():
    config = tiny()
    assert set(runs(config, "linear")) & set(runs(config, "autoencoder"))
    together = config.study.all_runs(config.names())
    assert len(together) == len(set(together))
    found = {name: runs(config, name) for name in Study.model_fields}
    assert set(together) == {run for listed in found.values() for run in listed}
    assert {name for name, listed in found.items() if not listed} == CLOSED_FORMS


def test_a_section_left_out_takes_its_runs_figures_and_evidence_along():
    config = only()
    assert config.study.all_runs(config.names()) == []
    assert figures(config.study) == []
    assert config.study.evidence(config.names()) == []
    assert dict(config.study.sections()) == {}


def test_every_section_has_evidence_but_that_of_a_figure_alone():
    config = tiny()
    names = config.names()
    without = {
        name for name, part in config.study.sections() if not part.evidence(config.study, names)
    }
    assert without == {"autoencoder"}
    together = config.study.evidence(names)
    assert len(together) == len(set(together))
    assert "results/ppca/mnist-logit-first60-test20/at4.csv" in together
    for folder in ("restarts", "hessian"):
        (table,) = (path for path in together if path.startswith(f"results/{folder}/"))
        assert len(Path(table).stem) == 8
    read = [parse_run(path) for path in together if path.startswith("results/train/")]
    assert set(read) <= set(config.study.all_runs(names))


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_reads_its_own_runs_and_its_data(figure):
    config = tiny()
    source, names = FIGURES[figure], config.names()
    section = getattr(config.study, source.section)
    files = figure_inputs(config.study, names, figure)
    assert files
    assert len(files) == len(set(files))
    read = [parse_run(file) for file in files if file.startswith("results/train/")]
    assert set(read) <= set(runs(config, source.section))
    assert bool(read) == bool(source.files)
    assert {Path(file).name for file in files if "/train/" in file} == set(source.files)
    spectra = {
        f"results/spectrum/{names.data(variant)}.npz" for variant in section.variants(config.study)
    }
    others = {file for file in files if "/train/" not in file}
    maxima = {file for file in others if file.startswith("results/ppca/")}
    assert others - maxima == (spectra if source.spectrum else set())
    assert bool(maxima) == (figure == "fig6_latent_dim")


def test_figures_of_one_kind_of_noise_read_that_kind():
    config = tiny()
    for figure, kind in (("fig7_collapse_learned", "learned"), ("fig8_collapse_fixed", "fixed")):
        files = figure_inputs(config.study, config.names(), figure)
        read = [file for file in files if "/train/" in file]
        assert read
        assert all(f"/{kind}-" in file for file in read)


def test_samples_are_of_the_first_seed():
    section = {"data": "logit-first60", "n_latent": 3, "model": "tiny-deep"}
    config = only(collapse=section | {"noise_variances": [1], "seeds": [4, 2]})
    files = figure_inputs(config.study, config.names(), "fig12_samples")
    read = [file for file in files if "/train/" in file]
    assert read
    assert all("/seed4/" in file for file in read)


# --- names ---------------------------------------------------------------------------------------


def test_measured_files_of_deep_runs_alone_follow_the_measurement():
    config = tiny(lambda raw: raw.update(measurement={"delta": 0.05}))
    names = config.names()
    (deep, *_), (linear, *_) = runs(config, "collapse"), runs(config, "linear")
    assert names.file(deep, "metrics.json") == deep.file("delta0.05/metrics.json")
    assert names.file(deep, "curve.csv") == deep.file("curve.csv")
    assert names.file(linear, "metrics.json") == linear.file("metrics.json")
    assert parse_run(names.file(deep, "kl.npz")) == deep
    usual = tiny(lambda raw: raw.pop("measurement")).names()
    assert usual.file(deep, "metrics.json") == deep.file("metrics.json")


def set_at(*path, value):
    def change(raw):
        for key in path[:-1]:
            raw = raw.setdefault(key, {})
        raw[path[-1]] = value

    return change


MODEL = ("models", "tiny-deep")


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ((*MODEL, "training", "learning_rate"), 0.002, {"tiny-deep", "tiny-annealed"}),
        ((*MODEL, "start", "scale"), 0, {"tiny-deep", "tiny-annealed"}),
        ((*MODEL, "job", "records"), 6, {"tiny-deep", "tiny-annealed"}),
        (("models", "tiny-annealed", "training", "kl_annealing"), 0.25, {"tiny-annealed"}),
        # What is said again, is off, or is no part of the model.
        ((*MODEL, "training", "learning_rate"), 1e-3, set()),
        ((*MODEL, "training", "gradient_clip"), None, set()),
        ((*MODEL, "job", "device"), "auto", set()),
        (("models", "spare"), {"extends": "tiny-adam"}, set()),
        (("checkpoint_seconds",), 3, set()),
        (("measurement", "draws"), 9, set()),
        (("name",), "other", set()),
    ],
)
def test_a_models_digest_follows_its_own_settings(path, value, changed):
    before = tiny().names().digests
    after = tiny(set_at(*path, value=value)).names().digests
    assert {name for name in before if after[name] != before[name]} == changed


def test_every_digest_follows_the_threads_and_auto_follows_the_device():
    before = tiny().names().digests
    after = tiny(set_at("threads", value=2)).names().digests
    assert not set(before.values()) & set(after.values())
    config = tiny(set_at(*MODEL, "job", "device", value="auto"))
    on_gpu = config.names("cuda").digests
    assert {name for name in before if on_gpu[name] != before[name]} == {
        "tiny-deep",
        "tiny-annealed",
    }


def test_data_settings_show_in_the_names_of_the_data_that_they_concern():
    config = tiny(set_at("preprocess", value={"seed": 3, "logit_lambda": 0.05}))
    names = config.names()
    assert names.data("logit-first60") == "mnist-logit-first60-test20-seed3-lambda0.05"
    assert names.data("pixels-first60") == "mnist-pixels-first60-test20"


def test_names_survive_json():
    for config in (tiny(), tiny(set_at("measurement", "delta", value=0.05))):
        names = config.names()
        assert Names.from_dict(json.loads(json.dumps(names.to_dict()))) == names


def test_names_of_some_models_name_those_as_before():
    config = tiny()
    names = config.names()
    some = names.only(["tiny-deep", "tiny-adam"])
    assert set(some.digests) == {"tiny-adam", "tiny-deep"}
    assert some.deep == ("tiny-deep",)
    (deep, *_) = runs(config, "collapse")
    assert runs(config, "collapse") == config.study.runs("collapse", some)
    assert some.file(deep, "kl.npz") == names.file(deep, "kl.npz")
    assert names.only(["tiny-adam", "tiny-deep"]) == some


@pytest.mark.parametrize("name", ["tiny", "default"])
def test_a_study_is_rebuilt_from_what_jobs_are_told_of_it(name):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    study = load(raw).study if name == "default" else tiny().study
    assert Study.model_validate(json.loads(json.dumps(study.identity()))) == study


def test_jobs_of_tables_are_told_what_their_names_stand_for():
    config = tiny()
    names = config.names()
    restarts, stationary = config.study.restarts, config.study.stationary
    assert restarts.job == {"n_latent": 3, "scales": [1.0], "seeds": [0]}
    assert stationary.job == {"n_latent": 5, "noise_at": [4, 6, 8]}
    other = tiny(set_at("study", "stationary", "noise_at", value=[4, 6]))
    assert other.study.stationary.table(names) != stationary.table(names)
    # What is drawn decides no table.
    drawn = tiny(set_at("study", "stationary", "directions", value=[5, 6]))
    assert drawn.study.stationary.table(names) == stationary.table(names)
