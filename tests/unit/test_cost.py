"""Estimates follow the sizes that they are made of."""

from pathlib import Path

import pytest

from linvae.naming import Run
from linvae.settings.arms import ARMS
from linvae.settings.model import Encoder, ModelSettings
from linvae.study.cost import (
    Cost,
    Rates,
    _muon_products,
    arm_cost,
    bound_cost,
    job_cost,
    job_seconds,
    training_images,
)

ROOT = Path(__file__).parents[2]
RATES = Rates(1e10, None, 1e10, 1e10, 100)
RUN = Run("deep", "mnist-logit-first4000", 200, "fixed-1", 0)


def deep(epochs=10, **job):
    return ModelSettings.model_validate(
        {
            "encoder": {"hidden": [1024, 512], "posterior": "amortised"},
            "decoder": {"hidden": [512, 1024]},
            "training": {"objective": "stochastic", "epochs": epochs, "batch_size": 100},
            "job": job,
        }
    )


def test_deep_work_is_weights_times_images_times_epochs():
    weights = 784 * 1024 + 1024 * 512 + 512 * 400 + 200 * 512 + 512 * 1024 + 1024 * 784
    cost, twice = (job_cost(deep(epochs=n), RUN, 4000, RATES) for n in (10, 20))
    work = twice.cpu_seconds - cost.cpu_seconds
    assert work == pytest.approx(10 * 4000 * weights / 1e10)
    assert cost.cpu_seconds > work
    assert cost.disk_megabytes == pytest.approx(4e-6 * weights)


def test_a_skip_is_a_matrix_more():
    plain = deep()
    skipped = plain.model_copy(update={"decoder": plain.decoder.model_copy(update={"skip": True})})
    more = [job_cost(model, RUN, 4000, RATES).disk_megabytes for model in (plain, skipped)]
    assert more[1] - more[0] == pytest.approx(4e-6 * 784 * 200)


def test_a_gpu_counts_only_where_one_was_measured():
    assert job_cost(deep(device="cuda"), RUN, 4000, RATES).gpu_seconds == 0
    measured = Rates(1e10, 1e12, 1e10, 1e10, 100)
    assert job_cost(deep(device="cuda"), RUN, 4000, measured).gpu_seconds > 0
    assert job_cost(deep(device="cpu"), RUN, 4000, measured).gpu_seconds == 0


def test_a_model_trained_from_the_covariance_costs_the_same_for_any_number_of_images():
    model = ModelSettings.model_validate({"training": {"objective": "analytic", "steps": 100}})
    run = Run("linear", "mnist-logit-all", 200, "learned-1", 0)
    assert job_cost(model, run, 1000, RATES) == job_cost(model, run, 60_000, RATES)
    stochastic = ModelSettings.model_validate(
        {"training": {"objective": "stochastic", "steps": 100}}
    )
    costs = [job_cost(stochastic, run, n, RATES).cpu_seconds for n in (1000, 60_000)]
    assert costs[1] > 10 * costs[0]


def test_seconds_are_told_once_of_all_seeds_and_noises():
    other = Run("deep", "mnist-logit-first4000", 200, "learned-1", 3)
    found = job_seconds({"deep": deep()}, [RUN, other], RATES)
    assert found == {
        "deep/mnist-logit-first4000/k200": round(job_cost(deep(), RUN, 4000, RATES).cpu_seconds)
    }


def test_a_graft_is_three_trainings_of_which_two_take_longer():
    model = deep(epochs=10)
    once = job_cost(deep(epochs=5), RUN, 4000, RATES)
    arms = (arm_cost(model, RUN, 4000, 5 * 40, RATES, arm) for arm in ARMS)
    found = sum(arms, Cost())
    assert (found.jobs, found.disk_megabytes) == (3, 0)
    assert 3 * once.cpu_seconds < found.cpu_seconds < 6 * once.cpu_seconds
    assert found.peak_megabytes == once.peak_megabytes


def test_training_on_by_a_bound_decodes_every_draw():
    model = deep(epochs=10)
    once = job_cost(deep(epochs=5), RUN, 4000, RATES)
    one, eight = (bound_cost(model, RUN, 4000, 5 * 40, draws, RATES) for draws in (1, 8))
    assert one.cpu_seconds == pytest.approx(once.cpu_seconds)
    # Its decoder is no larger than its encoder.
    assert 4 * once.cpu_seconds < eight.cpu_seconds < 5 * once.cpu_seconds
    assert (eight.jobs, eight.disk_megabytes) == (1, 0)


def test_costs_add_up_and_memory_is_the_largest():
    assert Cost(1, 2, 3, 4, 5) + Cost(1, 1, 1, 1, 9) == Cost(2, 3, 4, 5, 9)


def test_the_number_of_images_is_in_the_name():
    assert training_images("mnist-logit-first500") == 500
    assert training_images("mnist-pixels-all") == 60_000


def test_an_update_by_muon_costs_its_products():
    """Of a 6 x 10 matrix: twice 6 x 6 x 10 for the Gram matrix and the end, 4 n - 3 of 6^3."""
    assert _muon_products([(6, 10)], 5) == 2 * 360 + 17 * 216
    assert _muon_products([(10, 6), (6, 10)], 3) == 2 * (2 * 360 + 9 * 216)


def test_the_head_of_an_amortised_variance_is_a_matrix_of_its_own():
    encoder = Encoder(hidden=(8, 7), posterior="amortised", skip=True)
    assert encoder.matrices(20, 3) == [(20, 8), (8, 7), (7, 3), (20, 3), (7, 3)]
    shared = Encoder(hidden=(8, 7))
    assert shared.matrices(20, 3) == [(20, 8), (8, 7), (7, 3)]
