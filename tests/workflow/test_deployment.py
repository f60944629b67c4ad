"""A study lies where its user wants it: away from the workflow, or in another Snakefile."""

import re
import shutil
import subprocess
import sys

import pytest

from linvae.files import write_text

SUFFIXES = (".json", ".csv", ".safetensors", ".npz", ".md", ".png", ".html")
FIGURE = "results/report/figures/fig6_latent_dim/*/fig6_latent_dim.csv"
DRAWN = {"figure": 1, "page": 1, "publish": 1}

# A job that draws kills its whole session once it has written one file.
KILLED = """
import os, signal, sys
if any("scripts/figure.py" in argument for argument in sys.orig_argv):
    replace = os.replace
    def replacing(source, target, **options):
        replace(source, target, **options)
        if str(target).startswith("results/"):
            os.killpg(os.getpgid(0), signal.SIGKILL)
    os.replace = replacing
"""

# Another project, which has a rule of its own after those of linvae.
OTHER = """
configfile: "config/config.yaml"


module linvae:
    snakefile:
        {snakefile}
    config:
        config["linvae"]


use rule * from linvae as linvae_*


rule count:
    default_target: True
    input:
        rules.linvae_all.input,
    output:
        "counted.txt",
    shell:
        "wc {{input}} > {{output}}"
"""


def snakemake(project, folder, *arguments, status=0):
    """Run Snakemake in some folder with a project's linvae; return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def ran(text):
    """Names of the rules that a run names in its table, each with its number of jobs."""
    table = text.split("Job stats:")[1].split("total")[0]
    return {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


def contents(folder):
    """Every file below a folder with its time, but what interpreters and Snakemake's cache keep."""
    return {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".cache"} & set(path.parts)
    }


def take_results(project, folder):
    """Give a folder a project's results, less one figure and all that Snakemake knows."""
    shutil.copytree(project.folder / "results", folder / "results", symlinks=True)
    for path in folder.glob(FIGURE):
        path.unlink()


def test_a_study_elsewhere_leaves_the_checkout_as_it_is(project, tmp_path):
    expected = project.results(*SUFFIXES)
    folder = tmp_path / "else where"
    take_results(project, folder)
    for part in ("results", ".snakemake"):
        shutil.rmtree(project.folder / part)
    before = contents(project.folder)
    # Of another project, and no concern of this one.
    (folder / "config.yaml").write_text("genome: hg38\n")
    told = ["--snakefile", project.folder / "Snakefile", "--directory", folder, "--configfile"]
    text = snakemake(project, tmp_path, "--cores", "2", *told, project.folder / project.overlay)
    assert ran(text) == {**DRAWN, "all": 1}
    assert contents(project.folder) == before
    there = type(project)(folder)
    assert there.results(*SUFFIXES) == expected
    moved = type(project)(tmp_path / "deeper" / "checkout")
    moved.folder.parent.mkdir()
    project.folder.rename(moved.folder)
    folder.rename(tmp_path / "moved")
    told[1], told[3] = moved.folder / "Snakefile", tmp_path / "moved"
    text = snakemake(moved, tmp_path, "-n", *told, moved.folder / project.overlay)
    assert "Nothing to be done" in text


def from_folder(project, _):
    return f'"{project.folder}/workflow/Snakefile"'


def from_git(project, folder):
    """Put the project into a repository, from where a module's files are fetched."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    repository = folder / "repository"
    shutil.copytree(project.folder, repository, ignore=shutil.ignore_patterns("results", ".*"))
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        [*author, "commit", "-qm", "All"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return f'gitfile("{repository}", path="workflow/Snakefile", tag="v1")'


@pytest.mark.parametrize("source", [from_folder, from_git])
def test_a_study_of_another_projects_snakefile(finished, tmp_path, source):
    other = tmp_path / "other"
    take_results(finished, other)
    snakefile = OTHER.format(snakefile=source(finished, tmp_path))
    write_text(other / "workflow" / "Snakefile", snakefile)
    settings = (finished.folder / finished.overlay).read_text()
    write_text(other / "config" / "config.yaml", "linvae:\n" + re.sub("(?m)^", "  ", settings))
    text = snakemake(finished, other, "--cores", "2")
    assert ran(text) == {**{f"linvae_{rule}": n for rule, n in DRAWN.items()}, "count": 1}
    assert "index.html" in (other / "counted.txt").read_text()
    assert type(finished)(other).results(*SUFFIXES) == finished.results(*SUFFIXES)
    assert "Nothing to be done" in snakemake(finished, other, "-n")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("config: {'threads': 2}", "name: what `config:` of the module gives must name the study"),
        ("prefix: 'sub'", "error: linvae as a module takes no prefix"),
    ],
)
def test_what_a_module_cannot_be_is_told(finished, tmp_path, given, line):
    module = f"snakefile: {from_folder(finished, tmp_path)}\n    {given}"
    text = f"module linvae:\n    {module}\nuse rule * from linvae\n"
    write_text(tmp_path / "Snakefile", text)
    assert line in snakemake(finished, tmp_path, "-n", status=1)


def test_the_library_must_be_of_the_version_that_is_fetched(finished, tmp_path):
    snakefile = from_git(finished, tmp_path)
    version = tmp_path / "repository" / "pyproject.toml"
    text = version.read_text()
    version.write_text(re.sub(r'(?m)^version = ".*"', 'version = "9.9"', text))
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in ([*author, "commit", "-qam", "Later"], ["tag", "v2"]):
        subprocess.run(["git", *command], cwd=tmp_path / "repository", check=True)
    write_text(
        tmp_path / "Snakefile",
        f"module linvae:\n    snakefile: {snakefile.replace('v1', 'v2')}\nuse rule * from linvae\n",
    )
    assert "error: the workflow is of linvae 9.9, and" in snakemake(
        finished, tmp_path, "-n", status=1
    )


def test_as_a_module_without_a_profile_a_killed_study_goes_on(finished, tmp_path):
    """No profile says there that what is incomplete runs again: Snakemake stops, and says how."""
    other = tmp_path / "other"
    take_results(finished, other)
    write_text(other / "Snakefile", OTHER.format(snakefile=from_folder(finished, tmp_path)))
    settings = (finished.folder / finished.overlay).read_text()
    write_text(other / "config" / "config.yaml", "linvae:\n" + re.sub("(?m)^", "  ", settings))
    source = tmp_path / "src"
    source.mkdir()
    # Killed once its first file is written: Snakemake too, as its parent is killed with it.
    write_text(source / "sitecustomize.py", KILLED)
    environment = finished.environment
    path = f"{source}:{environment['PYTHONPATH']}"
    killed = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=other,
        env=environment | {"PYTHONPATH": path},
        start_new_session=True,
        capture_output=True,
        timeout=300,
    )
    assert killed.returncode != 0
    snakemake(finished, other, "--unlock")
    told = snakemake(finished, other, "--cores", "1", status=1)
    assert "--rerun-incomplete" in told
    assert not (other / "counted.txt").exists()
    snakemake(finished, other, "--cores", "1", "--rerun-incomplete")
    assert "index.html" in (other / "counted.txt").read_text()
    assert type(finished)(other).results(*SUFFIXES) == finished.results(*SUFFIXES)
