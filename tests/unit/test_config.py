"""A configuration is a valid study or a few short lines, whatever is in it."""

import copy
import json
import re
from pathlib import Path, PurePosixPath

import pytest
import yaml
from configured import configuration
from hypothesis import given, settings
from hypothesis import strategies as st
from snakemake.utils import update_config

from linvae.config.configuration import ConfigError, StudyConfig, load, merged
from linvae.config.study_name import configured, from_module, named
from linvae.planning.images import Origin
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

ROOT = Path(__file__).parents[2]
WORKFLOW = Workflow.beside(ROOT, keep=False)


def over(base, top):
    """Lay an overlay on a configuration, as Snakemake does."""
    merged = dict(base)
    for key, value in top.items():
        nested = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = over(base[key], value) if nested else value
    return merged


def read(*names):
    """Return the default configuration under overlays."""
    raw = {}
    for name in ("config.yaml", *names):
        raw = over(raw, yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))
    return raw


DEFAULT = read()
TINY = read("tests/workflow/tiny.yaml")
FIXED = ("study", "recipes", "fixed", 0)
CASE = ("study", "sizes", "cases", 0)
ENDING = ("study", "endings", "recipes", 0)
OVERLAYS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "config").glob("*.yaml"))
# Which one another is made for.
BELOW = {"config/pilot.yaml": ["config/rates.yaml"]}


def paths(value, path=()):
    """Every place in a nested structure."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from paths(item, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def changed(path, value, base=TINY):
    """Copy a configuration with one value replaced, or added."""
    raw = copy.deepcopy(base)
    at(raw, path[:-1])[path[-1]] = value
    return raw


def message(raw):
    with pytest.raises(ConfigError) as caught:
        load(raw)
    return str(caught.value)


@pytest.mark.parametrize("overlay", [None, *OVERLAYS, "tests/workflow/tiny.yaml"])
def test_every_configuration_of_the_project_is_valid(overlay):
    overlays = [*BELOW.get(overlay, []), *filter(None, [overlay])]
    assert isinstance(load(read(*overlays)), StudyConfig)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("datset",), {}, "datset: unknown key, did you mean 'dataset'?; allowed: name, dataset, "),
        (("study", "liner"), None, "study.liner: unknown key, did you mean 'linear'?"),
        (
            ("models", "tiny-relu", "training", "learning_rte"),
            0.1,
            "models.tiny-relu.training.learning_rte: unknown key, did you mean 'learning_rate'?",
        ),
        (("training",), {}, "training: unknown key"),
        (("models", "tiny-adam", "start"), {"whiten": True}, "tiny-adam.start.whiten: unknown key"),
        (("study", "recipes", "epsilon"), 0.1, "study.recipes.epsilon: unknown key"),
        (("measurement", "epsilon"), 0, "measurement.epsilon: Input should be greater than 0"),
        (("margins",), {"latent": 7}, "margins.latent: unknown key, did you mean 'latents'?"),
        (("margins",), {"elbo": -2}, "margins.elbo: Input should be greater than 0"),
        (("margins",), {"level": 95}, "margins.level: Input should be less than 1"),
        (("checkpoint_seconds",), -1, "checkpoint_seconds: Input should be greater than or equal"),
        (("name",), "../x", "name: "),
        (("name",), "a b", "name: "),
        (("name",), "", "name: "),
        (("name",), "train", "results/train holds what studies share; give the study another name"),
        (("threads",), "two", "threads: Input should be a whole number (found 'two')"),
        (("threads",), True, "threads: Input should be a whole number (found True)"),
        (("study", "linear", "n_latent"), 0, "study.linear.n_latent: "),
        (("study", "linear", "n_latent"), 784, "784 must be less than 784, the number of pixels"),
        (("study", "linear", "n_latent"), 59, "59 is more than the 58 that 60 images allow"),
        (("study", "latent_dim", "n_latents"), [0], "study.latent_dim.n_latents.0: "),
        (("study", "linear", "noise"), "fixed-0", "study.linear.noise: noise 'fixed-0'"),
        (("study", "linear", "noise"), "fixed--1", "study.linear.noise: noise 'fixed--1'"),
        (("study", "linear", "noise"), "fixed-0.10", "write 'fixed-0.1'"),
        ((*FIXED, "noise_variances"), [-1], "study.recipes.fixed.0.noise_variances.0: "),
        ((*FIXED, "noise_variances"), [1, 1.0], "must differ from one another"),
        ((*FIXED, "noise_variances"), [1e-300], "between 1.0e-9 and 1.0e9"),
        ((*FIXED, "noise_variance"), [1], "fixed.0.noise_variance: unknown key, did you mean 'noi"),
        (("study", "recipes", "fixed"), [], "study.recipes.fixed: give at least one"),
        (("study", "recipes", "seeds"), [0, 0], "study.recipes.seeds: values must differ"),
        (("study", "endings", "recipes"), [], "study.endings.recipes: give at least one"),
        ((*ENDING, "reopened", "rate"), 2, "study.endings.recipes.0.reopened.rate: "),
        (("study", "sizes", "cases"), [], "study.sizes.cases: give at least one"),
        ((*CASE, "noise"), "fixed-0", "study.sizes.cases.0.noise: noise 'fixed-0'"),
        (("study", "linear", "data"), "logit-1000", "{pixels|logit}-first<n>"),
        (("study", "linear", "data"), "logit-first1", "study.linear.data: logit-first1 leaves no"),
        (("study", "recipes", "data"), "pixels-first2", "study.recipes.data: pixels-first2 leaves"),
        (("study", "linear", "adam"), "tiny-adm", "did you mean 'tiny-adam'?"),
        (
            ("study", "linear", "lbfgs"),
            "tiny-adam",
            "'tiny-adam' must be a model with optimizer lbfgs",
        ),
        (
            ("study", "recipes", "learned", 0, "models"),
            ["tiny-deep", "tiny-adam"],
            "study.recipes.learned: 'tiny-adam' must be a model with a decoder that is not linear",
        ),
        (
            (*FIXED, "models"),
            ["tiny-deep", "tiny-annealed", "tiny-relu"],
            "study.recipes.fixed: 'tiny-relu' must be a model with a decoder that is not linear",
        ),
        (
            (*CASE, "models"),
            ["tiny-adam"],
            "study.sizes.cases: 'tiny-adam' must be a model with a decoder that is not linear",
        ),
        (
            (*FIXED, "models"),
            ["tiny-deep", "tiny-annealed", "tiny-dep"],
            "study.recipes.fixed: `models` holds no 'tiny-dep', did you mean 'tiny-deep'?",
        ),
        (
            ("study", "recipes", "annealing"),
            [["tiny-deep", "tiny-aneald"]],
            "study.recipes.annealing: `models` holds no 'tiny-aneald', did you mean",
        ),
        (
            (*ENDING, "longer"),
            "tiny-lng",
            "study.endings.recipes: `models` holds no 'tiny-lng', did you mean 'tiny-long'?",
        ),
        (
            (*CASE, "models"),
            ["tiny-dep"],
            "study.sizes.cases: `models` holds no 'tiny-dep', did you mean 'tiny-deep'?",
        ),
        (
            ("study", "recipes", "annealing"),
            [["tiny-annealed", "tiny-deep"]],
            "study.recipes.annealing: [tiny-annealed, tiny-deep] must be a recipe without and one "
            "with kl_annealing",
        ),
        (
            ("study", "recipes", "annealing"),
            [["tiny-deep", "tiny-long"]],
            "study.recipes.annealing: [tiny-deep, tiny-long] must be a recipe without and one",
        ),
        (
            (*FIXED, "models"),
            ["tiny-deep"],
            "study.recipes.annealing: [tiny-deep, tiny-annealed] have no noise variance in common",
        ),
        (
            ("study", "recipes", "as_in_paper"),
            "tiny-long",
            "study.recipes.as_in_paper: 'tiny-long' is no recipe of this section",
        ),
        (
            (*ENDING, "longer"),
            "tiny-annealed",
            "study.endings.recipes: longer 'tiny-annealed' of 'tiny-deep' must have twice",
        ),
        (("study", "recipes", "n_latent"), 59, "study.recipes.n_latent: 59 is more than the 58"),
        (
            (*CASE, "n_latent"),
            59,
            "study.sizes.cases: 59 is more than the 58 that 60 images allow",
        ),
        (
            ("study", "encoders", "models"),
            ["tiny-deep"],
            "that is a VAE with a linear decoder",
        ),
        (("study", "stochastic", "pairs"), [["tiny-sampled", "tiny-adam"]], "in this order"),
        (("dataset", "name"), "MNITS", "did you mean 'MNIST'?"),
        (("dataset", "name"), "KMNIST", "embedded holds MNIST only, not KMNIST"),
        (("dataset", "source"), "dowload", "did you mean 'download'?"),
        (("models", "x"), {"extends": "tiny-adm"}, "models.x.extends: no model 'tiny-adm', did"),
        (("models", "x"), {"extends": ["tiny-adam"]}, "models.x.extends: no model"),
        (("models", "x"), {"extends": "x"}, "models.x.extends: x -> x is a circle"),
        (("models", "x"), {}, "models.x.training: this key is required"),
        (("models",), {}, "models: "),
        (("models",), None, "models: "),
        (("study",), [], "study: "),
        (("figures", "fig1_elbo_v_ppca"), {}, "did you mean 'fig1_elbo_vs_ppca'?"),
        (("figures",), {"fig1_elbo_vs_ppca": {"dip": 200}}, "did you mean 'dpi'?"),
    ],
)
def test_a_mistake_is_one_clear_line(path, value, expected):
    text = message(changed(path, value))
    assert expected in text
    assert "\n" not in text


def test_each_of_several_mistakes_has_its_line():
    raw = changed(("threads",), 0)
    raw["dataset"]["n_test"] = "many"
    assert [line.split(":")[0] for line in message(raw).splitlines()] == [
        "dataset.n_test",
        "threads",
    ]


@pytest.mark.parametrize("raw", [None, [], "text", 3])
def test_what_is_no_mapping_is_refused(raw):
    assert "must be a mapping" in message(raw)


@pytest.mark.parametrize(
    "name", ["../../x", "a/b", "a..b", ".a", "{k}", "a b", "A", "", "a\n", "a" * 81, "-x", "*", "~"]
)
def test_a_model_name_cannot_leave_its_folder(name):
    raw = changed(("models", name), {"extends": "tiny-adam"})
    assert "models" in message(raw)


@pytest.mark.parametrize("value", ["fixed-1/../..", "learned-1 ", "fixed-1\n", "fixed-١", "../x"])
def test_a_noise_name_cannot_leave_its_folder(value):
    assert "study.linear.noise" in message(changed(("study", "linear", "noise"), value))


@pytest.mark.parametrize(
    "value", ["logit-first10/..", "logit-all\n", "../logit-all", "logit-first١"]
)
def test_a_data_name_cannot_leave_its_folder(value):
    assert "study.linear.data" in message(changed(("study", "linear", "data"), value))


@pytest.mark.parametrize("more", ["-test7", "-seed3", "-lambda0.1", "-test1000", "-seed0"])
def test_what_is_set_for_all_data_is_not_said_of_one_variant(more):
    text = message(changed(("study", "latent_dim", "data"), ["logit-first60" + more]))
    assert f"'logit-first60{more}' says more than 'logit-first60'" in text
    assert "\n" not in text


def test_every_folder_that_studies_share_is_no_studys():
    plan = plan_study(load(TINY), WORKFLOW)
    folders = [job.folder for address, job in plan.jobs.items() if address != plan.final]
    shared = {folder.split("/")[1] for folder in folders}
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        shared.update(re.findall(r"results/(\w+)/", path.read_text(encoding="utf-8")))
    assert {"data", "train", "report", "logs", "benchmarks"} < shared
    for name in shared:
        assert f"results/{name} holds what studies share" in message(changed(("name",), name))


@pytest.mark.parametrize(
    ("overlays", "command_line", "name"),
    [
        ([], None, "default"),
        (["other.yaml"], None, "other"),
        (["named.yaml"], None, "given"),
        (["named.yaml", "other.yaml"], None, "other"),
        (["other.yaml", "named.yaml"], None, "given"),
        (["other.yaml"], {"threads": 2, "name": "mine"}, "mine"),
    ],
)
def test_a_study_has_the_name_of_its_last_overlay(tmp_path, overlays, command_line, name):
    texts = {"other.yaml": "threads: 2\n", "named.yaml": "name: given\n"}
    raw = {"name": "default", "threads": 1}
    for file in overlays:
        (tmp_path / file).write_text(texts[file])
        raw |= yaml.safe_load(texts[file])
    raw |= command_line or {}
    found = named(raw, [tmp_path / file for file in overlays], command_line)
    assert found == {**raw, "name": name}


@pytest.mark.parametrize("overlay", [*OVERLAYS, "tests/workflow/tiny.yaml"])
def test_files_are_merged_as_snakemake_merges_them(overlay):
    overlays = [*BELOW.get(overlay, []), overlay]
    expected = configuration(ROOT, *overlays)
    found = configured(ROOT / "config.yaml", [ROOT / path for path in overlays])
    # An overlay without a name has that of its file.
    told = yaml.safe_load((ROOT / overlay).read_text(encoding="utf-8"))
    assert found.name == told.get("name", Path(overlay).stem)
    assert found.model_copy(update={"name": expected.name}) == expected


PLAIN_VALUES = [1, None, [], [1], "x"]


@pytest.mark.parametrize("base", [*PLAIN_VALUES, {}, {"y": 1}, {"y": {"z": 1}}])
@pytest.mark.parametrize("over", [*PLAIN_VALUES, {"y": None}, {"y": {"w": 1}, "v": {}}])
def test_values_of_any_kind_are_merged_as_snakemake_merges_them(base, over):
    expected = {"a": copy.deepcopy(base), "b": 1}
    update_config(expected, {"a": over})
    assert merged({"a": base, "b": 1}, {"a": over}) == expected


@pytest.mark.parametrize("base", [{}, {"y": 1}, {"y": {"z": 1}}])
def test_an_empty_mapping_changes_no_mapping(base):
    expected = {"a": copy.deepcopy(base)}
    update_config(expected, {"a": {}})
    assert merged({"a": base}, {"a": {}}) == expected == {"a": base}


@pytest.mark.parametrize("base", PLAIN_VALUES)
def test_an_empty_mapping_changes_no_plain_value(base):
    expected = {"a": base}
    update_config(expected, {"a": {}})
    assert merged({"a": base}, {"a": {}}) == expected


def test_files_are_merged_in_order(tmp_path):
    for name, seeds in (("one", "[1]"), ("two", "[2]")):
        text = f"threads: {len(name)}\nstudy: {{linear: {{seeds: {seeds}}}}}\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    overlays = [tmp_path / f"{name}.yaml" for name in ("one", "two")]
    assert configured(ROOT / "config.yaml").name == "default"
    for order in (overlays, overlays[::-1]):
        found = configured(ROOT / "config.yaml", order)
        last = order[-1].stem
        assert (found.name, found.study.linear.seeds) == (last, ({"one": 1, "two": 2}[last],))
    assert found.models == load(DEFAULT).models


def test_a_file_that_is_none_and_a_study_that_is_none_are_told(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        configured(ROOT / "config.yaml", [tmp_path / "mine.yaml"])
    (tmp_path / "mine.yaml").write_text("datset: {}\n")
    with pytest.raises(ConfigError, match="^datset: unknown key"):
        configured(ROOT / "config.yaml", [tmp_path / "mine.yaml"])


def test_values_given_one_by_one_make_another_study_which_needs_a_name():
    with pytest.raises(ConfigError, match="--config changes threads, n, which makes another"):
        named({"name": "default"}, (), {"threads": 2, "n": 1})


def test_a_file_whose_name_is_no_studys_is_told_in_one_line(tmp_path):
    (tmp_path / "my study.yaml").write_text("threads: 2\n")
    assert message(named(TINY, [tmp_path / "my study.yaml"])).startswith("name: ")


def test_auto_is_told_as_the_device_that_it_means():
    config = load(changed(("models", "tiny-adam", "job"), {"device": "auto"}))
    for device in ("cpu", "cuda"):
        settled = config.model_on("tiny-adam", device)
        assert settled.identity()["job"]["device"] == device
        # Of all that it says, the device alone is settled.
        job = settled.job.model_copy(update={"device": "auto"})
        assert settled.model_copy(update={"job": job}) == config.models["tiny-adam"]
    assert config.model_on("tiny-deep", "cuda").job.device == "cpu"


def test_extends_takes_the_other_model_as_a_base():
    raw = changed(("models", "x"), {"extends": "tiny-deep", "training": {"learning_rate": 0.5}})
    models = load(raw).models
    base, made = models["tiny-deep"], models["x"]
    assert made.training.learning_rate == 0.5
    assert made.encoder == base.encoder
    assert made.training.model_copy(update={"learning_rate": 0.001}) == base.training


def test_numbers_that_yaml_reads_as_text_still_count():
    training = {"objective": "analytic", "steps": 10, "learning_rate": "1e-3"}
    assert load(changed(("models", "x"), {"training": training})).models["x"].training.learning_rate


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 2000),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=12),
    st.sampled_from(["../../x", "{data}", "fixed-1", "logit-first9", "tiny-relu", "1e-3", 10**400]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.text(max_size=8), st.integers()), inner, max_size=3),
    ),
    max_leaves=4,
)
PLACES = [path for path in paths(TINY) if path]


@st.composite
def mutations(draw):
    """A configuration with one to three random edits."""
    raw = copy.deepcopy(TINY)
    for _ in range(draw(st.integers(1, 3))):
        places = [path for path in paths(raw) if path]
        path = draw(st.sampled_from(places))
        parent, key = at(raw, path[:-1]), path[-1]
        kind = draw(st.sampled_from(["replace", "delete", "rename", "add", "swap"]))
        if kind == "replace":
            parent[key] = draw(VALUES)
        elif kind == "delete":
            del parent[key]
        elif kind == "rename" and isinstance(parent, dict):
            letters = list(str(key))
            letters.insert(draw(st.integers(0, len(letters))), draw(st.characters()))
            parent["".join(letters)] = parent.pop(key)
        elif kind == "add" and isinstance(parent, dict):
            parent[draw(st.text(max_size=8))] = draw(VALUES)
        else:
            parent[key] = copy.deepcopy(at(raw, draw(st.sampled_from(places))))
        if not any(paths(raw)):
            break
    return raw


def test_what_is_long_is_cut():
    raw = copy.deepcopy(TINY)
    raw["models"]["tiny-relu"]["extends"] = [10**300]
    with pytest.raises(ConfigError) as told:
        load(raw)
    assert len(str(told.value)) < 200
    raw = copy.deepcopy(TINY)
    raw["study"]["linear"]["data"] = "logit-first" + 300 * "9" + "x"
    raw["study"][300 * "y"] = {}
    with pytest.raises(ConfigError) as told:
        load(raw)
    assert all(len(line) < 400 for line in str(told.value).splitlines())


@settings(max_examples=300, deadline=None, derandomize=True)
@given(mutations())
def test_any_edit_gives_a_study_or_short_lines(raw):
    try:
        config = load(raw)
    except ConfigError as error:
        text = str(error)
    else:
        _check_study(config)
        return
    lines = text.splitlines()
    assert lines
    assert all(": " in line and len(line) < 600 for line in lines), text
    assert "Traceback" not in text
    assert "pydantic" not in text


def _check_study(config):
    plan = plan_study(config, WORKFLOW, origin=Origin(config.dataset.name, "local"))
    made = plan.jobs[plan.final].settings
    files = [f"results/{config.name}/{name}" for name in (*made["files"], *made["runs"])]
    files += [path for job in plan.jobs.values() for path in job.outputs.values()]
    for file in files:
        assert file.startswith("results/")
        assert ".." not in PurePosixPath(file).parts
        assert all(len(part) < 200 for part in PurePosixPath(file).parts)


def test_a_mistake_that_other_models_inherit_is_told_once():
    raw = changed(("models", "deep", "training", "learnin_rate"), 0.1, base=DEFAULT)
    raw["models"]["deep-annealed"]["training"]["kl_annealing"] = "much"
    with pytest.raises(ConfigError) as caught:
        load(raw)
    told = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in told] == [
        "models.deep.training.learnin_rate",
        "models.deep-annealed.training.kl_annealing",
    ]


@pytest.mark.parametrize("models", [None, [], {"deep": None}])
def test_models_that_are_none_are_told_and_not_stumbled_over(models):
    raw = {**DEFAULT, "models": models, "datset": {}}
    with pytest.raises(ConfigError, match="datset: unknown key"):
        load(raw)
    del raw["models"]
    with pytest.raises(ConfigError, match="models: Input should be a valid dictionary"):
        load(raw)


def test_the_whole_configuration_is_rebuilt_from_its_identity():
    raw = yaml.safe_load((ROOT / "config.yaml").read_text())
    config = load(raw)
    told = json.loads(json.dumps(config.identity()))
    assert load(told) == config
    # What is off by default is not told, model by model.
    assert "gradient_clip" not in told["models"]["deep"]["training"]
    assert told["models"]["deep-annealed"]["training"]["kl_annealing"] == 0.5


def test_numbers_that_arrive_as_text_get_a_hint_at_overlays():
    told = message(changed(("study", "linear", "seeds"), ["0", "1"]))
    assert len(told.splitlines()) == 2
    assert told.startswith("study.linear.seeds.0: Input should be a whole number (found '0'), a ")
    assert "--configfile" in told
    assert "--configfile" not in message(changed(("study", "linear", "seeds"), ["many"]))


def test_a_list_is_asked_for_by_that_name():
    told = message(changed(("study", "linear", "seeds"), 3))
    assert told == "study.linear.seeds: give a list in brackets (found 3)"


def test_what_config_passes_on_as_text_is_hinted_at():
    # As Snakemake hands on --config 'study={linear: null}'.
    raw = {**DEFAULT, "study": {**DEFAULT["study"], "linear": "null"}}
    with pytest.raises(ConfigError, match=r"^study\.linear: .*'null'.*so give it in an overlay"):
        load(raw)


def test_a_module_gives_changes_and_a_name():
    with pytest.raises(ConfigError, match="^name: .*must name the study"):
        from_module(DEFAULT, {"threads": 2})
    with pytest.raises(ConfigError, match="^name: "):
        from_module(DEFAULT, None)
    given = from_module(DEFAULT, {"name": "mine", "study": {"linear": None}})
    assert load(given).study.linear is None
    assert given["models"] == DEFAULT["models"]
    assert given["study"]["recipes"] == DEFAULT["study"]["recipes"]
    assert DEFAULT["study"]["linear"] is not None
