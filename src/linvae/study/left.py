"""What of a study is left to compute: jobs, hours, the longest job, and the time on N cores."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from linvae.naming import Run, parse_run
from linvae.settings.model import ModelSettings
from linvae.study.cost import (
    START_SECONDS,
    Cost,
    Rates,
    arm_cost,
    job_cost,
    table,
    training_images,
)

__all__ = ["Job", "job", "makespan", "report"]

_TRAINING = ("train_deep", "train_linear", "solve")
_OTHERS = "all other jobs"


@dataclass(frozen=True)
class Job:
    """A job that Snakemake would run: of what kind it is, and what it costs."""

    kind: str
    name: str
    cost: Cost


def job(rule: str, output: str, models: Mapping[str, ModelSettings], rates: Rates) -> Job:
    """Estimate a job by its rule and its first output.

    Of jobs that do not train, the time of their start is counted and no more.
    """
    if rule not in (*_TRAINING, "graft"):
        return Job(_OTHERS, f"{rule} {output}", Cost(1, START_SECONDS))
    run = parse_run(output)
    images, model = training_images(run.data), models[run.model]
    if rule != "graft":
        return Job(run.model, _name(run), job_cost(model, run, images, rates))
    arm, _, updates = PurePosixPath(output).parent.name.rpartition("-")
    cost = arm_cost(model, run, images, int(updates), rates, arm)
    return Job("grafts", f"graft ({arm}) of {_name(run)}", cost)


def makespan(seconds: Iterable[float], n_workers: int) -> float:
    """Time until all jobs have ended, when the longest begin first and any may run beside others.

    An estimate from below of what Snakemake needs, whose jobs wait for one another too, and at most
    4/3 of the shortest possible time.

    References
    ----------
    Graham (1969), *Bounds on multiprocessing timing anomalies*, theorem 2.
    """
    ends = [0.0] * n_workers
    for length in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)


def report(jobs: Iterable[Job], n_of_study: int, n_workers: int) -> str:
    """Tabulate what is left by model, with the longest job and the time at `--jobs` N.

    Parameters
    ----------
    jobs
        What is left.
    n_of_study
        Training jobs of the whole study, grafts included.
    n_workers
        Jobs at a time.
    """
    jobs = sorted(jobs, key=lambda job: job.kind == _OTHERS)
    n_training = sum(job.kind != _OTHERS for job in jobs)
    head = (
        f"Left to compute: {len(jobs)} jobs, {n_training} of them trainings, "
        f"of {n_of_study} in the whole study."
    )
    if not jobs:
        return head
    by_kind: dict[str, Cost] = {}
    for one in jobs:
        by_kind[one.kind] = by_kind.get(one.kind, Cost()) + one.cost
    longest = max(jobs, key=lambda job: job.cost.cpu_seconds)
    end = makespan((job.cost.cpu_seconds for job in jobs), n_workers)
    return "\n".join(
        (
            head,
            *table(by_kind, "everything that is left"),
            f"Longest job: {longest.name}, {longest.cost.cpu_seconds / 3600:.2f} h.",
            f"With --jobs {n_workers}: {end / 3600:.2f} h or more.",
        )
    )


def _name(run: Run) -> str:
    return f"{run.model}, k={run.n_latent}, {run.noise}, seed {run.seed}"
