"""Only what an edit touches runs again: each test edits a finished study and asks for a plan."""

import os
import resource

import pytest
import yaml
from linvae.study.sections import Study

from linvae.config.load import load
from linvae.study import runs as study

MODULE = "src/linvae/{}.py"
PREPARATION = {"fetch", "preprocess", "spectrum"}
TRAINING = {"train", "solve"}


@pytest.fixture(scope="module")
def settled(finished, tmp_path_factory):
    """One copy for the whole module: every test puts back what it changes."""
    return finished.copy_to(tmp_path_factory.mktemp("incremental") / "project")


@pytest.fixture(scope="module")
def everything(settled, planner):
    """Rules and outputs of the whole study, by planning it in a folder without results."""
    aside = settled.folder.with_name("results-aside")
    (settled.folder / "results").rename(aside)
    try:
        return planner(settled)
    finally:
        aside.rename(settled.folder / "results")


def changed(text):
    """Add a line of code, in the middle of nowhere."""
    return text + "\n_ADDED = 1\n"


def runs_of(jobs):
    """Folders of the runs among some outputs."""
    return {os.path.dirname(path) for path in jobs}


def config_of(project):
    """The validated study, the default configuration included."""
    raw = yaml.safe_load((project.folder / "config.yaml").read_text())

    def over(base, top):
        for key, value in top.items():
            nested = isinstance(value, dict) and isinstance(base.get(key), dict)
            base[key] = over(base[key], value) if nested else value
        return base

    return load(over(raw, project.study()))


def test_the_tiny_study_sets_every_section(settled):
    assert set(settled.study()["study"]) == set(Study.model_fields)


def test_the_tiny_study_runs_every_rule(everything, settled):
    text = "".join(path.read_text() for path in (settled.folder / "workflow").rglob("*.smk"))
    rules = {line.split()[1].rstrip(":") for line in text.splitlines() if line.startswith("rule ")}
    assert set(everything) == rules


def test_a_second_run_does_nothing_in_seconds(settled):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = settled.snakemake("--cores", "2").stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Nothing to be done" in text
    # Ten seconds are promised to users. Processor time is what a busy machine does not stretch.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10


def test_touching_every_source_file_runs_nothing(settled, planner):
    for name in ("src", "workflow", "config", "profiles", "Snakefile", "config.yaml"):
        path = settled.folder / name
        for file in [path, *path.rglob("*")]:
            if file.is_file():
                os.utime(file)
    assert planner(settled) == {}


def test_comments_and_docstrings_run_nothing(settled, planner):
    def edit(text):
        return text.replace('"""', '"""Reworded. ', 1) + "\n# A comment.\n"

    sources = [*(settled.folder / "src").rglob("*.py"), *settled.folder.glob("workflow/**/*.py")]
    edits = {str(path.relative_to(settled.folder)): edit for path in sources}
    assert len(edits) > 30
    with settled.edited(edits):
        assert planner(settled) == {}


def test_a_module_that_nobody_imports_runs_nothing(settled, planner):
    with settled.edited({MODULE.format("nobody"): "X = 1\n"}):
        assert planner(settled) == {}


@pytest.mark.parametrize("module", ["config", "config_errors", "sections", "study", "provenance"])
def test_modules_that_only_plan_run_nothing(settled, planner, module):
    with settled.edited({MODULE.format(module): changed}):
        assert planner(settled) == {}


@pytest.mark.parametrize("module", ["style", "gram", "bands", "linear_curves"])
def test_a_changed_plot_module_redraws_figures_only(settled, planner, module):
    with settled.edited({MODULE.format(f"plots/{module}"): changed}):
        plan = planner(settled)
    assert set(plan) == {"figure"}


def test_a_changed_figure_module_redraws_that_figure(settled, planner):
    for figure in ("fig1_elbo_vs_ppca", "fig6_latent_dim"):
        with settled.edited({MODULE.format(f"plots/{figure}"): changed}):
            assert planner(settled) == {"figure": {f"results/figures/{figure}.png"}}


@pytest.mark.parametrize(
    ("module", "first", "never"),
    [
        ("collapse", {"evaluate_deep"}, PREPARATION | TRAINING | {"ppca", "evaluate"}),
        ("evaluate", {"evaluate"}, PREPARATION | TRAINING | {"ppca", "evaluate_deep"}),
        ("elbo", {"train", "solve", "evaluate", "evaluate_deep"}, PREPARATION),
        ("train", {"train", "evaluate_deep"}, PREPARATION | {"solve", "ppca"}),
        ("solve", {"solve"}, PREPARATION | {"train", "ppca", "evaluate_deep"}),
        ("spectrum", {"spectrum", "ppca", "train", "solve"}, {"fetch", "preprocess"}),
        ("preprocess", {"preprocess", "spectrum", "ppca", "train", "solve"}, {"fetch"}),
    ],
)
def test_a_changed_line_reruns_what_it_reaches(settled, planner, everything, module, first, never):
    with settled.edited({MODULE.format(module): changed}):
        plan = planner(settled)
    assert not never & set(plan)
    for rule in first - {"evaluate", "evaluate_deep"}:
        assert plan[rule] == everything[rule]
    assert first <= set(plan)
    # What follows from new weights or new measurements follows.
    trained = runs_of(plan.get("train", set()) | plan.get("solve", set()))
    measured = runs_of(plan.get("evaluate", set()) | plan.get("evaluate_deep", set()))
    assert trained <= measured
    made = {f"{run}/{name}" for run in trained for name in ("model.safetensors", "curve.csv")}
    made |= {f"{run}/{name}" for run in measured for name in ("metrics.json", "kl.npz")}
    config = config_of(settled)
    for figure in study.figures(config):
        if made & set(study.figure_inputs(config, figure)):
            assert f"results/figures/{figure}.png" in plan["figure"]
    assert "summary" in plan


def test_a_new_module_counts_where_it_is_imported(settled, planner):
    with settled.edited({MODULE.format("collapse"): changed}):
        expected = planner(settled)
    importing = {
        MODULE.format("fresh"): "X = 1\n",
        MODULE.format("collapse"): lambda text: text + "\nimport linvae.fresh\n",
    }
    with settled.edited(importing):
        assert planner(settled) == expected


def run_folder(model, noise, seed=0, k=3, data="mnist-logit-first60"):
    return f"results/train/{model}/{data}/k{k}/{noise}/seed{seed}"


def figures_of(*sections):
    return {
        f"results/figures/{name}.png"
        for name, (section, *_) in study.FIGURES.items()
        if section in sections
    }


def append(section, key, value):
    def change(settings):
        settings["study"][section][key].append(value)

    return change


def replace(section, key, value):
    def change(settings):
        settings["study"][section][key] = value

    return change


ADDED = {
    "seed": (append("collapse", "seeds", 1), {
        ("train", run_folder("tiny-deep", "fixed-1", 1)),
        ("train", run_folder("tiny-deep", "learned-1", 1)),
    }, ["collapse"]),
    "variance": (append("collapse", "noise_variances", 0.1), {
        ("train", run_folder("tiny-deep", "fixed-0.1")),
        ("train", run_folder("tiny-deep", "learned-0.1")),
    }, ["collapse"]),
    "k": (append("latent_dim", "n_latents", 7), {
        ("solve", run_folder("tiny-lbfgs", "learned-1", k=7)),
    }, ["latent_dim"]),
    "encoder": (append("encoders", "models", "tiny-sampled"), set(), ["encoders"]),
}  # fmt: skip


@pytest.mark.parametrize(("change", "runs", "sections"), ADDED.values(), ids=ADDED)
def test_an_addition_runs_the_new_jobs_and_their_aggregates(
    settled, planner, change, runs, sections
):
    with settled.reconfigured(change):
        plan = planner(settled)
    assert {(r, f) for r in TRAINING for f in runs_of(plan.get(r, ()))} == runs
    measured = runs_of(plan.get("evaluate", set()) | plan.get("evaluate_deep", set()))
    assert measured == {folder for _, folder in runs}
    assert plan["figure"] == figures_of(*sections)
    assert not PREPARATION & set(plan)
    assert "summary" in plan


def test_a_new_encoder_model_runs_its_jobs_and_refreshes_its_figure(settled, planner):
    def change(settings):
        settings["models"]["tiny-tanh"] = {
            "extends": "tiny-relu",
            "encoder": {"activation": "tanh"},
        }
        settings["study"]["encoders"]["models"].append("tiny-tanh")

    with settled.reconfigured(change):
        plan = planner(settled)
    run = run_folder("tiny-tanh", "learned-1")
    assert runs_of(plan["train"]) == runs_of(plan["evaluate"]) == {run}
    assert plan["figure"] == {"results/figures/fig5_encoders.png"}
    assert not (PREPARATION | {"ppca", "solve", "evaluate_deep"}) & set(plan)


@pytest.mark.parametrize(
    ("change", "sections"),
    [
        (replace("latent_dim", "n_latents", [5]), ["latent_dim"]),
        (replace("encoders", "models", ["tiny-adam"]), ["encoders"]),
        (replace("annealing", "models", ["tiny-annealed"]), ["annealing"]),
    ],
)
def test_a_removal_refreshes_aggregates_only(settled, planner, change, sections):
    with settled.reconfigured(change):
        plan = planner(settled)
    assert not (PREPARATION | TRAINING | {"ppca", "evaluate", "evaluate_deep"}) & set(plan)
    assert plan["figure"] == figures_of(*sections)


def test_a_section_set_to_null_leaves_the_rest_alone(settled, planner):
    with settled.reconfigured(lambda s: s["study"].update(encoders=None)):
        plan = planner(settled)
    assert not (PREPARATION | TRAINING | {"ppca", "evaluate", "evaluate_deep", "figure"}) & set(
        plan
    )


def test_a_style_key_redraws_that_figure_only(settled, planner):
    def change(settings):
        settings["figures"] = {"fig6_latent_dim": {"title": "Latents"}}

    with settled.reconfigured(change):
        assert planner(settled) == {"figure": {"results/figures/fig6_latent_dim.png"}}


def test_a_learning_rate_retrains_that_model_only(settled, planner):
    def change(settings):
        settings["models"]["tiny-relu"]["training"]["learning_rate"] = 0.02

    with settled.reconfigured(change):
        plan = planner(settled)
    run = run_folder("tiny-relu", "learned-1")
    assert runs_of(plan["train"]) == runs_of(plan["evaluate"]) == {run}
    assert plan["figure"] == figures_of("encoders")
    assert not (PREPARATION | {"ppca", "solve", "evaluate_deep"}) & set(plan)


def test_an_unused_model_runs_nothing(settled, planner):
    def change(settings):
        settings["models"]["spare"] = {"extends": "tiny-adam"}

    with settled.reconfigured(change):
        assert planner(settled) == {}
