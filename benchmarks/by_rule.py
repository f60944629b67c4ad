"""Time and memory of a finished study by rule, from the files that Snakemake measured them into.

Usage: python benchmarks/by_rule.py results/default
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from parts import Part

__all__ = ["by_rule", "part"]

TEXT = """\
The study `{name}`: {jobs:,} jobs, at least {minutes:.0f} CPU minutes. Snakemake looks at a job
twice a second for 15 seconds and every half minute after that; what a job used after the last
look is lacking, and a job that ended before the first counts as none{unseen}. Wall time has the
waiting on a busy machine in it. Of runs that studies share, those are counted that are in
`runs.csv`; what is computed once for a data set is counted whole. Measured while the study ran,
not in this run of the benchmarks."""

# Rules whose benchmark files lie below the name of a run.
OF_RUNS = ("train_deep", "train_linear", "solve", "evaluate", "evaluate_deep", "graft")
_RUNS = "results/train/"


def part(study: Path) -> Part:
    """Tell a study's costs by rule."""
    jobs = _jobs(study)
    unseen = int(jobs["cpu_time"].isna().sum())
    text = TEXT.format(
        name=study.resolve().name,
        jobs=len(jobs),
        minutes=jobs["cpu_time"].sum() / 60,
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
    runs = study / "runs.csv"
    if not runs.is_file():
        msg = f"--study {study}: there is no runs.csv; give the folder of a finished study"
        raise ValueError(msg)
    study = study.resolve()
    own = {folder.removeprefix(_RUNS) for folder in pd.read_csv(runs)["folder"]}
    tables = []
    for rule, file in _files(study, own):
        # A job too short to be looked at has NA or a dash.
        table = pd.read_csv(file, sep="\t", na_values=["-", "NA"])
        tables.append(table.assign(rule=rule)[["rule", "s", "cpu_time", "max_rss"]])
    if not tables:
        msg = f"--study {study}: there are no files below {study.parent.name}/benchmarks"
        raise ValueError(msg)
    return pd.concat(tables, ignore_index=True)


def _files(study: Path, runs: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield rule and benchmark file of each of a study's jobs."""
    for folder in (study.parent / "benchmarks", study / "benchmarks"):
        for file in sorted(folder.rglob("*.tsv")):
            rule, *rest = file.relative_to(folder).with_suffix("").parts
            # Below a run's folder the file of a graft names the arm.
            run = "/".join(rest[:-1] if rule == "graft" else rest)
            if rule not in OF_RUNS or run in runs:
                yield rule, file


if __name__ == "__main__":
    print(part(Path(sys.argv[1])).markdown())
