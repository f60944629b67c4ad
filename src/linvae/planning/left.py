"""What of a study is left to compute: jobs, hours, the longest job, and the time on N cores."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from linvae.jobs.job import Job
from linvae.naming import Run, product_of
from linvae.settings.model import ModelSettings
from linvae.study.cost import (
    START_SECONDS,
    Cost,
    Rates,
    arm_cost,
    bound_cost,
    job_cost,
    table,
    training_images,
)
from linvae.study.likelihood import WayOn

__all__ = ["Estimate", "estimate", "makespan", "report", "trains"]

_TRAINING = ("train_deep", "train_linear", "solve")
_TRAINED_ON = ("graft", "likelihood")
_OTHERS = "all other jobs"


@dataclass(frozen=True)
class Estimate:
    """Of what kind a job is, and what it costs."""

    kind: str
    name: str
    cost: Cost


def trains(job: Job) -> bool:
    """Whether a job trains a run, or trains one on."""
    return job.program in (*_TRAINING, *_TRAINED_ON)


def estimate(job: Job, models: Mapping[str, ModelSettings], rates: Rates) -> Estimate:
    """Estimate a job; of one that does not train, the time of its start is counted and no more."""
    output = next(iter(job.outputs.values()))
    if not trains(job):
        return Estimate(_OTHERS, f"{job.program} {output}", Cost(1, START_SECONDS))
    file = product_of(output)
    run, images = file.run, training_images(file.run.data)
    model = models[run.model]
    if job.program in _TRAINING:
        return Estimate(run.model, _name(run), job_cost(model, run, images, rates))
    if way := WayOn.parse(file.variant):
        cost = bound_cost(model, run, images, way.updates, way.draws, rates)
        return Estimate("likelihood", f"training on by {way.bound} of {_name(run)}", cost)
    # A share of the rate may follow.
    arm, updates, *_ = file.variant.split("-")
    cost = arm_cost(model, run, images, int(updates), rates, arm)
    return Estimate("grafts", f"graft ({arm}) of {_name(run)}", cost)


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


def report(jobs: Iterable[Estimate], n_of_study: int, n_workers: int) -> str:
    """Tabulate what is left by model, with the longest job and the time at `--jobs` N.

    Parameters
    ----------
    jobs
        What is left.
    n_of_study
        Training jobs of the whole study, those that train runs on included.
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
