"""The program that draws a figure, started from a notebook's kernel with a user's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import MATPLOTLIBRC
from linear_study import CONFIG, NAMES, write_results
from lying import PROVENANCE, paths_of

from linvae.jobs.fingerprint import fingerprint
from linvae.jobs.job import Job, write_job
from linvae.study.figures import figure_inputs

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "workflow" / "scripts" / "figure.py"
FIGURE = "fig6_latent_dim"
# As `%run` or `!snakemake` in a cell hands them on, and as a shell's profile may set them.
KERNEL = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": "matplotlibrc",
    "OMP_NUM_THREADS": "7",
    "OPENBLAS_NUM_THREADS": "7",
    "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "5",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "LC_ALL": "C",
    "TZ": "Asia/Kathmandu",
    "SOURCE_DATE_EPOCH": "1",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_results()
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC)
    return tmp_path


def drawn(name, **environment):
    """Files that the program writes, and what it says."""
    settings = {"figure": FIGURE, "section": CONFIG.study.latent_dim.identity()}
    settings |= {"measurement": CONFIG.measurement.identity(), "style": {"dpi": 50}}
    inputs = [*paths_of(figure_inputs(CONFIG.study, NAMES, FIGURE)), PROVENANCE]
    files = {suffix: f"{FIGURE}.{suffix}" for suffix in ("png", "pdf", "csv")}
    modules = (f"linvae.plots.{FIGURE}",)
    code = fingerprint(SCRIPT, modules)
    job = Job("figure", name, settings, {"inputs": inputs}, files, code, modules)
    write_job(job)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), job.address],
        env={k: v for k, v in os.environ.items() if k not in KERNEL}
        | {"PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return {suffix: Path(path).read_bytes() for suffix, path in job.outputs.items()}


def test_a_figure_has_the_same_bytes_from_a_notebook_s_kernel(folder):
    hostile = drawn("hostile", **KERNEL)
    # The program would read one in its folder, too.
    (folder / "matplotlibrc").unlink()
    assert hostile == drawn("plain")


def test_the_environment_of_the_user_s_own_process_is_left_alone():
    code = (
        "import os, linvae.plots.style, matplotlib as mpl\n"
        "assert os.environ['MPLBACKEND'] == 'nonsense'\n"
        "mpl.rcParams['font.size'] = 31.0\n"
        "with linvae.plots.style.look(): assert mpl.rcParams['font.size'] == 8\n"
        "assert mpl.rcParams['font.size'] == 31.0\n"
    )
    environment = {**os.environ, "MPLBACKEND": "nonsense", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
