"""Claim 11: whether latents collapse again after annealing ends."""

import numpy as np
import pandas as pd
import pytest
from deep_runs import MARGINS, deep_runs
from scipy import stats

from linvae.claims.annealing import after_annealing, annealing_leaves_collapse
from linvae.study.deep import Recipes
from linvae.study.names import Names

EPSILONS = ("0.03", "0.1", "0.3")
# Percent of the latents by noise variance: at the end without annealing; when its weight reaches 1.
ENDS = {1.0: 50.0, 9.0: 10.0}
REVIVED = {1.0: 90.0, 9.0: 60.0}


def judge(runs):
    return annealing_leaves_collapse(runs, MARGINS)


def pair(alive, at_end, control=ENDS, n_seeds=3, points=0.4, rate_kept=1.0, seed=0, k=100):
    """Runs with annealing and without, whose control loses none; scattered by so many points."""
    rng = np.random.default_rng(seed)
    parts = []
    for model, then, end in (("deep", control, control), ("annealed", alive, at_end)):
        unused = {variance: 100.0 - used for variance, used in end.items()}
        runs = deep_runs(unused, n_seeds=n_seeds, model=model, jitter=0.0)
        before = runs["initial"].map(then) + points * rng.normal(size=len(runs))
        ends = runs["initial"].map(end) + points * rng.normal(size=len(runs))
        used = {f"{split}used_{e}": ends for split in ("", "test_") for e in EPSILONS}
        curve = {"alive": before * k / 100, "at_end": ends * k / 100}
        told = {"updates": 6250, "rate_kept": rate_kept, "pair": "annealed", "n_latent": k}
        parts.append(runs.assign(**used, **curve, **told))
    return pd.concat(parts, ignore_index=True)


def rows_of(found, quantity, condition="sigma^2 = 1"):
    return [row for row in found.rows if quantity in row.quantity and row.condition == condition]


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        # All revived latents die; all live on; half of them do; more are lost than without.
        (pair(REVIVED, ENDS), "supported"),
        (pair(REVIVED, REVIVED), "not supported"),
        (pair(REVIVED, {1.0: 70.0, 9.0: 35.0}), "not supported"),
        (pair({1.0: 60.0, 9.0: 60.0}, {1.0: 30.0, 9.0: 9.0}), "supported"),
        # At one noise variance they live on.
        (pair(REVIVED, {1.0: 90.0, 9.0: 10.0}), "not supported"),
        # At a falling rate deaths count, and that latents live on does not.
        (pair(REVIVED, ENDS, rate_kept=0.0), "supported"),
        (pair(REVIVED, REVIVED, rate_kept=0.0), "inconclusive"),
        # Nothing was revived; scatter; one seed; no update after annealing; no pairs.
        (pair(ENDS, ENDS), "inconclusive"),
        (pair(REVIVED, ENDS, points=12.0), "inconclusive"),
        (pair(REVIVED, ENDS, n_seeds=1), "inconclusive"),
        (pair(REVIVED, ENDS).assign(updates=0), "inconclusive"),
        (pair(REVIVED, ENDS).query("model == 'deep'"), "inconclusive"),
        (pair(REVIVED, ENDS).assign(elbo=-300.0), "inconclusive"),
        (pd.DataFrame(), "inconclusive"),
    ],
)
def test_annealing(runs, verdict):
    assert judge(runs).verdict == verdict


@pytest.mark.parametrize(
    ("kept", "without", "k"),
    [
        # MNIST: 62 and 39 of 200 latents after annealing, 29 and 19 without.
        ({3.0: 31.0, 10.0: 19.5}, {3.0: 14.33, 10.0: 9.33}, 200),
        # The default study: 70 and 31 of 100.
        ({3.0: 70.5}, {3.0: 31.0}, 100),
    ],
)
def test_revived_latents_that_outlive_the_full_elbo_do_not_support_the_claim(kept, without, k):
    """Both were called supported, as the revived latents came at a cost in train ELBO."""
    alive = {variance: used + 2.0 for variance, used in kept.items()}
    made = {"control": without, "k": k}
    seen = judge(pair(alive, kept, rate_kept=0.0, **made).assign(elbo=-99.0))
    assert seen.verdict == "inconclusive"
    assert seen.sentence == (
        "Open with annealed: after annealing ends, latents collapse again, as far as a learning "
        "rate that falls can tell."
    )
    (row,) = rows_of(seen, "used latents at the end", "sigma^2 = 3")
    assert row.quantity.endswith("at a falling rate")
    # Three seeds of two recipes, a minute each.
    assert row.settles == "both at a constant rate after annealing, 6 CPU minutes"
    assert judge(pair(alive, kept, **made)).verdict == "not supported"


@pytest.mark.parametrize("n_seeds", [2, 5])
@pytest.mark.parametrize("points", [0.5, 4.0])
def test_a_recipe_against_itself_gives_no_verdict(n_seeds, points):
    made = {"n_seeds": n_seeds, "points": points}
    found = [judge(pair(ENDS, ENDS, seed=seed, **made)).verdict for seed in range(100)]
    assert found.count("inconclusive") >= 95


def test_a_quiet_noise_variance_beside_a_noisy_one_gives_no_verdict_either():
    found = []
    for seed in range(100):
        runs = pair(ENDS, ENDS, n_seeds=2, points=0.5, seed=seed)
        noisy = pair(ENDS, ENDS, n_seeds=2, points=8.0, seed=seed)
        found.append(judge(runs.where(runs["initial"] == 1.0, noisy)).verdict)
    assert found.count("inconclusive") >= 95


@pytest.mark.parametrize(("die", "verdict"), [(1.0, "supported"), (0.0, "not supported")])
def test_twice_the_margin_is_seen(die, verdict):
    revived = {variance: used + 2 * MARGINS.latents for variance, used in ENDS.items()}
    at_end = {v: revived[v] - die * 2 * MARGINS.latents for v in ENDS}
    found = [judge(pair(revived, at_end, n_seeds=5, points=1.0, seed=s)).verdict for s in range(50)]
    assert found.count(verdict) >= 45
    assert set(found) <= {verdict, "inconclusive"}


def test_rows_say_what_died_without_annealing_and_the_differences():
    runs = pair({1.0: 90.0}, {1.0: 60.0}, k=200)
    plain = runs["model"] == "deep"
    runs.loc[plain, "alive"] += 8.0
    found = judge(runs)
    (without,) = rows_of(found, "net deaths without annealing")
    assert (without.answer, without.unit) == (None, "% of k")
    assert without.interval.mean == pytest.approx(4.0, abs=0.5)
    (deaths,) = rows_of(found, "net deaths after annealing ends, less")
    assert (deaths.interval.mean, deaths.answer) == (pytest.approx(26.0, abs=1.0), "yes")
    (left,) = rows_of(found, "used latents at the end")
    assert (left.interval.mean, left.answer) == (pytest.approx(10.0, abs=1.0), "no")
    assert found.numbers["annealed"]["1"]["alive"] == pytest.approx(180.0, abs=2.0)
    assert found.numbers["annealed"]["1"]["updates"] == 6250
    assert len(found.rows) == 3


def test_runs_are_paired_by_seed_and_each_noise_has_its_own_scatter():
    runs = pair(REVIVED, ENDS)
    after, before = (
        runs[(runs["model"] == m) & (runs["initial"] == 1.0)] for m in ("annealed", "deep")
    )
    died = [(half["alive"] - half["at_end"]).to_numpy() for half in (after, before)]
    expected = stats.ttest_rel(*died).confidence_interval(MARGINS.level)
    (row,) = rows_of(judge(runs), "net deaths after annealing ends, less")
    assert (row.interval.low, row.interval.high) == pytest.approx(tuple(expected))
    alone = runs[~((runs["model"] == "deep") & (runs["seed"] == 2))]
    assert rows_of(judge(alone), "net deaths after annealing ends, less")[0].interval.n == 2


def test_an_end_that_depends_on_epsilon_decides_nothing():
    runs = pair(REVIVED, ENDS)
    annealed = runs["model"] == "annealed"
    runs.loc[annealed, "test_used_0.03"] += 30.0
    (row,) = rows_of(judge(runs), "used latents at the end")
    assert row.answer == "undecided"
    assert judge(runs).verdict == "inconclusive"


def test_counts_that_are_the_same_for_all_seeds_have_the_interval_of_rounding():
    (row,) = rows_of(
        judge(pair(REVIVED, ENDS, points=0.0)), "net deaths after annealing ends, less"
    )
    half = stats.t.ppf(0.975, 2) * np.sqrt(2 / 12 / 3)
    assert row.interval.high - row.interval.mean == pytest.approx(half)


def test_an_open_row_names_the_seeds_that_would_settle_it():
    (row,) = rows_of(judge(pair(REVIVED, ENDS, n_seeds=1)), "net deaths after annealing ends, less")
    # A run without and one with annealing, of a minute each.
    assert row.settles == "one more seed of annealed at 1, 2 CPU minutes"


def test_training_that_failed_keeps_the_verdict_open():
    runs = pair(REVIVED, ENDS)
    runs.loc[runs["model"] == "deep", "elbo"] = -300.0
    found = judge(runs)
    (row,) = (row for row in found.rows if row.condition == "deep")
    assert (row.subject, row.answer) == ("annealed", "undecided")
    assert found.verdict == "inconclusive"


def test_a_curve_is_read_from_the_record_at_which_the_weight_is_full():
    curve = pd.DataFrame(
        {
            "step": [0, 40, 60, 100],
            "used_latents": [90, 70, 65, 30],
            "learning_rate": [0.1, 0.1, 0.08, 0.02],
        }
    )
    found = after_annealing(curve, 0.5)
    assert found == {"alive": 65, "at_end": 30, "updates": 40, "rate_kept": pytest.approx(0.25)}
    assert after_annealing(curve, 0.4)["alive"] == 70
    assert after_annealing(curve, 1.0)["updates"] == 0


def test_curves_of_pairs_are_evidence_where_both_were_run():
    section = Recipes(
        data="logit-first60",
        n_latent=3,
        fixed=[
            {"models": ["deep"], "noise_variances": [1, 10]},
            {"models": ["annealed"], "noise_variances": [1]},
        ],
        annealing=[["deep", "annealed"]],
        seeds=[0, 1],
    )
    names = Names(dataset="mnist", n_test=20, seed=0, logit_lambda=1e-6)
    curves = [p.run for p in section.evidence(names) if p.file == "curve.csv"]
    assert [(run.model, run.noise, run.seed) for run in curves] == [
        ("deep", "fixed-1", 0),
        ("deep", "fixed-1", 1),
        ("annealed", "fixed-1", 0),
        ("annealed", "fixed-1", 1),
    ]
