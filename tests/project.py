"""A copy of the project in a folder of its own, and what Snakemake does there."""

import contextlib
import copy
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from addresses import without_addresses
from configured import configuration
from timed import shows_times, without_times

from linvae.naming import Run
from linvae.planning.study_plan import plan_study
from linvae.planning.workflow import Workflow

__all__ = ["ROOT", "SNAKEMAKE", "WORKFLOW_TESTS", "Project"]

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW_TESTS = ROOT / "tests" / "workflow"
# Where another Snakemake lies than that of this environment, if that is to be tested.
SNAKEMAKE = [path for path in [os.environ.get("LINVAE_TEST_SNAKEMAKE")] if path]
PARTS = (
    "Snakefile",
    "config.yaml",
    "config",
    "profiles",
    "workflow",
    "src",
    "benchmarks",
    "pyproject.toml",
)


class Project:
    """A folder that holds the project, with the tiny study as the overlay `config/tiny.yaml`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.overlay = "config/tiny.yaml"

    @classmethod
    def create(cls, folder):
        """Copy everything that running the workflow needs."""
        folder = Path(folder)
        folder.mkdir(parents=True)
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=ignored)
            else:
                shutil.copy2(source, folder / part)
        shutil.copy2(WORKFLOW_TESTS / "tiny.yaml", folder / "config" / "tiny.yaml")
        return cls(folder)

    def copy_to(self, folder):
        """Copy the project with its results; times are kept, as Snakemake looks at them."""
        shutil.copytree(self.folder, folder, symlinks=True)
        copied = Project(folder)
        copied.overlay = self.overlay
        return copied

    @property
    def environment(self):
        """Environment in which `import linvae` finds this copy, with no settings of the user's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LINVAE_", "SNAKEMAKE_"))}
        cache = self.folder / ".cache"
        paths = os.pathsep.join([str(self.folder / "src"), *SNAKEMAKE])
        return kept | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(cache)}

    def command(self, *arguments):
        """Command line of Snakemake for this study."""
        return [sys.executable, "-m", "snakemake", *arguments, "--configfile", self.overlay]

    def snakemake(self, *arguments, check=True, **variables):
        """Run Snakemake to its end; standard output and error come back as one text."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=500,
        )
        if check:
            assert done.returncode == 0, done.stdout
        return done

    def start(self, *arguments):
        """Start Snakemake in a session of its own and do not wait."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # Tests that run in the background of a shell may be told to ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def study(self):
        """Return the overlay as a nested dict."""
        return yaml.safe_load((self.folder / "config" / "tiny.yaml").read_text())

    def config(self):
        """Return the validated configuration, the default one under the overlay."""
        return configuration(self.folder, self.overlay)

    def plan(self):
        """The map of the study as it is configured now, by this process's linvae."""
        workflow = Workflow.beside(self.folder, keep=False)
        return plan_study(self.config(), workflow)

    def run_file(self, name, model, noise, seed=0, k=3, variant="", data="logit-first60"):
        """Path of a run's file under the present configuration, relative to the project's."""
        config = self.config()
        wanted = f"runs/{Run(model, config.names().data(data), k, noise, seed)}/{variant}{name}"
        plan = self.plan()
        return plan.jobs[plan.final].settings["runs"][wanted]

    def run_folder(self, model, noise, seed=0, k=3):
        """Folder of a run's weights under the present configuration, relative to the project's."""
        return os.path.dirname(self.run_file("model.safetensors", model, noise, seed, k))

    @contextlib.contextmanager
    def edited(self, changes):
        """Change files, given as {path: new text or function of the old}, and put them back."""
        before = {}
        try:
            for name, change in changes.items():
                path = self.folder / name
                before[path] = path.read_text() if path.exists() else None
                path.write_text(change(before[path]) if callable(change) else change)
            yield
        finally:
            for path, text in before.items():
                if text is None:
                    path.unlink()
                else:
                    path.write_text(text)

    @contextlib.contextmanager
    def reconfigured(self, change):
        """Let a function change the overlay's nested dict."""
        settings = copy.deepcopy(self.study())
        change(settings)
        with self.edited({"config/tiny.yaml": yaml.safe_dump(settings)}):
            yield

    def results(self, *suffixes):
        """Bytes of every result file with one of these suffixes, by path."""
        folder = self.folder / "results"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            and path.suffix in suffixes
            and not {"logs", "benchmarks"} & set(path.relative_to(folder).parts)
            # What a file was computed with, and not what it is.
            and path.name not in ("made.json", "found.json")
            and not shows_times(str(path))
        }

    def computed(self):
        """Bytes of what the study says and rests on, by name, whatever their addresses."""
        plan = self.plan()
        settings = plan.jobs[plan.final].settings
        names = {**settings["files"], **settings["runs"]}
        folder = self.folder / "results" / plan.name
        return {
            name: without_addresses(name, without_times((folder / name).read_bytes()))
            for name in names
            if not shows_times(name)
        }
