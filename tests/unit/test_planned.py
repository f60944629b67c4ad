"""A job stops if its code is not what was planned, however late or quickly that was edited."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import linvae

SCRIPT = '''"""A program that writes what its modules say."""
import os
from pathlib import Path

from linvae import early
from linvae.program import run


def main(spec: dict, out: str) -> None:
    """Write two numbers."""
    exec(os.environ.get("IN_MAIN", ""))
    from linvae import late

    Path(out).write_text(f"{early.X} {late.X}")


if __name__ == "__main__":
    if "LINVAE_STARTS" not in os.environ:
        exec(os.environ.get("AFTER_IMPORTS", ""))
    run(main, modules=lambda spec: spec.get("modules", ()))
'''
EARLY, LATE = "src/linvae/early.py", "src/linvae/late.py"


class Program:
    """A program, and a copy of linvae with two modules more."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(
            Path(linvae.__file__).parent,
            folder / "src" / "linvae",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        # Tests edit all the time, and would wait as long.
        planned = self.folder / "src/linvae/planned.py"
        self.write(
            planned, planned.read_text().replace("_DOUBT_SECONDS = 2", "_DOUBT_SECONDS = 0.2")
        )
        self.write("script.py", SCRIPT)
        self.write(EARLY, "X = 1\n")
        self.write(LATE, "X = 1\n")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def python(self, *arguments, **variables):
        environment = {"PYTHONPATH": str(self.folder / "src"), "PATH": os.environ["PATH"]}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def plan(self, modules=()):
        code = f"from linvae.planned import plan; print(plan('script.py', {modules!r}), end='')"
        return self.python("-c", code).stdout

    def run(self, code, modules=(), **variables):
        """What a job writes, or its error."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        spec = json.dumps({"code": code, "modules": modules})
        done = self.python("script.py", "--spec", spec, "--out", "out", **variables)
        if done.returncode == 0:
            assert done.stderr == ""
            return out.read_text()
        assert not out.exists()
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    def edit(self, name, number):
        """Python that puts another number into a module."""
        return f"Path({name!r}).write_text('X = {number}\\n')"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


CHANGED = "error: {} changed since this run was planned; run the same command again\n"


def test_planned_code_runs(program):
    assert program.run(program.plan()) == "1 1"


def test_a_comment_stops_nothing(program):
    code = program.plan()
    for name in ("script.py", EARLY, LATE):
        program.write(name, (program.folder / name).read_text() + "# A comment.\n")
    assert program.run(code) == "1 1"
    assert program.plan() == code


@pytest.mark.parametrize("name", [EARLY, LATE, "src/linvae/files.py", "script.py"])
def test_changed_code_is_named_and_does_not_run(program, name):
    code = program.plan()
    before = (program.folder / name).read_text()
    program.write(name, before + "Y = 1\n")
    assert program.run(code) == CHANGED.format(f"{name} has")
    program.write(name, before)
    assert program.run(code) == "1 1"


def test_a_module_that_is_gone_is_named(program):
    code = program.plan()
    (program.folder / LATE).unlink()
    assert program.run(code) == CHANGED.format("linvae.late has")


def test_several_are_named_in_one_line(program):
    code = program.plan()
    program.write(EARLY, "X = 2\n")
    program.write(LATE, "X = = 2\n")
    assert program.run(code) == CHANGED.format(f"{EARLY}, {LATE} have")


@pytest.mark.parametrize("damage", ["{", '{"a": {"code": "1"}}'])
def test_without_the_hashes_the_code_is_compared_all_the_same(program, damage):
    code = program.plan()
    (program.folder / ".snakemake" / "linvae" / f"{code}.json").write_text(damage)
    assert program.run(code) == "1 1"
    program.write(EARLY, "X = 2\n")
    assert program.run(code) == CHANGED.format("the code of script.py has")


def test_what_was_undone_before_the_check_is_read_again(program):
    code = program.plan()
    program.write(EARLY, "X = 2\n")
    assert program.run(code, AFTER_IMPORTS=program.edit(EARLY, 1)) == "1 1"


def test_what_changes_without_end_is_given_up(program):
    code = program.plan()
    text = SCRIPT.replace('if "LINVAE_STARTS" not in os.environ', "if True")
    program.write("script.py", text)
    code = program.plan()
    message = program.run(code, AFTER_IMPORTS=program.edit(EARLY, 1), LINVAE_STARTS="4")
    assert message == (
        "error: files of linvae change while this job starts; run the same command again\n"
    )


def test_a_later_import_is_compared_too(program):
    code = program.plan()
    message = program.run(code, IN_MAIN=program.edit(LATE, 2))
    assert message == CHANGED.format(f"{LATE} has")


def stale(program, name):
    """Let compiled code be another's, though time and size are the source's."""
    path = program.folder / name
    os.utime(path, (1e9, 1e9))
    other = path.read_text().replace("1", "2")
    right = path.read_text()
    path.write_text(other)
    os.utime(path, (1e9, 1e9))
    program.python("-c", f"import linvae.{path.stem}")
    time.sleep(0.1)
    path.write_text(right)
    os.utime(path, (1e9, 1e9))
    done = program.python("-c", f"from linvae.{path.stem} import X; print(X)")
    assert done.stdout == "2\n", "this Python did not fall for it"


@pytest.mark.parametrize("name", [EARLY, LATE])
def test_compiled_code_of_another_version_is_not_used(program, name):
    code = program.plan()
    stale(program, name)
    assert program.run(code) == "1 1"


def test_planning_removes_what_may_be_compiled_from_another_version(program):
    stale(program, EARLY)
    assert program.plan()
    assert program.python("-c", "from linvae.early import X; print(X)").stdout == "1\n"


def test_modules_that_are_loaded_by_name_must_be_named(program):
    load = "import importlib; importlib.import_module('linvae.other')"
    program.write("src/linvae/other.py", "X = 1\n")
    message = program.run(program.plan(), IN_MAIN=load)
    assert message.startswith("error: linvae.other is imported, but not by a statement")
    code = program.plan(["linvae.other"])
    assert program.run(code, ["linvae.other"], IN_MAIN=load) == "1 1"
    program.write("src/linvae/other.py", "X = 2\n")
    assert program.run(code, ["linvae.other"]) == CHANGED.format("src/linvae/other.py has")


def test_a_module_from_elsewhere_is_refused(program):
    code = program.plan()
    elsewhere = program.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "late.py").write_text("X = 3\n")
    detour = f"import linvae; linvae.__path__.insert(0, {str(elsewhere)!r}); import linvae.late"
    assert program.run(code, AFTER_IMPORTS=detour).startswith(
        f"error: linvae.late comes from {elsewhere}"
    )


def test_by_hand_no_code_need_be_given(program):
    done = program.python("script.py", "--spec", "{}", "--out", "out")
    assert done.returncode == 0, done.stderr
