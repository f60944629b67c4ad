"""A job stops if its code is not what was planned, however late or quickly that was edited."""

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

from linvae.jobs.program import run


def main(settings: dict, out: str) -> None:
    """Write two numbers."""
    from linvae import early, late

    exec(os.environ.get("IN_MAIN", ""))
    Path(out).write_text(f"{early.X} {late.X}")


if __name__ == "__main__":
    exec(os.environ.get("AT_START", ""))
    run(main)
'''
EARLY, LATE = "src/linvae/early.py", "src/linvae/late.py"
PLAN = """
from pathlib import Path
from linvae.jobs.code import keep_hashes
from linvae.jobs.job import Job, write_job
modules = {modules!r}
code = keep_hashes(Path("script.py"), modules)
job = Job("script", "results", {{}}, {{}}, {{"out": "out"}}, code, modules)
write_job(job)
print(job.address, code)
"""


class Program:
    """A program, and a copy of linvae with two modules more."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(
            Path(linvae.__file__).parent,
            folder / "src" / "linvae",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (folder / "results").mkdir()
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
        """Address and fingerprint of the job."""
        done = self.python("-c", PLAN.format(modules=tuple(modules)))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def run(self, planned, **variables):
        """What a job writes, or its error."""
        out = self.folder / "results" / "out"
        out.unlink(missing_ok=True)
        done = self.python("script.py", planned[0], **variables)
        if done.returncode == 0:
            assert done.stderr == ""
            return out.read_text()
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert not out.exists() or "fingerprint" in done.stderr
        return done.stderr

    def edit(self, name, text):
        """Python that writes a module."""
        return f"from pathlib import Path; Path({name!r}).write_text({text!r})"


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


CHANGED = "error: {} changed since this run was planned; run the same command again\n"


def test_planned_code_runs(program):
    assert program.run(program.plan()) == "1 1"
    # As multiprocessing does, which torch imports.
    named = "import sys; sys.modules['__mp_main__'] = sys.modules['__main__']"
    assert program.run(program.plan(), IN_MAIN=named) == "1 1"


def test_a_comment_stops_nothing(program):
    planned = program.plan()
    for name in ("script.py", EARLY, LATE):
        program.write(name, "# A comment.\n" + (program.folder / name).read_text())
    assert program.run(planned) == "1 1"
    assert program.plan() == planned


@pytest.mark.parametrize("name", [EARLY, LATE, "script.py"])
def test_changed_code_is_named_and_does_not_run(program, name):
    planned = program.plan()
    before = (program.folder / name).read_text()
    program.write(name, before + "Y = 1\n")
    assert program.run(planned) == CHANGED.format(f"{name} has")
    program.write(name, before)
    assert program.run(planned) == "1 1"


def test_code_that_runs_jobs_decides_no_result(program):
    planned = program.plan()
    for name in ("code", "job", "atomic"):
        path = f"src/linvae/jobs/{name}.py"
        program.write(path, (program.folder / path).read_text() + "\nY = 1\n")
    assert program.run(planned) == "1 1"
    assert program.plan() == planned


def test_a_module_that_is_gone_is_named(program):
    planned = program.plan()
    (program.folder / LATE).unlink()
    assert program.run(planned) == CHANGED.format("linvae.late has")


def test_several_are_named_in_one_line(program):
    planned = program.plan()
    program.write(EARLY, "X = 2\n")
    program.write(LATE, "X = = 2\n")
    assert program.run(planned) == CHANGED.format(f"{EARLY}, {LATE} have")


@pytest.mark.parametrize("damage", ["{", '{"a": {"code": "1"}}'])
def test_without_the_hashes_the_code_is_compared_all_the_same(program, damage):
    planned = program.plan()
    kept = program.folder / ".snakemake" / "linvae" / "code" / f"{planned[1]}.json"
    assert kept.exists()
    kept.write_text(damage)
    assert program.run(planned) == "1 1"
    program.write(EARLY, "X = 2\n")
    assert program.run(planned) == CHANGED.format("the code of script.py has")


@pytest.mark.parametrize("end", ["X = 1\n", "X = 3\n"])
def test_what_changes_while_it_is_imported_is_not_used(program, end):
    # The first module that is imported edits the second, which is read then, and puts it back.
    text = f"{program.edit(LATE, 'X = 2')}\nimport linvae.late\n{program.edit(LATE, end)}\nX = 1\n"
    program.write(EARLY, text)
    assert program.run(program.plan()) == CHANGED.format(f"{LATE} has")


def test_the_program_itself_is_compared_with_what_was_read(program):
    planned = program.plan()
    program.write("script.py", SCRIPT.replace("early.X", "2 * early.X"))
    back = program.edit("script.py", SCRIPT)
    assert program.run(planned, AT_START=back) == CHANGED.format("script.py has")


def test_what_is_imported_before_it_is_compared_is_refused(program):
    message = program.run(program.plan(), AT_START="import linvae.late")
    assert message.startswith("error: script.py imports linvae.late before its code is compared")


@pytest.mark.parametrize("name", [EARLY, LATE])
def test_compiled_code_of_another_version_is_not_used(program, name):
    planned, path = program.plan(), program.folder / name
    right = path.read_text()
    # The same time in seconds, and the same size.
    path.write_text(right.replace("1", "2"))
    os.utime(path, (1e9, 1e9))
    program.python("-c", f"import linvae.{path.stem}")
    time.sleep(0.1)
    path.write_text(right)
    os.utime(path, (1e9, 1e9))
    done = program.python("-c", f"from linvae.{path.stem} import X; print(X)")
    assert done.stdout == "2\n", "this Python did not fall for it"
    assert program.run(planned) == "1 1"


def test_modules_that_are_loaded_by_name_must_be_named(program):
    load = "import importlib; importlib.import_module('linvae.other')"
    program.write("src/linvae/other.py", "X = 1\n")
    message = program.run(program.plan(), IN_MAIN=load)
    assert message.startswith("error: linvae.other was imported, but not by a statement")
    planned = program.plan(["linvae.other"])
    assert program.run(planned, IN_MAIN=load) == "1 1"
    program.write("src/linvae/other.py", "X = 2\n")
    assert program.run(planned) == CHANGED.format("src/linvae/other.py has")


def test_code_beside_the_program_is_refused(program):
    program.write("helper.py", "FACTOR = 1\n")
    message = program.run(program.plan(), IN_MAIN="import helper")
    assert message.startswith("error: helper lies beside script.py, where no fingerprint sees it")


def test_a_module_from_elsewhere_is_refused(program):
    elsewhere = program.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "late.py").write_text("X = 3\n")
    detour = f"import linvae; linvae.__path__.insert(0, {str(elsewhere)!r})"
    message = program.run(program.plan(), AT_START=detour)
    assert message.startswith(f"error: linvae.late comes from {elsewhere}")
