"""What every rule and every program of the workflow has in common."""

import ast
import os
import re
import subprocess
import sys

import pytest

from linvae.jobs.fingerprint import reached_modules
from linvae.study.figures import FIGURES

# What is read as code or as a program's settings.
CODE = (".py", ".smk", "Snakefile")
# Programs that compute with torch; all others start without its two seconds.
WITH_TORCH = {
    *("train_deep", "train_linear", "evaluate_deep", "evaluate_encoder", "graft", "hessian"),
    "likelihood",
}
# Programs that no rule runs.
BY_HAND = {"compare", "keep", "plan", "schema", "tidy"}
# Modules that plan: no program may reach them, or a change of a plan would rerun what it plans.
PLANNING = {"linvae.study.cost", "linvae.study.figures"}
# Programs that read the study themselves: a claim takes its runs from there.
WITH_STUDY = {"claims", "summary", "page"}
# What paths in rules begin with.
BELOW_RESULTS = ("results/", "../report/")
UNSAFE = re.compile(
    r"\bpickle\b|\bcPickle\b|\bjoblib\b|\bshelve\b|\bmarshal\b|torch\.load|read_pickle"
    r"|allow_pickle\s*=\s*True|yaml\.(?!safe_load\b)\w*load|(?<![.\w])(?:eval|exec)\("
)


def rules(folder):
    """Text of every rule by its name."""
    found = {}
    for path in [folder / "workflow" / "Snakefile", *sorted(folder.glob("workflow/rules/*.smk"))]:
        for part in re.split(r"^(?=rule )", path.read_text(), flags=re.MULTILINE):
            if match := re.match(r"rule (\w+):\n((?:[ \t].*\n|\n)*)", part):
                found[match[1]] = match[2]
    return found


def directive(body, name):
    """Lines of one directive of a rule, without those of its values' continuation."""
    match = re.search(rf"^    {name}:(.*\n(?:        .*\n)*)", body, flags=re.MULTILINE)
    return match and [line for line in match[1].splitlines() if re.match(r" {8}\S", line)]


@pytest.fixture(scope="module")
def folder(request):
    return request.config.rootpath


def test_every_rule_has_log_benchmark_message_and_one_shape_of_command(folder):
    found = rules(folder)
    assert len(found) > 8
    for name, body in found.items():
        if name == "all":
            continue
        assert directive(body, "log"), f"{name} has no log"
        assert directive(body, "benchmark"), f"{name} has no benchmark"
        assert directive(body, "message"), f"{name} has no message"
        # All that decides a result is looked up by the address.
        assert directive(body, "params") is None, name
        assert f'address=of("{name}")' in body, name
        command = f"'python \"$LINVAE_SCRIPTS/{name}.py\" {{wildcards.address}} > {{log}} 2>&1'"
        assert [line.strip() for line in directive(body, "shell")] == [command], name


def test_all_that_is_asked_of_snakemakes_python_stands_in_one_file(folder):
    for path in [folder / "workflow" / "Snakefile", *folder.glob("workflow/rules/*.smk")]:
        text = re.sub(r'"""[\s\S]*?"""|"[^"\n]*"|#.*', "", path.read_text())
        asked = re.findall(r"\bworkflow\.\w+|(?:from|import) snakemake\S*|\b\w+\._(?!_)\w+", text)
        if path.name != "host.smk":
            assert asked == [], path
        else:
            assert {part for part in asked if "._" in part} == set()
            assert not any("persistence" in part for part in asked)
            assert len(asked) > 5
    for path in (folder / "workflow" / "scripts").glob("*.py"):
        assert "snakemake" not in path.read_text(), path


def test_every_script_belongs_to_a_rule(folder):
    names = {path.stem for path in (folder / "workflow" / "scripts").glob("*.py")}
    assert names - BY_HAND == set(rules(folder)) - {"all"}


def test_every_plot_module_of_a_figure_is_in_the_list(folder):
    found = {path.stem for path in (folder / "src" / "linvae" / "plots").glob("fig*_*.py")}
    assert found == set(FIGURES)


def test_outputs_stay_below_results(folder):
    for name, body in rules(folder).items():
        for kind in ("output", "log", "benchmark"):
            for line in directive(body, kind) or []:
                for text in re.findall(r'"([^"]*/[^"]*)"', line):
                    assert text.startswith(BELOW_RESULTS), f"{name}: {text}"


def test_the_library_never_imports_snakemake(folder):
    for path in (folder / "src" / "linvae").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", [])]
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert not any(name.split(".")[0] == "snakemake" for name in names), path


def test_light_programs_start_without_torch(folder):
    scripts = sorted(
        path
        for path in (folder / "workflow" / "scripts").glob("*.py")
        if path.stem not in WITH_TORCH
    )
    assert len(scripts) >= 9
    by_hand = [str(path) for path in scripts if path.stem in BY_HAND]
    # One process for all: torch must not come with any of them, nor with any figure.
    code = (
        "import importlib, runpy, sys\n"
        "from linvae.jobs.fingerprint import reached_modules\n"
        f"for script in {[str(path) for path in scripts]}:\n"
        "    runpy.run_path(script)\n"
        f"    for name in reached_modules(script) if script not in {by_hand} else ():\n"
        "        importlib.import_module(name)\n"
        f"for name in {list(FIGURES)}: importlib.import_module('linvae.plots.' + name)\n"
        "from linvae.images import load\n"
        "load.fetch('MNIST', 'embedded')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, timeout=120).returncode == 0


def test_planning_does_not_count_as_computing(folder):
    for path in (folder / "workflow" / "scripts").glob("*.py"):
        if path.stem in BY_HAND:
            continue
        reached = set(reached_modules(path))
        assert not reached & PLANNING, path.stem
        rooms = {name.split(".")[1] for name in reached if "." in name}
        assert not rooms & {"config", "planning"}, path.stem
        assert ("study" in rooms) == (path.stem in WITH_STUDY), path.stem


def test_every_module_that_plans_is_one(folder):
    for name in PLANNING:
        assert folder.joinpath("src", *name.split(".")).with_suffix(".py").is_file()


def test_nothing_that_is_read_is_executed(folder):
    files = [folder / "Snakefile", *(folder / "workflow").rglob("*"), *(folder / "src").rglob("*")]
    read = [path for path in files if path.is_file() and path.name.endswith(CODE)]
    assert len(read) > 50
    for path in read:
        found = UNSAFE.search(path.read_text())
        assert found is None, f"{path}: {found[0]}"


@pytest.mark.parametrize(
    "line",
    ["import pickle", "np.load(p, allow_pickle=True)", "yaml.load(f)", "torch.load(f)", "eval(x)"],
)
def test_the_search_for_what_executes_finds_it(line):
    assert UNSAFE.search(line)


@pytest.mark.parametrize("line", ["allow_pickle=False", "model.eval()", "yaml.safe_load(f)"])
def test_the_search_for_what_executes_lets_the_rest_be(line):
    assert UNSAFE.search(line) is None


def test_lint_finds_what_is_explained_and_no_more(folder):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    text = done.stdout + done.stderr
    assert "Lints for" in text
    found = set(re.findall(r"^    \* (.*?):?$", text, flags=re.MULTILINE))
    _, _, explained = (
        (folder / "CONTRIBUTING.md").read_text().partition("## Lint findings that stand")
    )
    assert found == set(re.findall(r"^- \*(.+?)\*", explained, flags=re.MULTILINE)), text
