"""Claim 15: opposite starts at one recipe, and rates beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from deep_runs import MARGINS, deep_runs
from endings_study import DATA, MODELS, SECTION, SETTINGS, write_endings

from linvae.claims.rate_changes import rates_of
from linvae.claims.results import Results
from linvae.claims.start_and_rate import START_AND_RATE, opposite_starts, start_and_rate
from linvae.inputs import Inputs
from linvae.settings.model import ModelSettings
from linvae.study.names import Names

FAMILY = "rates of adam"
EPSILONS = ("0.03", "0.1", "0.3")


def judge(runs):
    return start_and_rate(runs, MARGINS)


def recipe(used, name="slow", rate=0.001, elbo=(-90.0, -90.0), noise=10.0, room=True, **made):
    """Runs of one recipe from two starts, with so many percent of the latents in use from each."""
    made = {"n_seeds": 3, "scatter": 0.3, "family": FAMILY, "seed": 0, "k": 100} | made
    rng = np.random.default_rng([made["seed"], len(name), int(noise)])
    scatters = made["scatter"] if isinstance(made["scatter"], tuple) else (made["scatter"],) * 2
    parts = []
    for start, percent, nats, scatter in zip(
        ("model", "other_start"), used, elbo, scatters, strict=True
    ):
        model = name if start == "model" else f"{name}-principal"
        runs = deep_runs({noise: 0.0}, n_seeds=made["n_seeds"], model=model, jitter=0.0)
        n = len(runs)
        counts = percent + scatter * rng.normal(size=n)
        values = {f"{split}used_{e}": counts for split in ("", "test_") for e in EPSILONS}
        values |= {"elbo": nats + 0.5 * scatter * rng.normal(size=n)}
        values |= {"test_elbo": nats - 5.0 + 0.5 * scatter * rng.normal(size=n)}
        told = {"recipe": name, "start": start, "rate": rate, "family": made["family"]}
        told |= {"predicted": 30.0 if room else 0.0, "n_latent": made["k"]}
        parts.append(runs.assign(**values, **told))
    return pd.concat(parts, ignore_index=True)


def two_rates(slow=(30.0, 30.0), fast=(60.0, 60.0), **made):
    """Two rates of one optimiser, each from two starts."""
    parts = [recipe(slow, **made), recipe(fast, name="fast", rate=0.004, **made)]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("runs", "starts", "rate"),
    [
        (two_rates(), "supported", "supported"),
        # Starts end with other numbers, at both rates or at one; or at other ELBOs.
        (two_rates((30.0, 50.0), (60.0, 80.0)), "not supported", "supported"),
        (two_rates((30.0, 80.0), (35.0, 85.0)), "not supported", "not supported"),
        (two_rates(elbo=(-90.0, -97.0)), "not supported", "supported"),
        # Of twice the start's doing neither sign helps.
        (two_rates((60.0, 60.0), (30.0, 30.0)), "supported", "supported"),
        (two_rates((30.0, 30.0), (30.0, 30.0)), "supported", "inconclusive"),
        (two_rates(scatter=9.0), "inconclusive", "inconclusive"),
        (two_rates(n_seeds=1), "inconclusive", "inconclusive"),
        # Where the linear optimum uses all latents no count is compared.
        (two_rates((90.0, 50.0), (100.0, 50.0), room=False), "inconclusive", "inconclusive"),
        (two_rates(room=False, elbo=(-90.0, -97.0)), "not supported", "inconclusive"),
    ],
)
def test_both_halves(runs, starts, rate):
    found = judge(runs)
    assert found.verdicts == {"slow": starts, "fast": starts, FAMILY: rate}
    halves = {starts, rate}
    expected = "inconclusive" if len(halves) > 1 else starts
    assert found.verdict == ("not supported" if "not supported" in halves else expected)


def test_recipes_that_disagree_leave_the_first_half_open():
    found = judge(two_rates((30.0, 60.0), (62.0, 62.0)))
    assert found.verdicts["slow"] == "not supported"
    assert found.verdicts["fast"] == "supported"
    assert found.verdict == "inconclusive"
    assert found.sentence == (
        "Yes with fast, no with slow: opposite starts end alike; open with rates of adam: they "
        "change the number of used latents more than the start does."
    )


def test_a_full_layer_of_latents_is_left_out_and_not_counted_against_starts():
    """The default study's old claim 15 was decided by k = 50: all 50 used, and 34 from a random.

    Beside it stood 87 and 31 of 100, where there was no room either: at sigma^2 = 3 the linear
    optimum uses all of both.
    """
    full = [
        recipe(used, noise=3.0, room=False, k=k) for used, k in (((68, 100), 50), ((31, 87), 100))
    ]
    found = judge(pd.concat(full, ignore_index=True))
    assert {row.unit for row in found.rows if row.answer == "no"} == set()
    assert found.verdicts["slow"] == "inconclusive"
    (row,) = (row for row in found.rows if row.quantity.startswith("noise variances at which"))
    assert row.settles == "a larger sigma^2 or more latents, 6 CPU minutes"
    beside = pd.concat([*full, recipe((40.0, 40.0))], ignore_index=True)
    assert judge(beside).verdicts["slow"] == "supported"


def test_whether_there_is_room_is_the_eigenvalues_to_say():
    """All latents may be in use where the linear optimum leaves some: those are compared."""
    assert judge(recipe((60.0, 100.0))).verdicts["slow"] == "not supported"


@pytest.mark.parametrize("column", ["used_0.03", "test_used_0.3", "test_elbo"])
def test_each_number_on_each_split_must_agree(column):
    runs = two_rates()
    runs.loc[(runs["recipe"] == "slow") & (runs["start"] == "model"), column] += 15.0
    found = judge(runs)
    assert found.verdicts["slow"] == "not supported"
    refuting = [row for row in found.rows if row.answer == "no"]
    assert {row.split for row in refuting} == {"test" if column.startswith("test") else "train"}


def test_the_noise_variance_that_supports_least_is_the_recipe_s():
    runs = pd.concat([recipe((30.0, 30.0)), recipe((10.0, 13.0), noise=30.0, scatter=1.5)])
    (row,) = (row for row in judge(runs).rows if row.unit == "% of k" and row.subject == "slow")
    assert (row.condition, row.answer) == ("sigma^2 = 30, k = 100", "undecided")
    assert "slow at 30, slow-principal at 30" in row.settles


def test_rates_at_other_elbos_are_not_compared():
    slow, fast = recipe((30.0, 30.0)), recipe((60.0, 60.0), "fast", 0.004, (-80.0, -80.0))
    found = judge(pd.concat([slow, fast]))
    (row,) = (row for row in found.rows if row.subject == FAMILY)
    assert (row.quantity, row.answer) == ("ELBO, higher rate less lower", "undecided")
    assert row.settles == "rates nearer to each other"


def test_of_several_rates_the_farthest_apart_at_equal_elbo_are_compared():
    parts = [
        recipe((30.0, 30.0)),
        recipe((34.0, 34.0), "middle", 0.002),
        recipe((60.0, 60.0), "faster", 0.004),
        recipe((99.0, 99.0), "fastest", 0.008, (-70.0, -70.0)),
    ]
    rows = [row for row in judge(pd.concat(parts)).rows if row.subject == FAMILY]
    assert {row.condition for row in rows} == {"sigma^2 = 10, k = 100, faster less slow"}
    assert [row.split for row in rows] == ["train", "test"]
    assert all(row.interval.mean == pytest.approx(30.0, abs=1.0) for row in rows)


def test_one_rate_leaves_the_second_half_open_and_says_what_it_takes():
    found = judge(recipe((30.0, 30.0), family=""))
    assert found.verdicts == {"slow": "supported", "rates": "inconclusive"}
    assert found.verdict == "inconclusive"
    assert found.rows[-1].settles == "another rate, 6 CPU minutes"


def test_few_rows_are_for_short_tables():
    rows = judge(two_rates()).rows
    assert len(rows) == 8
    assert [row.subject for row in rows if row.main] == ["slow", "fast", FAMILY]


@pytest.mark.parametrize(("n_seeds", "scatter"), [(2, (0.1, 3.0)), (3, 1.0)])
def test_starts_and_rates_that_change_nothing_give_no_verdict(n_seeds, scatter):
    made = {"n_seeds": n_seeds, "scatter": scatter}
    same = {"slow": (30.0, 30.0), "fast": (30.0, 30.0)}
    found = [judge(two_rates(**same, seed=seed, **made)) for seed in range(100)]
    assert [one.verdict for one in found].count("inconclusive") >= 95
    # That equal starts end alike may be seen, that they do not must not.
    for name in ("slow", "fast"):
        assert [one.verdicts[name] for one in found].count("not supported") <= 5


@pytest.mark.parametrize("verdict", ["supported", "not supported"])
def test_twice_the_margin_is_seen_on_the_right_side(verdict):
    low, high = 30.0, 30.0 + 2 * MARGINS.latents
    planted = {"slow": (low, low), "fast": (high, high)}
    if verdict == "not supported":
        planted = {"slow": (low, high), "fast": (low, high)}
    made = {"n_seeds": 4, "scatter": (0.1, 1.0)}
    found = [judge(two_rates(**planted, seed=seed, **made)) for seed in range(40)]
    for name in ("slow", FAMILY):
        verdicts = [one.verdicts[name] for one in found]
        assert verdicts.count(verdict) >= 37
        assert set(verdicts) <= {verdict, "inconclusive"}


def test_recipes_that_differ_in_rates_alone_are_a_family():
    def model(optimizer="adam", steps=9, hidden=(8,), **training):
        told = {"objective": "stochastic", "steps": steps, "optimizer": optimizer, **training}
        return ModelSettings.model_validate(
            {
                "encoder": {"hidden": hidden, "posterior": "amortised"},
                "decoder": {"hidden": hidden},
                "training": told,
            }
        )

    settings = {
        "a1": model(),
        "a2": model(learning_rate=0.002),
        "longer": model(steps=18),
        "m1": model("muon", learning_rate=0.01, adam_learning_rate=0.001),
        "m2": model("muon", learning_rate=0.02, adam_learning_rate=0.002),
    }
    found = rates_of(settings)
    assert found["family"].tolist() == ["rates of adam"] * 2 + [""] + ["rates of muon"] * 2
    assert found["rate"].tolist() == [0.001, 0.002, 0.001, 0.01, 0.02]
    settings |= {"wide1": model(hidden=[9]), "wide2": model(hidden=[9], learning_rate=0.002)}
    assert set(rates_of(settings)["family"]) == {
        "",
        "rates of adam (a1)",
        "rates of adam (wide1)",
        "rates of muon",
    }


def test_runs_of_opposite_starts_are_read_by_their_roles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sized = {f"{model}/{DATA}/k100": 60.0 for model in MODELS}
    names = Names(dataset="mnist", n_test=20, seed=0, logit_lambda=1e-6)
    settings = SETTINGS | {
        "study": {"endings": SECTION},
        "names": names.to_dict(),
        "cpu_seconds": sized,
    }
    results = Results(Inputs(write_endings(Path(), principal=(-90.0, 60))), settings)
    runs = opposite_starts(results)
    counts = runs.groupby(["recipe", "start", "model"]).size().to_dict()
    # The poor recipe has no other start.
    assert counts == {("fast", "model", "fast"): 3, ("fast", "other_start", "fast-principal"): 3}
    found = START_AND_RATE.judged(results).finding
    assert found.verdicts == {"fast": "inconclusive", "rates": "inconclusive"}
