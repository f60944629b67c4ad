"""Claims 1 and 3 on made-up runs."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from linvae.claims.maximum import columns_are_components, linear_runs, reaches_maximum
from linvae.naming import Run
from linvae.settings.model import ModelSettings

REACHED, ALIGNED = 0.01, 0.99
ADAM, LBFGS, PLAIN = "Adam at 0.01", "L-BFGS", "L-BFGS without rotations"


def _runs(gaps, cosine=0.999, ended=(LBFGS, PLAIN)):
    rows = [
        {"optimiser": name, "seed": seed, "gap": gap, "mean_abs_cos": cosine}
        for name, values in gaps.items()
        for seed, gap in enumerate(values)
    ]
    runs = pd.DataFrame(rows).eval("marginal_gap = 0.75 * gap\ninference_gap = 0.25 * gap")
    runs = runs.assign(condition="k = 200", stops=runs["optimiser"] != ADAM)
    return runs.assign(ended=runs["optimiser"].isin(ended), rotates=runs["optimiser"] == LBFGS)


def _row(found, subject):
    return next(row for row in found.rows if row.subject == subject)


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ({ADAM: [20.0, 21.0], LBFGS: [1e-6, 2e-6]}, "supported"),
        ({ADAM: [20.0, 21.0], LBFGS: [1e-6, 3.0]}, "not supported"),
        # One optimiser at the maximum is enough, whatever holds another up.
        ({LBFGS: [1e-6, 2e-6], PLAIN: [1e-6, 3.0]}, "supported"),
        # A budget that ends decides nothing, however even the results.
        ({ADAM: [20.0, 20.0]}, "inconclusive"),
        ({ADAM: [-1.0, 1e-6]}, "not supported"),
        # What exceeds the maximum is wrong, whoever else arrives.
        ({ADAM: [-1.0, 1e-6], LBFGS: [1e-6, 2e-6]}, "not supported"),
    ],
)
def test_claim_1_maximum_is_reached(gaps, verdict):
    found = reaches_maximum(_runs(gaps), REACHED)
    assert found.verdict == verdict
    assert [row.subject for row in found.rows] == list(gaps)
    for name, values in gaps.items():
        assert _row(found, name).interval.mean == pytest.approx(sum(values) / len(values))


def test_claim_1_adam_whose_steps_end_is_reported_and_not_judged():
    found = reaches_maximum(_runs({ADAM: [5.2, 5.4], LBFGS: [1e-7, 1e-7]}), REACHED)
    assert (_row(found, ADAM).answer, _row(found, LBFGS).answer) == (None, "yes")
    assert found.verdicts == {LBFGS: "supported"}
    assert found.sentence == (
        "L-BFGS reaches the pPCA maximum on every seed; "
        "Adam at 0.01 runs out of steps 5.3 nats below it."
    )


def test_claim_1_lbfgs_whose_budget_ends_says_what_would_settle_it():
    found = reaches_maximum(_runs({ADAM: [20.0], LBFGS: [3.0]}, ended=()), REACHED)
    assert found.verdict == "inconclusive"
    assert _row(found, LBFGS).settles == "more iterations"
    assert found.sentence.startswith("Open: ")


@pytest.mark.parametrize(
    ("gaps", "cosine", "verdict"),
    [
        ({ADAM: [20.0], LBFGS: [1e-6], PLAIN: [1e-7]}, 0.999, "supported"),
        ({ADAM: [20.0], LBFGS: [1e-6], PLAIN: [1e-7]}, 0.5, "not supported"),
        # Rotations alone build the alignment in.
        ({ADAM: [20.0], LBFGS: [1e-6]}, 0.999, "inconclusive"),
        ({ADAM: [20.0]}, 0.999, "inconclusive"),
    ],
)
def test_claim_3_columns_are_judged_at_the_maximum(gaps, cosine, verdict):
    runs = _runs(gaps, cosine=cosine)
    # What a run short of the maximum does decides nothing.
    runs.loc[runs["optimiser"] == ADAM, "mean_abs_cos"] = 0.2
    found = columns_are_components(runs, REACHED, ALIGNED)
    assert found.verdict == verdict
    (adam, inference) = (row for row in found.rows if row.subject == ADAM)
    assert (adam.interval.mean, adam.answer) == (0.2, None)
    assert (inference.interval.mean, inference.unit, inference.answer) == (5.0, "nats", None)
    assert "inference gap" in inference.quantity


def test_claim_3_rotated_runs_do_not_support_it():
    found = columns_are_components(_runs({LBFGS: [1e-6], PLAIN: [1e-7]}), REACHED, ALIGNED)
    assert (_row(found, LBFGS).answer, _row(found, PLAIN).answer) == (None, "yes")
    assert found.sentence == (
        "At the maximum the columns are the principal components: "
        "mean |cos| is 0.9990 by L-BFGS without rotations."
    )


def test_claim_3_asks_for_runs_without_rotations_where_there_are_none():
    found = columns_are_components(_runs({LBFGS: [1e-6]}), REACHED, ALIGNED)
    (row,) = (row for row in found.rows if row.answer == "undecided")
    assert row.settles == "a model for study.linear.unrotated"


def test_claim_3_does_not_judge_a_run_whose_budget_ended_near_the_maximum():
    runs = _runs({LBFGS: [1e-6], PLAIN: [1e-3]}, ended=(LBFGS,))
    runs.loc[runs["optimiser"] == PLAIN, "mean_abs_cos"] = 0.9
    found = columns_are_components(runs, REACHED, ALIGNED)
    assert found.verdict == "inconclusive"
    assert _row(found, PLAIN).settles == "more iterations"


def test_claim_3_one_seed_that_is_not_aligned_refutes_it():
    runs = _runs({LBFGS: [1e-6] * 3, PLAIN: [1e-7] * 3})
    runs.loc[4, "mean_abs_cos"] = 0.98
    assert columns_are_components(runs, REACHED, ALIGNED).verdict == "not supported"


@pytest.mark.parametrize(
    "judge", [reaches_maximum, lambda runs, r: columns_are_components(runs, r, ALIGNED)]
)
def test_rows_are_plain_values(judge):
    found = judge(_runs({ADAM: [20.0, 21.0], LBFGS: [1e-6, 2e-6], PLAIN: [1e-7, 1e-7]}), REACHED)
    assert len(found.rows) <= 6
    json.dumps([row.to_dict() for row in found.rows] + [found.numbers], allow_nan=False)


def _results(models, steps=50):
    """Results of one run of each model."""
    settings = {
        name: ModelSettings.model_validate({"training": {"objective": "analytic", **training}})
        for name, training in models.items()
    }
    runs = [Run(name, "mnist-logit-first50", 10, "learned-1", 0) for name in models]
    return SimpleNamespace(
        models=settings, runs=lambda section: runs, metrics=lambda run: {"steps": steps}
    )


def test_runs_are_named_by_optimiser_and_told_apart_by_model_where_that_is_not_enough():
    lbfgs = {"optimizer": "lbfgs", "steps": 100}
    adam = {"steps": 50, "learning_rate": 0.01}
    models = {
        "a": adam,
        "slow": {**adam, "learning_rate": 0.001},
        "b": {**adam, "schedule": "cosine"},
        "l": lbfgs,
        "plain": {**lbfgs, "never_rotate": True},
    }
    runs = linear_runs(_results(models), "linear").set_index("model")
    assert runs["optimiser"].to_dict() == {
        "a": "Adam at 0.01 (a)",
        "slow": "Adam at 0.001",
        "b": "Adam at 0.01 (b)",
        "l": "L-BFGS",
        "plain": "L-BFGS without rotations",
    }
    assert runs.loc["slow", "condition"] == "k = 10, 50 steps"
    assert runs.loc["plain", "condition"] == "k = 10"
    assert runs["ended"].to_list() == runs["stops"].to_list() == [False] * 3 + [True] * 2
    assert runs["rotates"].to_list() == [False] * 3 + [True, False]
    assert not linear_runs(_results({"l": lbfgs}, steps=100), "linear")["ended"].any()
