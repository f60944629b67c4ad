"""Time and memory of a finished study by rule, from the files that Snakemake measured them into.

Usage: python benchmarks/by_rule.py results/default
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import pandas as pd
from parts import Part

from linvae.naming import ADDRESS_PATTERN
from linvae.report.publish import STAMPS

__all__ = ["by_rule", "part"]

TEXT = """\
The study `{name}`: {jobs:,} jobs, at least {minutes:.0f} CPU minutes. Snakemake looks at a job
twice a second for 15 seconds and every half minute after that; what a job used after the last
look is lacking, and a job that ended before the first counts as none{unseen}. Wall time has the
waiting on a busy machine in it. Of what studies share, that is counted which `{stamp}` names, and
what is computed once for a data set is counted whole. Measured while the study ran, not in this
run of the benchmarks."""

# Rules whose results a study's stamp does not name.
OF_DATA = (
    "fetch", "hessian", "ppca", "preprocess", "provenance", "restarts", "saddles", "spectrum",
)  # fmt: skip


def part(study: Path) -> Part:
    """Tell a study's costs by rule."""
    jobs = _jobs(study)
    unseen = int(jobs["cpu_time"].isna().sum())
    text = TEXT.format(
        name=study.resolve().name,
        jobs=len(jobs),
        minutes=jobs["cpu_time"].sum() / 60,
        stamp=STAMPS[0],
        unseen=f" (here {unseen})" if unseen else "",
    )
    return Part("A study's time and memory, by rule", text, by_rule(jobs))


def by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    """Sum up jobs (columns rule, s, cpu_time, max_rss), the costliest rule first."""
    found = jobs.groupby("rule").agg(
        jobs=("s", "size"),
        cpu=("cpu_time", "sum"),
        wall=("s", "sum"),
        longest=("s", "max"),
        peak=("max_rss", "max"),
    )
    found = found.sort_values("cpu", ascending=False).reset_index()
    return pd.DataFrame(
        {
            "rule": found["rule"],
            "jobs": found["jobs"].map("{:,}".format),
            "CPU s, sum": found["cpu"].map("{:,.0f}".format),
            "wall s, sum": found["wall"].map("{:,.0f}".format),
            "longest job, wall s": found["longest"].map("{:,.1f}".format),
            "peak, MiB": [f"{value:,.0f}" if value == value else "" for value in found["peak"]],
        }
    )


def _jobs(study: Path) -> pd.DataFrame:
    """Return the measurements of a study's jobs, a row each.

    Raises
    ------
    ValueError
        If the folder is not that of a finished study.
    """
    stamps = sorted(study.glob(STAMPS[0]))
    if not stamps:
        msg = f"--study {study}: there is no {STAMPS[0]}; give the folder of a finished study"
        raise ValueError(msg)
    study = study.resolve()
    tables = []
    for rule, file in _files(study.parent / "benchmarks", _addresses(stamps)):
        # A job too short to be looked at has NA or a dash.
        table = pd.read_csv(file, sep="\t", na_values=["-", "NA"])
        tables.append(table.assign(rule=rule)[["rule", "s", "cpu_time", "max_rss"]])
    if not tables:
        msg = f"--study {study}: there are no files below {study.parent.name}/benchmarks"
        raise ValueError(msg)
    return pd.concat(tables, ignore_index=True)


def _addresses(stamps: Iterable[Path]) -> set[str]:
    """Return the addresses of the jobs whose results stamps name, and of those that wrote them."""
    found = set()
    for stamp in stamps:
        found.add(stamp.stem.rpartition("-")[2])
        for line in stamp.read_text(encoding="utf-8").splitlines():
            found.add(PurePosixPath(line.rpartition(" ")[2]).parent.name)
    return found


def _files(folder: Path, addresses: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield rule and benchmark file of each of a study's jobs."""
    for file in sorted(folder.rglob("*.tsv")):
        rule = file.relative_to(folder).parts[0]
        # What lies at no address is of an older version.
        of_data = rule in OF_DATA and re.fullmatch(ADDRESS_PATTERN, file.stem)
        if of_data or file.stem in addresses:
            yield rule, file


if __name__ == "__main__":
    print(part(Path(sys.argv[1])).markdown())
