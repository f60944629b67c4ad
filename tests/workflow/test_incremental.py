"""Only what an edit touches is computed: each test edits a finished study and asks for a plan."""

import json
import os
import resource

import pytest
from addresses import plain

from linvae.naming import parse_run
from linvae.study.figures import FIGURES, figure_inputs, figures
from linvae.study.study import Study

MODULE = "src/linvae/{}.py"
PREPARATION = {"fetch", "provenance", "preprocess", "spectrum"}
TRAINING = {"train_deep", "train_linear", "solve"}
# Whatever is said again is said on the page too, and brought to its stable name.
PAGE = {
    "page": {"results/report/page/index.html"},
    "publish": {"results/tiny/finished.txt"},
}
SAID = {"claims", "summary", *PAGE}
# Another configuration is another record.
RECORD = {"record": {"results/report/record/study.json"}} | PAGE
MEASURING = {"evaluate", "evaluate_encoder", "evaluate_deep"}


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
    """Names of the runs among some outputs."""
    return {str(parse_run(path)) for path in jobs}


def run_name(model, noise, seed=0, k=3):
    return f"{model}/mnist-logit-first60-test20/k{k}/{noise}/seed{seed}"


def figure(name):
    return f"results/report/figures/{name}/{name}.png"


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


@pytest.mark.parametrize(
    "module",
    [
        "config/consistency",
        "config/yaml_files",
        "config/configuration",
        "config/messages",
        "config/reference",
        "config/schema",
        "config/study_name",
        "images/load",
        "jobs/code",
        "jobs/fingerprint",
        "jobs/job",
        "jobs/made",
        "jobs/program",
        "planning/computed",
        "planning/left",
        "planning/study_plan",
        "images/mirrors",
        "study/cost",
        "study/figures",
    ],
)
def test_modules_that_only_plan_run_nothing(settled, planner, module):
    with settled.edited({MODULE.format(module): changed}):
        assert planner(settled) == {}


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        # Claims and tables take their runs from the study.
        ("study/study", {"table", *SAID}),
        ("study/section", {"table", *SAID}),
        ("study/deep", {"table", *SAID}),
        ("study/grafts", {"table", *SAID}),
        ("study/likelihood", {"table", *SAID}),
        ("study/trained_on", {"table", *SAID}),
        ("study/names", {"table", *SAID}),
        ("claims/stability", SAID),
        ("settings/margins", {"table", *SAID}),
        ("report/study_record", {"record", *PAGE}),
        ("report/summary", {"summary", "publish"}),
        ("tables/table1", {"table", *PAGE}),
        ("digits", {"table", *SAID}),
        ("report/answers", set(PAGE)),
        ("report/captions", set(PAGE)),
        ("report/publish", {"publish"}),
        ("report/ending", set()),
    ],
)
def test_what_is_said_runs_no_job_that_computes(settled, planner, module, rules):
    with settled.edited({MODULE.format(module): changed}):
        assert set(planner(settled)) == rules


@pytest.mark.parametrize("module", ["style", "gram", "bands", "linear_curves"])
def test_a_changed_plot_module_redraws_figures_only(settled, planner, module):
    with settled.edited({MODULE.format(f"plots/{module}"): changed}):
        plan = planner(settled)
    assert set(plan) == {"figure", *PAGE}


def test_a_changed_figure_module_redraws_that_figure(settled, planner):
    for name in ("fig1_elbo_vs_ppca", "fig6_latent_dim"):
        with settled.edited({MODULE.format(f"plots/{name}"): changed}):
            assert planner(settled) == {"figure": {figure(name)}} | PAGE


@pytest.mark.parametrize(
    ("module", "first", "never"),
    [
        ("measure/collapse", {"evaluate_deep"}, PREPARATION | TRAINING | {"ppca", "evaluate"}),
        ("evaluation/linear_run", {"evaluate"}, PREPARATION | TRAINING | {"ppca", "evaluate_deep"}),
        (
            "linear/elbo",
            {"train_linear", "solve", "evaluate", "evaluate_deep"},
            PREPARATION | {"train_deep"},
        ),
        (
            "training/loop",
            {"train_deep", "train_linear", "evaluate_deep"},
            PREPARATION | {"solve", "ppca"},
        ),
        (
            "training/deep_job",
            {"train_deep", "evaluate_deep"},
            PREPARATION | {"train_linear", "solve", "ppca", "evaluate"},
        ),
        (
            "training/linear_job",
            {"train_linear", "evaluate"},
            PREPARATION | {"train_deep", "solve", "ppca", "evaluate_deep"},
        ),
        (
            "linear/solve",
            {"solve"},
            PREPARATION | {"train_deep", "train_linear", "ppca", "evaluate_deep"},
        ),
        # Of the deep runs those that start from the principal components: none here.
        (
            "linear/spectrum",
            {"spectrum", "ppca", "train_linear", "solve", "evaluate_deep"},
            {"fetch", "preprocess", "train_deep"},
        ),
        ("images/preprocess", {"preprocess", "spectrum", "ppca", *TRAINING}, {"fetch"}),
    ],
)
def test_a_changed_line_reruns_what_it_reaches(settled, planner, everything, module, first, never):
    with settled.edited({MODULE.format(module): changed}):
        plan = planner(settled)
    assert not never & set(plan)
    for rule in first - MEASURING:
        assert plan[rule] == everything[rule]
    assert first <= set(plan)
    # What follows from new weights or new measurements follows.
    trained = {run for rule in TRAINING for run in runs_of(plan.get(rule, ()))}
    measured = {run for rule in MEASURING for run in runs_of(plan.get(rule, ()))}
    assert trained <= measured
    made = {(run, name) for run in trained for name in ("model.safetensors", "curve.csv")}
    made |= {(run, name) for run in measured for name in ("metrics.json", "kl.npz")}
    config = settled.config()
    for name in figures(config.study):
        read = figure_inputs(config.study, config.names(), name)
        if made & {(str(file.run), file.file) for file in read}:
            assert figure(name) in plan["figure"]
    assert {"summary", "publish"} <= set(plan)


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("linear/elbo", {"train_linear", "solve", "restarts", "saddles"}),
        ("linear/ppca", {"train_linear", "solve", "restarts", "saddles", "ppca", "hessian"}),
        ("linear/gaps", {"train_linear", "solve"}),
        ("linear/alignment", {"train_linear", "solve", "restarts", "saddles"}),
        ("linear/solve", {"solve", "restarts", "saddles"}),
        ("linear/ascent", {"solve", "restarts", "saddles"}),
        ("linear/stationary", {"restarts", "hessian"}),
        ("linear/saddles", {"restarts", "saddles"}),
        ("linear/curvature", {"restarts", "saddles", "hessian"}),
    ],
)
def test_the_closed_forms_of_the_linear_vae_train_no_deep_one(
    settled, planner, everything, module, rules
):
    with settled.edited({MODULE.format(module): changed}):
        plan = planner(settled)
    assert not (PREPARATION | {"train_deep"}) & set(plan)
    computing = TRAINING | {"restarts", "saddles", "ppca", "hessian"}
    assert {rule: plan[rule] for rule in computing & set(plan)} == {
        rule: everything[rule] for rule in rules
    }


def added_dataset(text):
    found = json.loads(text)
    return json.dumps(found | {"Letters": found["KMNIST"]}, indent=2)


def test_a_data_set_more_runs_nothing(settled, planner):
    with settled.edited({"src/linvae/images/datasets.json": added_dataset}):
        assert planner(settled) == {}


def test_another_packing_of_the_same_images_runs_nothing(settled, planner):
    def edit(text):
        found = json.loads(text)
        found["MNIST"]["files"]["train-images-idx3-ubyte.gz"].append(32 * "0")
        return json.dumps(found, indent=2)

    with settled.edited({"src/linvae/images/datasets.json": edit}):
        assert planner(settled) == {}


# The settings of every model and of every section, and what a field goes before.
SETTINGS = {
    "settings/model": '    @model_validator(mode="after")\n    def _budget_fits',
    "settings/measurement": "    importance_draws: Annotated",
    "settings/run_job": "    seed: Annotated",
    "settings/jobs": "    preprocessing: str",
    "settings/margins": "    elbo: _Positive = Field(",
}


@pytest.mark.parametrize(("module", "place"), SETTINGS.items(), ids=SETTINGS)
def test_a_setting_more_that_is_off_computes_nothing(settled, planner, module, place):
    def edit(text):
        assert text.count(place) == 1
        return text.replace(place, f"    added: bool = False\n\n{place}")

    with settled.edited({MODULE.format(module): edit}):
        assert planner(settled) == {}


def test_the_training_loop_measures_no_run_that_it_has_not_trained(settled, planner):
    with settled.edited({MODULE.format("training/loop"): changed}):
        plan = planner(settled)
    measured = plan["evaluate"] | plan["evaluate_encoder"]
    assert runs_of(measured) == runs_of(plan["train_linear"])


def test_a_new_module_counts_where_it_is_imported(settled, planner):
    with settled.edited({MODULE.format("measure/collapse"): changed}):
        expected = planner(settled)
    importing = {
        MODULE.format("fresh"): "X = 1\n",
        MODULE.format("measure/collapse"): lambda text: text + "\nimport linvae.fresh\n",
    }
    with settled.edited(importing):
        assert planner(settled) == expected


def figures_of(*sections):
    return {figure(name) for name, source in FIGURES.items() if source.section in sections}


def append(section, key, value):
    def change(settings):
        settings["study"][section][key].append(value)

    return change


def replace(section, key, value):
    def change(settings):
        settings["study"][section][key] = value

    return change


CELL = {"models": ["tiny-annealed"], "noise_variances": [0.1]}
ADDED = {
    "seed": (append("recipes", "seeds", 1), {
        ("train_deep", ("tiny-deep", "fixed-1", 1)),
        ("train_deep", ("tiny-annealed", "fixed-1", 1)),
        ("train_deep", ("tiny-skip", "fixed-1", 1)),
        ("train_deep", ("tiny-deep", "learned-1", 1)),
    }, ["recipes"]),
    "variance": (append("recipes", "learned", CELL), {
        ("train_deep", ("tiny-annealed", "learned-0.1")),
    }, ["recipes"]),
    "k": (append("latent_dim", "n_latents", 7), {
        ("solve", ("tiny-lbfgs", "learned-1", 0, 7)),
    }, ["latent_dim"]),
    "encoder": (append("encoders", "models", "tiny-sampled"), set(), ["encoders"]),
}  # fmt: skip


@pytest.mark.parametrize(("change", "runs", "sections"), ADDED.values(), ids=ADDED)
def test_an_addition_runs_the_new_jobs_and_their_aggregates(
    settled, planner, change, runs, sections
):
    with settled.reconfigured(change):
        plan = planner(settled)
    expected = {(rule, run_name(*run)) for rule, run in runs}
    assert {(r, f) for r in TRAINING for f in runs_of(plan.get(r, ()))} == expected
    measured = {run for rule in MEASURING for run in runs_of(plan.get(rule, ()))}
    assert measured == {run for _, run in expected}
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
    run = run_name("tiny-tanh", "learned-1")
    assert runs_of(plan["train_linear"]) == runs_of(plan["evaluate_encoder"]) == {run}
    assert plan["figure"] == {figure("fig5_encoders")}
    assert not (PREPARATION | {"ppca", "solve", "train_deep", "evaluate_deep"}) & set(plan)


@pytest.mark.parametrize(
    ("change", "sections", "gone"),
    [
        (replace("latent_dim", "n_latents", [5]), ["latent_dim"], set()),
        (replace("encoders", "models", ["tiny-adam"]), ["encoders"], set()),
        (replace("recipes", "learned", []), ["recipes"], {"fig7_collapse_learned"}),
        (replace("recipes", "annealing", []), ["recipes"], {"fig13_kl_annealing"}),
    ],
)
def test_a_removal_refreshes_aggregates_only(settled, planner, change, sections, gone):
    with settled.reconfigured(change):
        plan = planner(settled)
    assert not (PREPARATION | TRAINING | MEASURING | {"ppca"}) & set(plan)
    assert plan["figure"] == figures_of(*sections) - set(map(figure, gone))


def test_a_section_set_to_null_leaves_the_rest_alone(settled, planner):
    with settled.reconfigured(lambda s: s["study"].update(encoders=None)):
        plan = planner(settled)
    assert not (PREPARATION | TRAINING | MEASURING | {"ppca", "figure"}) & set(plan)


def test_a_style_key_redraws_that_figure_only(settled, planner):
    def change(settings):
        settings["figures"] = {"fig6_latent_dim": {"title": "Latents"}}

    with settled.reconfigured(change):
        assert planner(settled) == {"figure": {figure("fig6_latent_dim")}} | RECORD


def test_a_style_of_a_figure_that_is_not_drawn_draws_nothing(settled, planner):
    def without(settings):
        settings["study"]["encoders"] = None

    def styled(settings):
        without(settings)
        settings["figures"] = {"fig5_encoders": {"title": "Encoders"}}

    plans = []
    for change in (without, styled):
        with settled.reconfigured(change):
            plans.append(planner(settled))
    assert plans[0] == plans[1]
    assert "figure" not in plans[1]


def test_a_learning_rate_retrains_that_model_only(settled, planner):
    def change(settings):
        settings["models"]["tiny-relu"]["training"]["learning_rate"] = 0.02

    with settled.reconfigured(change):
        plan = planner(settled)
    run = run_name("tiny-relu", "learned-1")
    assert runs_of(plan["train_linear"]) == runs_of(plan["evaluate_encoder"]) == {run}
    assert plan["figure"] == figures_of("encoders")
    assert not (PREPARATION | {"ppca", "solve", "train_deep", "evaluate_deep"}) & set(plan)


def test_another_learning_rate_is_another_run_and_going_back_plans_nothing(project, planner):
    def change(settings):
        settings["models"]["tiny-relu"]["training"]["learning_rate"] = 0.02

    before = project.run_file("metrics.json", "tiny-relu", "learned-1")
    with project.reconfigured(change):
        metrics = project.run_file("metrics.json", "tiny-relu", "learned-1")
        assert metrics != before
        project.snakemake(metrics, "--cores", "2")
    assert planner(project) == {}
    # Both are kept: this way there is nothing left to train either.
    with project.reconfigured(change):
        plan = planner(project)
    assert set(plan) == {"figure", "record", *SAID}
    assert plan["figure"] == figures_of("encoders")


def test_an_unused_model_computes_nothing(settled, planner):
    def change(settings):
        settings["models"]["spare"] = {"extends": "tiny-adam"}

    with settled.reconfigured(change):
        assert planner(settled) == RECORD


def test_a_study_of_another_name_shares_every_run(settled, planner):
    with settled.reconfigured(lambda settings: settings.update(name="other")):
        plan = planner(settled)
    assert set(plan) == {"record", *SAID}
    assert plan["publish"] == {"results/other/finished.txt"}


def test_time_between_checkpoints_decides_no_result(settled, planner):
    with settled.reconfigured(lambda settings: settings.update(checkpoint_seconds=1)):
        assert planner(settled) == RECORD


def test_another_margin_judges_again_and_computes_nothing(settled, planner):
    with settled.reconfigured(lambda settings: settings.update(margins={"latents": 7})):
        assert set(planner(settled)) == {"record", "table", *SAID}


def test_another_measurement_measures_deep_runs_beside_the_old_measurements(
    settled, planner, everything
):
    with settled.reconfigured(lambda settings: settings["measurement"].update(delta=0.05)):
        plan = planner(settled)
    assert not (PREPARATION | TRAINING | {"ppca", "evaluate", "evaluate_encoder"}) & set(plan)
    assert runs_of(plan["evaluate_deep"]) == runs_of(everything["evaluate_deep"])


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {MODULE.format("training/loop"): changed},
        {MODULE.format("plots/style"): changed},
        {"config/tiny.yaml": lambda text: text.replace("seeds: [0]", "seeds: [0, 1]")},
    ],
    ids=["nothing", "loop", "style", "seeds"],
)
def test_snakemake_plans_what_the_map_says_is_left(settled, planner, edit):
    with settled.edited(edit):
        assert planner.snakemake(settled) == planner(settled)


@pytest.mark.parametrize("lost", ["weights", "data", "metrics", "figure"])
def test_snakemake_plans_what_the_map_says_is_lost(project, planner, lost):
    path = {
        "weights": project.run_file("model.safetensors", "tiny-deep", "fixed-1"),
        "metrics": project.run_file("metrics.json", "tiny-lbfgs", "learned-1"),
        "data": "results/data/mnist-logit-first60-test20",
        "figure": next(
            str(path.relative_to(project.folder))
            for path in project.folder.glob("results/report/figures/fig6*/*/*.pdf")
        ),
    }[lost]
    (project.folder / path).rename(project.folder / "lost")
    plan = planner(project)
    assert planner.snakemake(project) == plan
    # What is only on the way is not computed for its own sake.
    assert (plan == {}) == (lost == "data")
    if lost == "weights":
        assert plan["train_deep"] == {plain(path)}
        assert {"evaluate_deep", "publish"} <= set(plan)
