"""The fingerprint follows code and nothing else."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import linvae
from linvae.jobs import fingerprint as module
from linvae.jobs.fingerprint import (
    code_files,
    combined,
    file_hashes,
    fingerprint,
    is_bookkeeping,
    reached_modules,
    tree_hash,
)

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
# What Pythons have come to parse, or to dump, differently: see test_every_python_agrees.
HARD = """
from __future__ import annotations
class A(B, metaclass=M): x: int = 0
async def f(a, /, b: int = 0, *c, d, e=None, **g) -> None: return [x async for x in y]
def g(): return {**a, "b": None, u"c": ...}, lambda: 0, (yield), x[1:, ::2], -1, 1e400, 2j
print(f"", f"a" "b" f"{x}", f"{x!r:>{n}}{y:}{z=}{{", f"{x:a{n}b{m}}")
print(b"\\xff", "\\ud800 \U0001fae8")
match x:
    case None | False | [A(y=1), *_] | {"k": 0, **rest}: pass
try: pass
except* OSError: pass
"""
# Runs in any Python: the file must stand alone.
ALONE = f"""
import runpy, sys
from pathlib import Path
found = runpy.run_path({module.__file__!r})
for script in sorted(Path({str(SCRIPTS)!r}).glob("*.py")):
    print(found["fingerprint"](script))
print(found["tree_hash"](Path("hard.py"), {HARD.encode()!r}))
"""


@pytest.fixture
def project(tmp_path):
    """A copy of the package and a function that fingerprints in a fresh interpreter."""
    package = tmp_path / "src" / "linvae"
    shutil.copytree(Path(linvae.__file__).parent, package)
    script = tmp_path / "script.py"
    script.write_text('"""A script."""\nfrom linvae.linear import ppca\n\nprint(ppca.fit)\n')

    def measure():
        importing = "from linvae.jobs.fingerprint import fingerprint"
        code = f"{importing}; print(fingerprint({str(script)!r}))"
        return subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(tmp_path / "src")},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    return package, script, measure


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("\n__all__", "\n# a comment\n__all__", False),
        ('"""', '"""Another docstring. ', False),
        ("__all__ = [", "EXTRA = 1\n__all__ = [", True),
    ],
)
def test_only_code_counts(project, old, new, changes):
    package, _, measure = project
    before = measure()
    module = package / "linear" / "ppca.py"
    text = module.read_text()
    assert old in text
    module.write_text(text.replace(old, new, 1))
    assert (measure() != before) is changes


@pytest.mark.parametrize("part", ["__init__.py", "jobs/__init__.py", "jobs/atomic.py"])
def test_the_package_itself_and_what_runs_programs_do_not_count(project, part):
    package, _, measure = project
    before = measure()
    with (package / part).open("a") as file:
        file.write("\nEXTRA = 1\nimport linvae.linear.elbo\n")
    assert measure() == before


def test_the_start_of_a_part_of_the_package_counts(project):
    package, script, measure = project
    script.write_text("import linvae.landscape.maxima_table\n")
    before = measure()
    with (package / "landscape" / "__init__.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    assert measure() != before


def test_modules_reached_through_others_count(project):
    package, _, measure = project
    before = measure()
    with (package / "files.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    assert measure() != before


def test_modules_out_of_reach_do_not_count(project):
    package, _, measure = project
    before = measure()
    with (package / "train.py").open("a") as file:
        file.write("\nEXTRA = 1\n")
    (package / "nobody.py").write_text("X = 1\n")
    assert measure() == before


def test_a_new_module_counts_once_it_is_imported(project):
    package, script, measure = project
    before = measure()
    (package / "fresh.py").write_text("X = 1\n")
    script.write_text(script.read_text() + "\n\ndef later():\n    import linvae.fresh\n")
    first = measure()
    (package / "fresh.py").write_text("X = 2\n")
    assert len({before, first, measure()}) == 3


def test_the_script_counts(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("X = 1\n")
    b.write_text("X = 2\n")
    assert fingerprint(a) != fingerprint(b)


def test_named_modules_count(tmp_path):
    script = tmp_path / "a.py"
    script.write_text("X = 1\n")
    assert fingerprint(script) != fingerprint(script, ["linvae.linear.spectrum"])


@pytest.mark.parametrize(
    ("script", "out_of_reach"),
    [
        (
            "fetch",
            [
                "linvae.linear.elbo",
                "linvae.training.loop",
                "linvae.config.configuration",
                "linvae.plots",
            ],
        ),
        (
            "preprocess",
            ["linvae.linear.elbo", "linvae.training.loop", "linvae.config.configuration"],
        ),
        (
            "spectrum",
            [
                "linvae.linear.elbo",
                "linvae.linear.ppca",
                "linvae.training.loop",
                "linvae.config.configuration",
            ],
        ),
        (
            "train_linear",
            [
                "linvae.measure.collapse",
                "linvae.config.configuration",
                "linvae.plots",
                "linvae.linear.solve",
            ],
        ),
        (
            "train_deep",
            [
                *(
                    "linvae.linear.elbo",
                    "linvae.linear.ppca",
                    "linvae.linear.gaps",
                    "linvae.study.study",
                ),
                *(
                    "linvae.linear.spectrum",
                    "linvae.linear.eigensystem",
                    "linvae.linear.cancelling",
                ),
            ],
        ),
        (
            "solve",
            [
                "linvae.measure.collapse",
                "linvae.config.configuration",
                "linvae.plots",
                "linvae.training.loop",
            ],
        ),
        (
            "evaluate",
            [
                "linvae.config.configuration",
                "linvae.plots",
                "linvae.linear.solve",
                "linvae.training",
            ],
        ),
        (
            "evaluate_encoder",
            ["linvae.config.configuration", "linvae.training.loop", "linvae.measure.collapse"],
        ),
        (
            "evaluate_deep",
            ["linvae.config.configuration", "linvae.training.loop", "linvae.linear.solve"],
        ),
        ("graft", ["linvae.linear.spectrum", "linvae.linear.ppca", "linvae.study.study"]),
        ("likelihood", ["linvae.linear.ppca", "linvae.evaluation.deep_run", "linvae.study.study"]),
        ("publish", ["linvae.config.configuration", "linvae.planning", "linvae.study.study"]),
        (
            "figure",
            ["linvae.config.configuration", "linvae.training.loop", "linvae.training.models"],
        ),
    ],
)
def test_scripts_reach_only_what_they_need(script, out_of_reach):
    reached = reached_modules(SCRIPTS / f"{script}.py")
    assert reached
    assert not set(out_of_reach) & set(reached)


def pythons():
    """Other Pythons that linvae supports and this machine has."""
    folders = [*os.get_exec_path(), *Path.home().glob(".pyenv/versions/*/bin")]
    for minor in range(11, 20):
        for folder in folders:
            python = Path(folder, f"python3.{minor}")
            command = [python, "-I", "-c", "import sys; print(sys.version_info.minor)"]
            if minor != sys.version_info.minor and python.exists():
                done = subprocess.run(command, capture_output=True, text=True)
                if done.stdout == f"{minor}\n":
                    yield python
                    break


def test_every_python_agrees():
    found = {}
    for python in (sys.executable, *pythons()):
        command = [python, "-I", "-W", "ignore", "-c", ALONE]
        found[str(python)] = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout
    if len(found) == 1:
        pytest.skip("there is only one Python here")
    assert len(set(found.values())) == 1, found


def test_fields_that_a_later_python_adds_do_not_count(monkeypatch):
    before = tree_hash(Path("hard.py"), HARD.encode())
    for node, empty in ((ast.FunctionDef, []), (ast.Call, None), (ast.Import, 0)):
        monkeypatch.setattr(node, "_fields", (*node._fields, "added"))
        monkeypatch.setattr(node, "added", empty, raising=False)
    assert tree_hash(Path("hard.py"), HARD.encode()) == before


@pytest.mark.parametrize(
    "pair",
    [
        ("x = None", "x = 0"),
        ("x = 0", "x = False"),
        ("x = 0", "x = 0.0"),
        ("x = ''", "x = b''"),
        ("x: int", "x: int = None"),
        ("f(a=None)", "f()"),
        ("f(a=[])", "f(a=())"),
        ("return", "return None"),
        ("{**a}", "{None: a}"),
        ("def f(*, a, b=0): 0", "def f(*, a=0, b): 0"),
        ("f'{x}'", "f'{x!r}'"),
        ("f'{x}{y}'", "f'{x} {y}'"),
        ("f'{x}'", "f'x'"),
        ("f'{x:}'", "f'{x:1}'"),
        ("match x:\n case None: 0", "match x:\n case False: 0"),
        ("match x:\n case None: 0", "match x:\n case True: 0"),
        ("from a import b", "from .a import b"),
        ("[x for x in y]", "[x async for x in y]"),
        ("lambda: 0", "lambda: None"),
    ],
)
def test_no_difference_of_meaning_is_lost(pair):
    first, second = (tree_hash(Path("a.py"), text.encode()) for text in pair)
    assert first != second


SETTINGS = """
class Training(Strict):
    rate: float = Field(1e-3, gt=0)
    {}

    @validator
    def _check(self): return self.rate {} 1

LIMIT: int = {}
"""


@pytest.mark.parametrize(
    ("edit", "counts"),
    [
        (("added: int = 0", "<", 3), False),
        (('rate: float = Field(2e-3, gt=0, description="faster")', "<", 3), False),
        (("", "<=", 3), True),
        (("", "<", 4), True),
        (("model_config = 1", "<", 3), True),
        (("def method(self): pass", "<", 3), True),
    ],
)
@pytest.mark.parametrize("folder", ["settings", "training"])
def test_fields_of_settings_do_not_count(edit, counts, folder):
    file = Path(linvae.__file__).parent / folder / "model.py"
    before, after = (
        tree_hash(file, SETTINGS.format(*parts).encode()) for parts in (("", "<", 3), edit)
    )
    assert (before != after) is (counts or folder == "training")


def test_what_runs_programs_reaches_nothing_that_computes():
    folder = Path(linvae.__file__).parent / "jobs"
    reached = {name for file in folder.glob("*.py") for name in reached_modules(file)}
    assert reached == set()


def test_bookkeeping_is_the_package_and_its_jobs():
    assert all(map(is_bookkeeping, ("linvae", "linvae.jobs", "linvae.jobs.atomic")))
    assert not any(map(is_bookkeeping, ("linvae.files", "linvae.settings.jobs", "linvae.jobsy")))


def test_a_program_is_made_of_its_file_and_of_the_modules_that_it_reaches():
    script = SCRIPTS / "spectrum.py"
    files = code_files(script)
    assert set(files) == {"__main__", *reached_modules(script)}
    assert files["__main__"] == script
    hashes = {name: file_hashes(file)["code"] for name, file in files.items()}
    assert combined(hashes) == fingerprint(script)
    assert combined({**hashes, "linvae.files": "0"}) != fingerprint(script)


def test_a_files_bytes_are_hashed_beside_its_code(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("X = 1\n")
    b.write_text("X = 1  # a comment\n")
    one, other = file_hashes(a), file_hashes(b)
    assert one["code"] == other["code"] == tree_hash(a, a.read_bytes())
    assert one["bytes"] == hashlib.sha256(a.read_bytes()).hexdigest() != other["bytes"]
