"""Which runs and files a study needs, and what their names say."""

import json
import re
from pathlib import Path

import pytest
import yaml

from linvae.config.configuration import ConfigError, load
from linvae.config.consistency import remarks
from linvae.naming import ADDRESS_PATTERN, Product, Run, product_of
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow
from linvae.settings.arms import ARMS
from linvae.settings.likelihood_job import BOUNDS
from linvae.study.figures import FIGURES, figure_inputs, figures
from linvae.study.likelihood import WayOn
from linvae.study.names import Names
from linvae.study.study import Study

ROOT = Path(__file__).parents[2]
WORKFLOW = Workflow.beside(ROOT, keep=False)
TINY = ROOT / "tests" / "workflow" / "tiny.yaml"
DATA = "mnist-logit-first60-test20"
# What is not measured by training runs.
CLOSED_FORMS = {"restarts", "saddles", "stationary"}


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


def runs_of(files):
    """Runs that files are of, each once, in order."""
    return list(dict.fromkeys(file.run for file in files if file.run is not None))


def places(config, device="cpu"):
    """Where the files of a study lie that are not at stable names, by what they are."""
    plan = plan_study(config, WORKFLOW, device=device)
    jobs = [job for address, job in plan.jobs.items() if address != plan.final]
    outputs = [path for job in jobs for name, path in job.outputs.items() if name != "made"]
    return {product_of(path): path for path in outputs}


def moved(before, after):
    """Files of two studies that lie elsewhere in the second."""
    pairs = ((file, before.get(file), path) for file, path in after.items())
    return {file for file, one, other in pairs if one not in (None, other)}


GRID = {"data": "logit-first60", "n_latent": 3, "noise": "learned-1", "seeds": [0, 7]}


def test_a_section_is_a_grid_of_its_keys():
    config = only(linear=GRID | {"adam": "tiny-adam", "lbfgs": "tiny-lbfgs"})
    assert runs(config, "linear") == [
        Run(model, DATA, 3, "learned-1", seed)
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
        Run("tiny-lbfgs", data, k, "fixed-0.5", 5)
        for data in (DATA, "mnist-pixels-first30-test20")
        for k in (2, 4)
    ]


def recipes(fixed=None, learned=None, **more):
    """A section of recipes whose cells are given as {noise variance: models}."""
    cells = {
        key: [{"models": models, "noise_variances": [v]} for v, models in (given or {}).items()]
        for key, given in (("fixed", fixed), ("learned", learned))
    }
    return {"data": "logit-first60", "n_latent": 3, "seeds": [0, 1]} | cells | more


def test_recipes_run_every_variance_fixed_and_learned():
    cells = [{"models": ["tiny-deep"], "noise_variances": [0.1, 10]}]
    found = runs(only(recipes=recipes() | {"fixed": cells, "learned": cells}), "recipes")
    assert {run.noise for run in found} == {"fixed-0.1", "fixed-10", "learned-0.1", "learned-10"}
    assert len(found) == len(set(found)) == 8


def test_recipes_run_their_own_cells_in_the_order_of_the_section():
    config = only(
        recipes=recipes()
        | {
            "fixed": [
                {"models": ["tiny-long", "tiny-deep"], "noise_variances": [10, 3]},
                {"models": ["tiny-annealed", "tiny-deep"], "noise_variances": [3]},
            ],
            "learned": [{"models": ["tiny-deep"], "noise_variances": [3]}],
            "seeds": [7, 0],
        }
    )
    assert runs(config, "recipes") == [
        Run(model, DATA, 3, noise, seed)
        # The cell that is said twice is run once.
        for model, noises in (
            ("tiny-long", ["fixed-10", "fixed-3"]),
            ("tiny-deep", ["fixed-10", "fixed-3"]),
            ("tiny-annealed", ["fixed-3"]),
            ("tiny-deep", ["learned-3"]),
        )
        for noise in noises
        for seed in (7, 0)
    ]
    assert config.study.recipes.models == ("tiny-long", "tiny-deep", "tiny-annealed")


def test_a_recipe_with_learned_noise_alone_is_one_and_may_be_that_of_the_paper():
    section = recipes({1: ["tiny-deep"]}, {2: ["tiny-long"]}, as_in_paper="tiny-long")
    config = only(recipes=section)
    assert config.study.recipes.models == ("tiny-deep", "tiny-long")
    assert {(run.model, run.noise) for run in runs(config, "recipes")} == {
        ("tiny-deep", "fixed-1"),
        ("tiny-long", "learned-2"),
    }


ANNEALING = {"annealing": [["tiny-deep", "tiny-annealed"]]}


@pytest.mark.parametrize(
    ("fixed", "learned", "is_pair"),
    [
        ({1: ["tiny-deep", "tiny-annealed"]}, {}, True),
        ({1: ["tiny-deep"], 2: ["tiny-annealed", "tiny-deep"]}, {}, True),
        ({1: ["tiny-deep"], 2: ["tiny-annealed"]}, {}, False),
        # With the noise learned, no two runs end at one noise variance.
        ({1: ["tiny-deep"]}, {1: ["tiny-deep", "tiny-annealed"]}, False),
    ],
)
def test_annealing_is_compared_at_a_fixed_noise_variance(fixed, learned, is_pair):
    section = recipes(fixed, learned, **ANNEALING)
    if is_pair:
        assert only(recipes=section).study.recipes.annealing == (("tiny-deep", "tiny-annealed"),)
        return
    with pytest.raises(ConfigError) as caught:
        only(recipes=section)
    assert str(caught.value) == (
        "study.recipes.annealing: [tiny-deep, tiny-annealed] have no noise variance in common in "
        "`fixed`"
    )


def test_both_of_a_pair_may_stand_in_cells_of_their_own():
    cells = [{"models": [model], "noise_variances": [3, 1]} for model in ANNEALING["annealing"][0]]
    config = only(recipes=recipes(**ANNEALING) | {"fixed": cells})
    assert len(runs(config, "recipes")) == 8


def test_each_pair_is_judged():
    section = recipes({1: ["tiny-deep", "tiny-annealed"], 2: ["tiny-long"]})
    section["annealing"] = [
        ["tiny-deep", "tiny-annealed"],
        ["tiny-long", "tiny-annealed"],
        ["tiny-deep", "tiny-long"],
    ]
    with pytest.raises(ConfigError) as caught:
        only(recipes=section)
    first, second = str(caught.value).splitlines()
    assert first.startswith("study.recipes.annealing: [tiny-long, tiny-annealed] have no noise")
    assert second.startswith("study.recipes.annealing: [tiny-deep, tiny-long] must be a recipe")


def test_sizes_run_each_case_with_its_own_data_latents_and_noise():
    cases = [
        {"models": ["tiny-long", "tiny-deep"], "data": "logit-first60", "n_latent": 2,
         "noise": "fixed-3", "seeds": [1, 0]},
        {"models": ["tiny-deep"], "data": "pixels-first30", "n_latent": 4,
         "noise": "learned-0.5", "seeds": [5]},
    ]  # fmt: skip
    config = only(sizes={"cases": cases})
    pixels = "mnist-pixels-first30-test20"
    assert runs(config, "sizes") == [
        *(
            Run(model, DATA, 2, "fixed-3", seed)
            for model in ("tiny-long", "tiny-deep")
            for seed in (1, 0)
        ),
        Run("tiny-deep", pixels, 4, "learned-0.5", 5),
    ]
    assert config.study.sizes.variants() == ("logit-first60", "pixels-first30")


def case(variant, n_latent):
    return {"models": ["tiny-deep"], "data": variant, "n_latent": n_latent, "noise": "fixed-1",
            "seeds": [0]}  # fmt: skip


def test_latents_of_a_case_are_held_against_its_own_images():
    only(sizes={"cases": [case("logit-first60", 58), case("logit-first10", 8)]})
    cases = [case("logit-first60", 58), case("logit-first10", 9), case("logit-first10", 3)]
    with pytest.raises(ConfigError) as caught:
        only(sizes={"cases": [*cases, case("pixels-first20", 19), case("logit-all", 783)]})
    first, second = str(caught.value).splitlines()
    assert first.startswith("study.sizes.cases: 9 is more than the 8 that 10 images allow")
    assert second.startswith("study.sizes.cases: 19 is more than the 18 that 20 images allow")


ENDINGS = {
    "data": "logit-first60",
    "n_latent": 3,
    "recipes": [{"model": "tiny-deep", "longer": "tiny-long", "noise_variances": [10, 1]}],
    "drawn_at": 1,
    "seeds": [0, 7],
    "other_seeds": [3],
}


def test_endings_run_each_recipe_beside_its_variants_from_seeds_of_their_own():
    entry = {"model": "tiny-deep", "longer": "tiny-long", "other_start": "principal"}
    wide = {"model": "tiny-deep", "noise_variances": [1], "n_latent": 2, "seeds": [5]}
    section = ENDINGS | {"recipes": [entry | {"noise_variances": [10, 1]}, wide]}

    def change(raw):
        start = {"start": {"weights": "principal"}}
        raw["models"]["principal"] = {"extends": "tiny-deep", **start}
        raw["study"]["endings"] = section

    config = tiny(change)
    found = runs(config, "endings")
    for noise in ("fixed-10", "fixed-1"):
        for model, seeds in (("tiny-deep", (0, 7)), ("tiny-long", (0, 7)), ("principal", (3,))):
            assert {Run(model, DATA, 3, noise, seed) for seed in seeds} <= set(found)
    assert Run("tiny-deep", DATA, 2, "fixed-1", 5) in found
    assert len(found) == 2 * 5 + 1


def test_reopened_runs_are_evidence():
    entry = ENDINGS["recipes"][0] | {"reopened": {"updates": 5, "rate": 0.25}}
    config = only(recipes=recipes({1: ["tiny-deep"]}), endings=ENDINGS | {"recipes": [entry]})
    files = [file for file in config.study.evidence(config.names()) if file.file == "graft.json"]
    assert {file.variant for file in files} == {"certificate-5-0.25"}
    assert {file.run.model for file in files} == {"tiny-deep"}
    assert len(files) == 2 * 2


def test_the_noise_that_is_drawn_is_one_that_is_run():
    with pytest.raises(ConfigError) as caught:
        only(recipes=recipes({1: ["tiny-deep"]}), endings=ENDINGS | {"drawn_at": 3})
    assert str(caught.value) == (
        "study.endings.drawn_at: no recipe with k = 3 runs at sigma^2 = 3; take one of its "
        "noise_variances"
    )


def test_a_small_rate_has_no_exponent_in_a_name():
    reopened = {"updates": 5, "rate": 1e-5}
    entry = ENDINGS["recipes"][0] | {"reopened": reopened}
    config = only(recipes=recipes({1: ["tiny-deep"]}), endings=ENDINGS | {"recipes": [entry]})
    (variant,) = {file.variant for file in config.study.endings.tabulated(config.names())}
    assert variant == "certificate-5-0.00001"


TWICE = {"epochs": 8}


@pytest.mark.parametrize(
    ("role", "change", "problem"),
    [
        ("longer", {"training": TWICE}, None),
        ("longer", {"training": TWICE, "job": {"records": 9}}, None),
        ("longer", {"training": TWICE | {"warmup_steps": 1}}, None),
        ("longer", {"training": {"epochs": 9}}, "must have twice the steps (or epochs)"),
        (
            "longer",
            {"training": {"epochs": None, "steps": 100}},
            "must have twice the steps (or epochs)",
        ),
        (
            "longer",
            {"training": TWICE | {"learning_rate": 0.002}},
            "differs in training.learning_rate too",
        ),
        ("longer", {"training": TWICE | {"kl_annealing": 0.5}}, "differs in training.kl_annealing"),
        ("longer", {"training": TWICE, "start": {"weights": "principal"}}, "differs in start.wei"),
        ("longer", {"training": TWICE, "decoder": {"hidden": [8, 8]}}, "differs in decoder.hidden"),
        ("slower", {"training": TWICE | {"learning_rate": 0.0005}}, None),
        (
            "slower",
            {"training": TWICE | {"learning_rate": 0.0005, "noise_learning_rate": 0.1}},
            None,
        ),
        ("slower", {"training": TWICE | {"learning_rate": 0.0004}}, "must have half the learning"),
        ("slower", {"training": TWICE}, "must have half the learning rate"),
        ("slower", {"training": {"learning_rate": 0.0005}}, "must have twice the steps"),
        ("other_start", {"start": {"weights": "principal"}}, None),
        ("other_start", {}, "starts from the same weights"),
        (
            "other_start",
            {"start": {"weights": "principal"}, "training": {"learning_rate": 0.002}},
            "differs in training.learning_rate too",
        ),
    ],
)
def test_a_variant_of_a_recipe_differs_from_it_as_its_role_says(role, change, problem):
    def variant(raw):
        raw["models"]["variant"] = {"extends": "tiny-deep", **change}
        entry = {"model": "tiny-deep", role: "variant", "noise_variances": [1]}
        raw["study"]["endings"] = ENDINGS | {"recipes": [entry]}

    if problem is None:
        assert {run.model for run in runs(tiny(variant), "endings")} == {"tiny-deep", "variant"}
        return
    with pytest.raises(ConfigError) as caught:
        tiny(variant)
    told = f"study.endings.recipes: {role} 'variant' of 'tiny-deep' {problem}"
    assert str(caught.value).startswith(told)


def test_recipes_of_one_setting_differ_from_their_base():
    section = {"base": "tiny-deep", "models": ["tiny-same"], "noises": ["fixed-1"], "seeds": [0]}

    def change(raw):
        raw["models"]["tiny-same"] = {"extends": "tiny-deep", "job": {"records": 3}}
        raw["study"]["one_setting"] = {"data": "logit-first60", "n_latent": 3, **section}

    with pytest.raises(ConfigError) as caught:
        tiny(change)
    assert str(caught.value) == (
        "study.one_setting.models: 'tiny-same' has the settings of 'tiny-deep'"
    )


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
    without = {name for name, part in config.study.sections() if not part.evidence(names)}
    assert without == {"autoencoder"}
    together = config.study.evidence(names)
    assert len(together) == len(set(together))
    assert Product("maxima.csv", data=DATA, variant="at4") in together
    lying = places(config)
    for kind in ("restarts", "hessian"):
        (table,) = (file for file in together if file.file == f"{kind}.csv")
        pattern = f"results/{kind}/{table.data}/{ADDRESS_PATTERN}/{kind}.csv"
        assert re.fullmatch(pattern, lying[table])
    assert set(runs_of(together)) <= set(config.study.all_runs(names))
    assert set(together) <= set(lying)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_reads_its_own_runs_and_its_data(figure):
    config = tiny()
    source, names = FIGURES[figure], config.names()
    section = getattr(config.study, source.section)
    files = figure_inputs(config.study, names, figure)
    assert files
    assert len(files) == len(set(files))
    assert set(files) <= set(places(config))
    read = runs_of(files)
    assert set(read) <= set(runs(config, source.section))
    assert bool(read) == bool(source.files)
    assert {file.file for file in files if file.run} == set(source.files)
    data = [names.data(variant) for variant in section.variants()]
    spectra = {Product("spectrum.npz", data=name) for name in data}
    others = {file for file in files if not file.run}
    tables = set(section.drawn(names))
    assert tables <= others
    assert others - tables == (spectra if source.spectrum else set())
    assert bool(tables) == (source.section in ("latent_dim", "saddles"))


def test_figures_of_one_kind_of_noise_read_that_kind():
    config = tiny()
    for figure, kind in (("fig7_collapse_learned", "learned"), ("fig8_collapse_fixed", "fixed")):
        files = figure_inputs(config.study, config.names(), figure)
        read = runs_of(files)
        assert read
        assert all(run.noise.startswith(f"{kind}-") for run in read)


def read_by(config, figure):
    """Runs that a figure reads, in order."""
    return runs_of(figure_inputs(config.study, config.names(), figure))


def test_samples_are_of_the_first_seed_of_every_recipe_with_fixed_noise():
    section = recipes({1: ["tiny-deep", "tiny-long"]}, {1: ["tiny-deep"]}, seeds=[4, 2])
    config = only(recipes=section)
    assert read_by(config, "fig12_samples") == [
        Run(model, DATA, 3, "fixed-1", 4) for model in ("tiny-deep", "tiny-long")
    ]


def test_annealing_is_drawn_from_the_fixed_runs_of_its_pairs():
    cells = {1: ["tiny-long", "tiny-deep", "tiny-annealed"]}
    config = only(recipes=recipes(cells, cells, seeds=[4, 2], **ANNEALING))
    assert read_by(config, "fig13_kl_annealing") == [
        Run(model, DATA, 3, "fixed-1", seed)
        for model in ("tiny-deep", "tiny-annealed")
        for seed in (4, 2)
    ]


def test_collapse_is_drawn_from_every_recipe_of_that_kind_of_noise():
    section = recipes({1: ["tiny-long", "tiny-deep"]}, {2: ["tiny-annealed"]}, seeds=[4])
    config = only(recipes=section)
    assert read_by(config, "fig7_collapse_learned") == [
        Run("tiny-annealed", DATA, 3, "learned-2", 4)
    ]
    assert read_by(config, "fig8_collapse_fixed") == [
        Run(model, DATA, 3, "fixed-1", 4) for model in ("tiny-long", "tiny-deep")
    ]
    assert read_by(config, "fig11_theory_vs_deep") == runs(config, "recipes")


@pytest.mark.parametrize("learned", [{}, {1: ["tiny-deep"]}])
@pytest.mark.parametrize("annealing", [{}, ANNEALING])
def test_figures_without_anything_to_show_are_not_asked_for(learned, annealing):
    config = only(recipes=recipes({1: ["tiny-deep", "tiny-annealed"]}, learned, **annealing))
    always = {"fig8_collapse_fixed", "fig11_theory_vs_deep", "fig12_samples"}
    always |= {"fig15_residual_spectrum", "fig17_inference"}
    asked = always | ({"fig7_collapse_learned"} if learned else set())
    assert set(figures(config.study)) == asked | ({"fig13_kl_annealing"} if annealing else set())


def test_sizes_and_single_settings_are_not_drawn():
    base = recipes({1: ["tiny-deep"]})
    config = only(recipes=base, sizes={"cases": [case("logit-first60", 2)]})
    assert figures(config.study) == figures(only(recipes=base).study)


# --- names and addresses --------------------------------------------------------------------------


def set_at(*path, value):
    def change(raw):
        for key in path[:-1]:
            raw = raw.setdefault(key, {})
        raw[path[-1]] = value

    return change


MODEL = ("models", "tiny-deep")
# The model and those that extend it.
MUON = {"tiny-muon", "tiny-muon-slow"}
DEEP = {"tiny-deep", "tiny-annealed", "tiny-skip", "tiny-long", *MUON}
MEASURED = ("metrics.json", "kl.npz", "samples.npz", "residual.npz")


def is_weights(file):
    return file.file == "model.safetensors"


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ((*MODEL, "training", "learning_rate"), 0.002, DEEP - MUON),
        ((*MODEL, "start", "scale"), 0, DEEP),
        ((*MODEL, "job", "records"), 6, DEEP),
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
def test_where_weights_lie_follows_the_settings_of_their_model(path, value, changed):
    before, after = places(tiny()), places(tiny(set_at(*path, value=value)))
    # Every model of the study has runs.
    assert {file.run.model for file in before if file.run} == set(tiny().models)
    assert {file.run.model for file in moved(before, after) if is_weights(file)} == changed


def test_all_weights_follow_the_threads_and_auto_follows_the_device():
    before = places(tiny())
    after = places(tiny(set_at("threads", value=2)))
    weights = {file for file in before if is_weights(file)}
    assert weights <= moved(before, after)
    config = tiny(set_at(*MODEL, "job", "device", value="auto"))
    assert not {file for file in moved(before, places(config)) if file.run}
    on_gpu = {file.run.model for file in moved(before, places(config, "cuda")) if file.run}
    assert on_gpu == DEEP


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("delta", 0.05),
        ("draws", 9),
        ("epsilon", 0.2),
        ("importance_draws", 9),
        ("inference_images", 9),
    ],
)
def test_what_is_measured_of_deep_runs_alone_follows_the_measurement(key, value):
    before, after = places(tiny()), places(tiny(set_at("measurement", key, value=value)))
    assert before.keys() == after.keys()
    of_runs = {file for file in moved(before, after) if file.run}
    deep = {file.run for file in before if file.run and file.run.model in DEEP}
    measured = {Product(name, run=run) for run in deep for name in MEASURED}
    grafts = {file for file in before if file.variant and file.run}
    assert grafts
    assert of_runs == measured | grafts


def test_a_model_that_no_section_names_changes_the_record_and_the_page_alone():
    spare = set_at("models", "spare", value={"extends": "tiny-adam"})
    before, after = places(tiny()), places(tiny(spare))
    assert before.keys() == after.keys()
    assert {file.file for file in moved(before, after)} == {"study.json", "index.html"}


def test_data_settings_show_in_the_names_of_the_data_that_they_concern():
    config = tiny(set_at("preprocess", value={"seed": 3, "logit_lambda": 0.05}))
    names = config.names()
    assert names.data("logit-first60") == "mnist-logit-first60-test20-seed3-lambda0.05"
    assert names.data("pixels-first60") == "mnist-pixels-first60-test20"


def test_names_survive_json():
    for config in (tiny(), tiny(set_at("preprocess", "logit_lambda", value=0.05))):
        names = config.names()
        assert Names.from_dict(json.loads(json.dumps(names.to_dict()))) == names


@pytest.mark.parametrize("name", ["tiny", "default"])
def test_a_study_is_rebuilt_from_what_jobs_are_told_of_it(name):
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    study = load(raw).study if name == "default" else tiny().study
    assert Study.model_validate(json.loads(json.dumps(study.identity()))) == study


def test_jobs_of_tables_are_told_what_the_section_says():
    config = tiny()
    names = config.names()
    restarts, stationary = config.study.restarts, config.study.stationary
    assert restarts.job == {"n_latent": 3, "scales": [1.0], "seeds": [0]}
    assert stationary.job == {"n_latent": 2, "noise_at": [4]}
    assert config.study.saddles.job == {"n_latents": [2]}
    points, paths = config.study.saddles.drawn(names)
    assert points == config.study.saddles.table(names)
    before = places(config)
    assert Path(before[points]).parent == Path(before[paths]).parent
    assert points != paths


@pytest.mark.parametrize(
    ("section", "key", "value", "files"),
    [
        ("restarts", "scales", [2.0], {"restarts.csv"}),
        ("saddles", "n_latents", [3], {"points.csv", "paths.csv"}),
        ("stationary", "noise_at", [4, 6], {"hessian.csv"}),
        # What is drawn decides no table.
        ("stationary", "directions", [5, 6], set()),
    ],
)
def test_where_a_table_lies_follows_its_own_section(section, key, value, files):
    before, after = places(tiny()), places(tiny(set_at("study", section, key, value=value)))
    tables = {file.file for file in moved(before, after) if file.data}
    assert tables == files


@pytest.mark.parametrize(("hidden", "told"), [([6], 0), ([5], 1), ([9, 5], 1), ([6, 6], 0)])
def test_networks_that_cannot_hold_the_linear_solution_are_named(hidden, told):
    def narrow(raw):
        raw["models"]["tiny-deep"]["decoder"] = {"hidden": hidden}

    config = tiny(narrow)
    runs = [run for run in config.study.all_runs(config.names()) if run.model == "tiny-deep"]
    found = remarks(config.models, runs)
    # Cases of two latents need four units.
    assert len(found) == told
    if told:
        assert found[0].startswith(
            "models.tiny-deep: a hidden layer of 5 units cannot hold the linear solution of 3"
        )


# --- grafts --------------------------------------------------------------------------------------

GRAFTS = {
    "data": "logit-first60",
    "n_latent": 3,
    "runs_of": [
        {"models": ["tiny-deep"], "noise_variances": [1]},
        {"models": ["tiny-deep"], "noise_variances": [10]},
    ],
    "updates": 4,
    "seeds": [0, 1],
}


def test_grafts_go_on_with_runs_that_others_share():
    config = only(recipes=recipes({1: ["tiny-deep"]}), grafts=GRAFTS)
    found = runs(config, "grafts")
    assert found == [
        Run("tiny-deep", DATA, 3, noise, seed)
        for noise in ("fixed-1", "fixed-10")
        for seed in (0, 1)
    ]
    assert set(found) & set(runs(config, "recipes"))


def test_grafts_are_judged_by_every_arm_beside_the_run():
    config = only(grafts=GRAFTS | {"seeds": [0]})
    names = config.names()
    first, _ = runs(config, "grafts")
    evidence = config.study.evidence(names)
    assert len(evidence) == 2 * (1 + len(ARMS))
    lying = places(config)
    for arm in ARMS:
        file = config.study.grafts.file(first, arm)
        assert file in evidence
        assert file.run == first
        # Measured otherwise, it is another file.
        folder = lying[Product("metrics.json", run=first)].removesuffix("metrics.json")
        below = lying[file].removeprefix(f"{folder}graft-{arm}-4/")
        assert re.fullmatch(f"{ADDRESS_PATTERN}/graft.json", below)


@pytest.mark.parametrize("section", ["grafts", "likelihood"])
def test_runs_are_trained_on_for_updates_beyond_the_warm_up(section):
    def change(raw):
        raw["study"] = {section: GRAFTS}
        raw["models"]["tiny-deep"]["training"]["warmup_steps"] = 4

    message = f"study.{section}.updates: 4 are no more than the warmup_steps of 'tiny-deep'"
    with pytest.raises(ConfigError, match=re.escape(message)):
        tiny(change)


# --- likelihood ----------------------------------------------------------------------------------


def test_either_bound_goes_on_with_runs_that_others_share():
    config = only(grafts=GRAFTS, likelihood=GRAFTS)
    assert runs(config, "likelihood") == runs(config, "grafts")
    evidence = config.study.evidence(config.names())
    assert len(evidence) == 4 * (1 + len(ARMS) + len(BOUNDS))


def test_both_bounds_have_a_job_below_the_measured_run():
    section = GRAFTS | {"seeds": [0], "draws": 5, "rate": 0.00005}
    config = only(likelihood=section)
    first, _ = runs(config, "likelihood")
    plan = plan_study(config, WORKFLOW)
    jobs = [job for job in plan.jobs.values() if job.program == "likelihood"]
    assert len(jobs) == 2 * len(BOUNDS)
    lying = {product_of(job.outputs["metrics"]): job for job in jobs}
    folder = places(config)[Product("metrics.json", run=first)].removesuffix("metrics.json")
    for bound in BOUNDS:
        file = config.study.likelihood.file(first, bound)
        assert (file.file, file.variant) == ("likelihood.json", f"{bound}-5-4-0.00005")
        job = lying[file]
        below = job.outputs["metrics"].removeprefix(f"{folder}graft-{file.variant}/")
        assert re.fullmatch(f"{ADDRESS_PATTERN}/likelihood.json", below)
        assert job.inputs["measured"] == f"{folder}metrics.json"
        told = {name: job.settings[name] for name in ("bound", "draws", "updates", "rate")}
        assert told == {"bound": bound, "draws": 5, "updates": 4, "rate": 0.00005}
    assert len({job.address for job in jobs}) == len(jobs)


def test_no_arm_of_a_graft_is_taken_for_a_bound():
    assert WayOn.parse("iwae-8-1000-0.1") == WayOn("iwae", 8, 1000, 0.1)
    for variant in ("none-1000", "certificate-1000-0.1", "random-4"):
        assert WayOn.parse(variant) is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("draws", 1, "study.likelihood.draws: Input should be greater than or equal to 2"),
        ("rate", 2, "study.likelihood.rate: Input should be less than or equal to 1"),
        ("rate", 0, "study.likelihood.rate: Input should be greater than 0"),
        ("updates", 0, "study.likelihood.updates: Input should be greater than 0"),
        ("runs_of", [], "study.likelihood.runs_of: give at least one"),
        ("n_latent", 59, "study.likelihood.n_latent: 59 is more than the 58 that 60 images allow"),
        ("drwas", 3, "study.likelihood.drwas: unknown key, did you mean 'draws'?"),
        (
            "runs_of",
            [{"models": ["tiny-adam"], "noise_variances": [1]}],
            "study.likelihood.runs_of: 'tiny-adam' must be a model with a decoder that is not",
        ),
    ],
)
def test_what_cannot_be_trained_on_is_one_clear_line(key, value, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        only(likelihood=GRAFTS | {key: value})
