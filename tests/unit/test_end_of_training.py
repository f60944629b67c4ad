"""The checks of the end of training, each as an equivalence test: planted effects and null data."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linvae.claims.end_of_training import (
    CHECKS,
    nothing_better_known,
    nothing_certified,
    reopened_latents_die,
    same_end,
)
from linvae.claims.verdicts import joint
from linvae.settings.margins import Margins

MARGINS = Margins(elbo=2.0, latents=5.0)
THRESHOLDS = ("0.03", "0.1", "0.3")


def runs(elbo, used=40.0, scatter=0.1, n=3, seed=0, gain=0.1):
    """Make up runs of one cell around an ELBO and a percentage of latents in use."""
    rng = np.random.default_rng(seed)

    def around(mean):
        return mean + scatter * rng.standard_normal(n)

    columns = {
        "elbo": around(elbo),
        "test_elbo": around(elbo - 20),
        "seed": np.arange(n),
        "n_latent": 50,
    }
    columns |= {f"{split}used_{e}": around(used) for split in ("", "test_") for e in THRESHOLDS}
    return pd.DataFrame(columns | {"test_residual_gain": around(gain)})


def side(rows):
    """Side of its margin on which a check lies; None of one that was not run."""
    sides = {"supported": "within", "not supported": "beyond", "inconclusive": "open"}
    return sides[joint(row.answer for row in rows)] if rows else None


def test_the_same_cell_twice_ends_alike_if_it_scatters_little():
    assert side(same_end(runs(-10), runs(-10, seed=1), MARGINS, room=True)) == "within"


@pytest.mark.parametrize("change", [{"elbo": -4.0}, {"used": 60.0}])
def test_a_planted_difference_of_either_is_beyond_the_margin(change):
    other = runs(**{"elbo": -10.0, "used": 40.0, "seed": 1, **change})
    found = same_end(runs(-10.0), other, MARGINS, room=True)
    assert side(found) == "beyond"
    planted = {(row.quantity, row.split) for row in found if row.answer == "no"}
    latents = [f"used latents at epsilon = {t}" for t in THRESHOLDS]
    quantities = ["ELBO"] if "elbo" in change else latents
    assert planted == {(quantity, split) for quantity in quantities for split in ("train", "test")}


def test_numbers_of_latents_are_not_judged_without_room():
    found = same_end(runs(-10.0), runs(-10.0, used=60.0, seed=1), MARGINS, room=False)
    assert side(found) == "within"
    assert {row.quantity for row in found} == {"ELBO"}


def test_scatter_or_one_seed_leaves_it_open():
    wide = same_end(runs(-10, scatter=3), runs(-10, scatter=3, seed=1), MARGINS, room=True)
    assert side(wide) == "open"
    alone = same_end(runs(-10, n=1), runs(-10, n=1, seed=1), MARGINS, room=True)
    assert side(alone) == "open"
    assert alone[0].interval.low is None


def test_the_interval_is_student_s_with_the_variance_of_both_cells():
    one, other = runs(-10, scatter=1.0), runs(-9, scatter=1.0, seed=1)
    row = same_end(one, other, MARGINS, room=False)[0]
    assert (row.quantity, row.split) == ("ELBO", "train")
    expected = stats.ttest_ind(other["elbo"], one["elbo"]).confidence_interval(MARGINS.level)
    assert (row.interval.low, row.interval.high) == pytest.approx(tuple(expected))


def test_a_quiet_cell_and_a_noisy_one_are_compared_by_welch_s_interval():
    one, other = runs(-10, scatter=0.02), runs(-9, scatter=1.0, seed=1)
    row = same_end(one, other, MARGINS, room=False)[0]
    found = stats.ttest_ind(other["elbo"], one["elbo"], equal_var=False)
    expected = found.confidence_interval(MARGINS.level)
    assert (row.interval.low, row.interval.high) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("quiet", [0.5, 0.05])
def test_on_null_data_beyond_is_said_in_no_more_studies_than_the_level_allows(quiet):
    """A difference of exactly the margin is the worst case of either error."""
    wrong = {"within": 0, "beyond": 0}
    for seed in range(200):
        one = runs(-10.0, scatter=quiet, seed=2 * seed)
        other = runs(-10.0 + MARGINS.elbo, scatter=0.5, seed=2 * seed + 1)
        said = side(same_end(one, other, MARGINS, room=False))
        wrong[said] = wrong.get(said, 0) + 1
    # Two one-sided tests of 2.5 % each, on both splits: 10 expected at most, 2 % more of luck.
    assert wrong["beyond"] <= 0.05 * 200
    assert wrong["within"] <= 0.05 * 200


def test_a_check_that_was_not_run_says_nothing():
    assert side(same_end(runs(-10), pd.DataFrame(), MARGINS, room=True)) is None
    nothing = pd.Series(dtype=float)
    assert side(reopened_latents_die(nothing, nothing, MARGINS, 2.0)) is None


@pytest.mark.parametrize(("gain", "expected"), [(0.3, "within"), (5.0, "beyond"), (-3.0, "within")])
def test_what_the_certificate_leaves_counts_from_the_margin_on(gain, expected):
    assert side(nothing_certified(runs(-10, gain=gain), MARGINS)) == expected


@pytest.mark.parametrize(
    ("after", "expected"), [(40.5, "within"), (60.0, "beyond"), (20.0, "within")]
)
def test_latents_that_stay_in_use_count_and_those_that_die_do_not(after, expected):
    before = pd.Series([40.0, 40.0, 41.0])
    found = reopened_latents_die(before, before * 0 + after + [0, 0.1, 0.2], MARGINS, 1.0)
    assert side(found) == expected


@pytest.mark.parametrize(
    ("other", "room", "expected"),
    [
        ({"elbo": -10.0}, True, "within"),
        ({"elbo": -30.0, "used": 80.0}, True, "within"),
        ({"elbo": -5.0, "used": 80.0}, True, "beyond"),
        # The same number of latents at a higher ELBO speaks against no number.
        ({"elbo": -5.0, "used": 40.0}, True, "within"),
        ({"elbo": -5.0, "used": 40.0}, False, "beyond"),
    ],
)
def test_a_better_recipe_with_another_number_is_known(other, room, expected):
    others = {"other": runs(**other, seed=5)}
    found = nothing_better_known(runs(-10.0), others, MARGINS, room=room)
    assert side(found) == expected
    assert [row.condition for row in found] == ["other"]


def test_a_verdict_on_several_checks_says_beyond_at_a_stricter_level():
    one, other = runs(-10.0, scatter=0.3), runs(-7.0, scatter=0.3, seed=1)
    alone, many = (same_end(one, other, MARGINS, room=False, checks=n) for n in (1, 400))
    assert (side(alone), side(many)) == ("beyond", "open")
    assert [row.interval for row in alone] == [row.interval for row in many]


def test_every_check_is_explained():
    assert list(CHECKS) == ["start", "longer", "slower", "certificate", "reopened", "known"]
    assert all(CHECKS.values())


def test_counts_that_are_all_the_same_have_the_interval_of_rounding():
    one, other = (runs(-10, seed=seed).assign(n_latent=100) for seed in (0, 1))
    for frame in (one, other):
        frame[[f"{split}used_{e}" for split in ("", "test_") for e in THRESHOLDS]] = 40.0
    found = same_end(one, other, MARGINS, room=True)
    assert side(found) == "within"
    row = found[-1]
    # Three and three of variance 1/12 each.
    half = stats.t.ppf(0.975, 4) * np.sqrt(2 / 3 / 12)
    assert (row.interval.low, row.interval.high) == pytest.approx((-half, half))
