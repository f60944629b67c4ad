"""What is left is counted job by job, and takes as long as its longest chain of jobs."""

import itertools
import random

import pytest
from lying import MEASURED, TRAINED

from linvae.jobs.job import Job
from linvae.naming import Run
from linvae.planning.left import Estimate, estimate, makespan, report
from linvae.settings.arms import ARMS
from linvae.settings.likelihood_job import BOUNDS
from linvae.settings.model import ModelSettings
from linvae.study.cost import Cost, Rates, arm_cost, bound_cost, job_cost

RATES = Rates(1e10, None, 1e10, 1e10, 100)
RUN = Run("deep", "mnist-logit-first4000", 50, "fixed-1", 0)
MODEL = ModelSettings.model_validate(
    {
        "encoder": {"hidden": [256], "posterior": "amortised"},
        "decoder": {"hidden": [256]},
        "training": {"objective": "stochastic", "epochs": 10, "batch_size": 100},
    }
)
MODELS = {"deep": MODEL}


def estimated(program, place, **files):
    return estimate(Job(program, f"{place}/{{address}}", {}, {}, files, "code"), MODELS, RATES)


def shortest(seconds, n):
    """Time of the best of all ways to hand jobs to workers."""
    return min(
        max(sum(s for s, w in zip(seconds, way, strict=True) if w == i) for i in range(n))
        for way in itertools.product(range(n), repeat=len(seconds))
    )


def test_a_training_job_costs_what_its_run_does():
    files = {"model": "model.safetensors", "curve": "curve.csv", "made": "made.json"}
    found = estimated("train_deep", f"results/train/{RUN}", **files)
    assert found.cost == job_cost(MODEL, RUN, 4000, RATES)
    assert (found.kind, found.name) == ("deep", "deep, k=50, fixed-1, seed 0")


def test_the_arms_of_a_graft_cost_what_all_of_it_does():
    arms = [
        estimated(
            "graft", f"results/train/{RUN}/{TRAINED}/{MEASURED}/graft-{arm}-100", m="graft.json"
        ).cost
        for arm in ARMS
    ]
    expected = [arm_cost(MODEL, RUN, 4000, 100, RATES, arm) for arm in ARMS]
    assert arms == expected
    assert arms[0].cpu_seconds < arms[1].cpu_seconds == arms[2].cpu_seconds
    reopened = f"results/train/{RUN}/{TRAINED}/{MEASURED}/graft-certificate-100-0.5"
    assert estimated("graft", reopened, m="graft.json").cost == arms[2]


def test_either_bound_costs_what_its_draws_do():
    for bound in BOUNDS:
        place = f"results/train/{RUN}/{TRAINED}/{MEASURED}/graft-{bound}-8-100-0.1"
        found = estimated("likelihood", place, m="likelihood.json")
        assert found.cost == bound_cost(MODEL, RUN, 4000, 100, 8, RATES)
        assert found.kind == "likelihood"


def test_other_jobs_are_counted_and_cost_a_start():
    found = estimated("figure", "results/report/figures/fig1", png="fig1.png")
    assert found.name.startswith("figure results/report/figures/fig1/")
    assert found.cost.jobs == 1
    assert 0 < found.cost.cpu_seconds < 10


@pytest.mark.parametrize("seed", range(20))
def test_the_time_on_n_workers_lies_between_the_bounds_of_any_schedule(seed):
    draw = random.Random(seed)
    seconds, n = [draw.uniform(1, 9) for _ in range(7)], draw.choice([1, 2, 3])
    found = makespan(seconds, n)
    assert max(max(seconds), sum(seconds) / n) <= found + 1e-9
    assert found <= (4 / 3 - 1 / (3 * n)) * shortest(seconds, n) + 1e-9


def test_more_workers_than_jobs_take_as_long_as_the_longest():
    assert makespan([3.0, 5.0, 1.0], 8) == 5.0
    assert makespan([3.0, 5.0, 1.0], 1) == 9.0


def test_nothing_left_is_told_in_one_line():
    assert report([], 133, 2) == (
        "Left to compute: 0 jobs, 0 of them trainings, of 133 in the whole study."
    )


def test_the_report_names_the_longest_job_and_the_time_of_all():
    jobs = [
        Estimate("all other jobs", "summary", Cost(1, 3.0)),
        Estimate("deep", "short", Cost(1, 3600.0)),
        Estimate("deep", "long", Cost(1, 7200.0, 3600.0)),
    ]
    head, _, deep, others, everything, longest, end = report(jobs, 5, 2).splitlines()
    assert head.startswith("Left to compute: 3 jobs, 2 of them trainings, of 5 ")
    assert deep.split()[:4] == ["deep", "2", "3.00", "1.00"]
    assert others.startswith("all other jobs")
    assert everything.startswith("everything that is left")
    assert longest == "Longest job: long, 2.00 h."
    assert end == "With --jobs 2: 2.00 h or more."
