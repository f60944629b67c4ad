"""The same study gives the same bytes, whatever the number of cores and the order of jobs.

The reference ran on 2 cores. LINVAE_EXHAUSTIVE runs the whole study on 1 and 4; without it, two
runs of it.
"""

import json
import os
import re

import pytest

EXHAUSTIVE = "LINVAE_EXHAUSTIVE" in os.environ
# All that a study computes; pictures have a test of their own.
SUFFIXES = (".json", ".csv", ".safetensors", ".npz", ".md")


def differing(found, expected):
    """Names of files whose bytes are not those expected."""
    return sorted(name for name in found if found[name] != expected.get(name))


def order(log):
    """Jobs in the order in which they ended."""
    return re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", log)


def test_results_depend_neither_on_cores_nor_on_the_order_of_jobs(finished, fresh, tmp_path):
    other = fresh.copy_to(tmp_path / "other")
    deep, solved = (
        fresh.run_file("metrics.json", model, noise)
        for model, noise in (("tiny-deep", "fixed-1"), ("tiny-lbfgs", "learned-1"))
    )
    orders = []
    for project, cores, first in ((fresh, "1", deep), (other, "4", solved)):
        log = project.snakemake(deep, solved, "--cores", cores, "--prioritize", first).stdout
        orders.append(order(log))
        found = project.results(*SUFFIXES)
        assert len(found) >= 8
        assert differing(found, finished.results(*SUFFIXES)) == []
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_two_threads_give_the_same_bytes_on_any_number_of_cores(fresh, tmp_path):
    found = []
    # Fewer cores than threads, and more.
    for cores in ("1", "4"):
        project = fresh.copy_to(tmp_path / cores)
        with project.reconfigured(lambda settings: settings.update(threads=2)):
            targets = [
                project.run_file("metrics.json", model, noise)
                for model, noise in (
                    ("tiny-deep", "fixed-1"),
                    ("tiny-lbfgs", "learned-1"),
                    ("tiny-solved", "learned-1"),
                )
            ]
            project.snakemake(*targets, "--cores", cores)
        found.append(project.results(*SUFFIXES))
        made = json.loads((project.folder / targets[0]).with_name("made.json").read_text())
        assert made["job"]["settings"]["threads"] == 2
    assert found[0] == found[1]


@pytest.mark.skipif(not EXHAUSTIVE, reason="minutes long; set LINVAE_EXHAUSTIVE")
@pytest.mark.parametrize("cores", ["1", "4"])
def test_the_whole_study_repeats_its_bytes(finished, fresh, cores):
    fresh.snakemake("--cores", cores)
    suffixes = (*SUFFIXES, ".png", ".pdf")
    assert fresh.results(*suffixes) == finished.results(*suffixes)


def test_figures_repeat_their_bytes_whatever_a_user_has_set(finished, project):
    names = ("fig6_latent_dim", "fig12_samples")
    targets = [
        str(path.relative_to(project.folder))
        for name in names
        for path in project.folder.glob(f"results/report/figures/{name}/*/{name}.png")
    ]
    assert len(targets) == len(names)
    for target in targets:
        (project.folder / target).unlink()
    # As a notebook's kernel hands it on; a file of settings in the folder itself is read too.
    (project.folder / "matplotlibrc").write_text("font.size: 30\ntext.usetex: True\n")
    kernel = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONOPTIMIZE": "2"}
    kernel |= {"OMP_NUM_THREADS": "7", "LC_ALL": "C", "GIT_DIR": "/nowhere"}
    project.snakemake(*targets, "--cores", "2", **kernel)
    assert project.results(".png", ".pdf") == finished.results(".png", ".pdf")
