"""Claim 9: the initial value of a learned noise variance."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from deep_runs import FLAT, MARGINS, RISING, deep_runs, verdicts_of

from linvae.claims.initial_value import INITIAL_VALUE_DECIDES, initial_value_decides

judge = partial(initial_value_decides, margins=MARGINS)
LOWER = dict(zip(RISING, [-50.0, -60.0, -70.0, -80.0], strict=True))


def learned(collapse, **values):
    return deep_runs(collapse, "learned", **values)


def changed(start, collapse, **values):
    """Runs as `study.one_setting` has them: a base, and a recipe with another schedule."""
    base = learned(start, model="base", **values).assign(changed="")
    other = learned(collapse, model="cosine", jitter=0.1).assign(changed="schedule")
    return pd.concat([base, other]).assign(base="base")


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (learned(RISING, elbo=LOWER), "supported"),
        # Far below the bound, and at rest there: so the recipe does.
        (learned(RISING, elbo={v: e - 900 for v, e in LOWER.items()}), "supported"),
        (learned(FLAT, jitter=0.1), "not supported"),
        (learned(RISING), "not supported"),
        (learned(FLAT, elbo=LOWER, jitter=0.1), "not supported"),
        (learned(FLAT, elbo=LOWER, jitter=2.0), "inconclusive"),
        (learned(RISING, elbo=LOWER, n_seeds=1), "inconclusive"),
        (learned(RISING, elbo=LOWER, jitter=0.0), "inconclusive"),
        (learned({1.0: 5.0}), "inconclusive"),
    ],
)
def test_initial_value(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize(("n_seeds", "wide"), [(2, 1.0), (5, 1.0), (3, 10.0)])
def test_initial_values_that_change_nothing_give_no_verdict(n_seeds, wide):
    runs = learned(FLAT, n_seeds=n_seeds, jitter=0.0)
    assert verdicts_of(judge, runs, points=2.0 * wide, nats=wide)["inconclusive"] >= 95


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_nor_do_they_where_one_start_scatters_ten_times_as_much(n_seeds):
    rng = np.random.default_rng(n_seeds)
    found = []
    for _ in range(100):
        runs = learned({0.1: 20.0, 30.0: 20.0}, n_seeds=n_seeds, jitter=0.0)
        scale = np.where(runs["initial"] == 30.0, 10.0, 1.0)
        for column in ("elbo", "mean_collapse"):
            shared = rng.normal(size=len(runs))
            for prefix in ("", "test_"):
                own = 0.9 * shared + 0.4 * rng.normal(size=len(runs))
                runs[f"{prefix}{column}"] += scale * own
        runs["tuned_elbo"] = runs["elbo"]
        found.append(judge(runs).verdict)
    assert found.count("inconclusive") >= 95
    assert found.count("supported") <= 5


def test_an_effect_of_twice_the_margins_is_seen():
    collapse = {0.1: 40.0, 1.0: 40.0, 10.0: 40.0 + 2 * MARGINS.latents}
    elbo = {0.1: -90.0, 1.0: -90.0, 10.0: -90.0 - 2 * MARGINS.elbo}
    runs = learned(collapse, elbo=elbo, n_seeds=5, jitter=0.0)
    counts = verdicts_of(judge, runs, points=2.0, nats=0.8)
    assert counts.get("supported", 0) >= 95
    assert set(counts) <= {"supported", "inconclusive"}


def test_starts_that_are_equivalent_are_seen():
    runs = learned({0.1: 40.0, 10.0: 40.0}, n_seeds=8, jitter=0.0)
    counts = verdicts_of(judge, runs, points=0.1, nats=0.05)
    assert counts.get("not supported", 0) >= 95
    assert set(counts) <= {"not supported", "inconclusive"}


def test_runs_whose_noise_variance_is_still_on_its_way_decide_nothing():
    for runs in (learned(RISING, elbo=LOWER), learned(FLAT, jitter=0.1)):
        runs.loc[runs["initial"] == 100.0, "tuned_elbo"] += 50.0
        found = judge(runs)
        assert found.verdict == "inconclusive"
        (row,) = (row for row in found.rows if row.answer is not None)
        assert (row.condition, row.settles) == ("sigma^2 learned from 100", "longer training")
        assert row.interval.mean == pytest.approx(50.1)


def test_train_and_test_are_judged_apart():
    runs = learned(RISING, elbo=LOWER)
    runs["test_elbo"] = learned(RISING)["elbo"]
    found = judge(runs)
    assert {row.split: row.answer for row in found.rows if row.unit == "nats"} == {
        "train": "yes",
        "test": "no",
    }
    assert found.verdict == "not supported"


def test_the_initial_values_furthest_apart_are_compared():
    first = judge(learned(RISING, elbo=LOWER)).rows[0]
    assert first.quantity == "ELBO, larger initial sigma^2 less smaller"
    assert first.condition == "sigma^2 learned from 0.1 and 100"
    assert first.interval.mean == pytest.approx(-30.0)
    assert first.main


def test_the_headline_is_the_papers_recipe_and_the_others_are_told():
    # The default study: means of ELBO and mean collapse, train, and their scatter over two seeds.
    runs = pd.concat([_kept("deep", -1331.86, -1341.48, 39.5, 42.8, 1.6, 0.62),
                      _kept("deep-plain", -1407.07, -1976.83, 7.2, 100.0, 3.2, 0.55)])  # fmt: skip
    found = judge(runs, headline="deep-plain")
    assert found.verdicts == {"deep": "inconclusive", "deep-plain": "supported"}
    assert found.verdict == "supported"
    assert found.sentence == (
        "With deep-plain, the recipe nearest to the paper's, the initial value decides (train "
        "ELBOs end 570 nats apart), and with deep it may or may not decide."
    )
    assert {row.subject for row in found.rows if row.main} == {"deep-plain"}
    # Without the paper's own it is what all agree on.
    assert judge(runs).verdict == "inconclusive"


def _kept(model, elbo_low, elbo_high, collapse_low, collapse_high, nats, points):
    """Runs from 0.1 and 30, two seeds each, half a difference of the seeds to either side."""
    runs = learned({0.1: 0.0, 30.0: 0.0}, model=model, n_seeds=2, jitter=0.0)
    low = runs["initial"] == 0.1
    side = np.where(runs["seed"] == 0, 1.0, -1.0)
    for prefix in ("", "test_"):
        runs[f"{prefix}elbo"] = np.where(low, elbo_low, elbo_high) + side * nats
        own = np.where(low, collapse_low, collapse_high)
        runs[f"{prefix}mean_collapse"] = np.minimum(own + side * points, 100.0)
    return runs.assign(tuned_elbo=runs["elbo"])


def test_an_open_row_says_which_seeds_would_settle_it():
    found = judge(learned({0.1: 40.0, 30.0: 43.0}, jitter=2.0, elbo={0.1: -90.0, 30.0: -100.0}))
    (row,) = (row for row in found.rows
              if row.answer == "undecided" and row.split == "train")  # fmt: skip
    assert row.settles.endswith("CPU minutes")
    assert "of deep at 0.1 and 30, " in row.settles


def test_a_setting_that_makes_starts_end_equivalent_undoes_the_effect():
    runs = learned(RISING, elbo=LOWER)
    found = judge(runs, headline="deep", settings=changed(RISING, FLAT, elbo=LOWER))
    assert found.numbers["undone_by"] == {"cosine": True}
    assert found.sentence.endswith("; cosine undoes it.")
    assert found.verdicts == {
        "deep": "supported",
        "base, the base": "supported",
        "cosine, beside base": "not supported",
    }
    # The experiment has no say in the verdict, with a headline or without.
    assert found.verdict == judge(runs, settings=changed(RISING, FLAT, elbo=LOWER)).verdict
    (of_elbo,) = (row for row in found.rows
                  if row.subject == "cosine, beside base" and row.unit == "nats")  # fmt: skip
    assert of_elbo.condition == "sigma^2 learned from 0.1 and 1; changed: schedule"


@pytest.mark.parametrize(
    "settings",
    [
        # Equivalent in one measure of two; and a base whose starts end alike.
        changed(RISING, RISING, elbo=LOWER),
        changed(FLAT, FLAT, jitter=0.1),
    ],
)
def test_a_setting_undoes_nothing_by_half_or_where_nothing_is_to_undo(settings):
    found = judge(learned(RISING, elbo=LOWER), settings=settings)
    assert not any(found.numbers.get("undone_by", {}).values())
    assert "undoes" not in found.sentence


def test_an_equivalence_test_finds_what_undoes_the_effect_and_null_scatter_does_not_hide_it():
    # Half a margin apart, by seeds that scatter by a fifth of one: equivalent, and not the same.
    near = learned({0.1: 40.0, 30.0: 42.0}, elbo={0.1: -90.0, 30.0: -90.8}, model="cosine",
                   n_seeds=5, jitter=0.4).assign(changed="schedule")  # fmt: skip
    far = learned(dict.fromkeys((0.1, 30.0), 40.0), elbo={0.1: -90.0, 30.0: -660.0}, model="base")
    far.loc[far["initial"] == 30.0, ["mean_collapse", "test_mean_collapse"]] += 50.0
    settings = pd.concat([far.assign(changed=""), near]).assign(base="base")
    assert judge(near, settings=settings).numbers["undone_by"] == {"cosine": True}
    assert judge(near).verdict == "inconclusive"


def test_from_one_initial_value_a_setting_is_only_reported():
    runs = learned(RISING, elbo=LOWER)
    settings = changed({30.0: 100.0}, {30.0: 40.0}, elbo={30.0: -1976.0})
    found = judge(runs, settings=settings)
    rows = [row for row in found.rows if row.subject == "cosine, beside base"]
    assert [(row.quantity, row.answer) for row in rows] == [
        ("ELBO, less that of base", None),
        ("mean collapse over epsilon, less that of base", None),
    ]
    assert rows[0].interval.mean == pytest.approx(1886.0, abs=0.1)
    assert rows[0].condition == "sigma^2 learned from 30; changed: schedule"
    assert found.verdicts == {"deep": "supported"}


def test_what_is_ascribed_to_the_paper_says_where_it_was_checked():
    assert INITIAL_VALUE_DECIDES.checked == "from memory"
    (said,) = INITIAL_VALUE_DECIDES.earlier
    assert (said.figure, said.paper_side, said.report_side) == (7, True, True)


def test_without_runs_nothing_is_said():
    assert judge(pd.DataFrame()).verdict == "inconclusive"
