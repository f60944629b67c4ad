"""Claim 13: nats that are left can be had, and wider networks leave less."""

import numpy as np
import pandas as pd
import pytest
from deep_runs import MARGINS

from linvae.claims.nats_left import nats_can_be_had, nats_left
from linvae.claims.widths import falls_with_width

CELLS = (("plain", 3.0), ("plain", 10.0), ("deep", 3.0))
WIDTHS = (100, 160, 256)


def grafts(above, n_seeds=3, jitter=0.3, gain=8.0, alive=1.0, cells=CELLS, rng=None):
    """Runs whose grafts end above those without by some nats, train and test."""
    rng = rng or np.random.default_rng(0)
    rows = []
    for model, variance in cells:
        for seed in range(n_seeds):
            row = {"model": model, "initial": variance, "seed": seed, "cpu_seconds": 60.0}
            for prefix, nats in zip(("", "test_"), above, strict=True):
                row |= {
                    f"{prefix}gain": gain,
                    f"{prefix}gain_error": 0.2,
                    f"{prefix}above_none": nats + jitter * rng.normal(),
                    f"{prefix}above_random": 0.5 + jitter * rng.normal(),
                    f"{prefix}at_once": gain,
                    f"{prefix}alive": alive,
                }
            rows.append(row)
    return pd.DataFrame(rows)


def widths(log_fall, n_seeds=2, jitter=0.03, rng=None):
    """Runs of three widths whose log(rho_1 / sigma^2) falls by so much in all."""
    rng = rng or np.random.default_rng(0)
    rows = []
    for index, width in enumerate(WIDTHS):
        for seed in range(n_seeds):
            rho = 1.5 - log_fall * index / 2
            row = {"group": "one", "width": width, "model": f"w{width}", "initial": 3.0}
            row |= {"seed": seed, "cpu_seconds": 20.0}
            row |= {f"{prefix}log_rho": rho + jitter * rng.normal() for prefix in ("", "test_")}
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (grafts((6.0, 12.0)), "supported"),
        (grafts((-6.0, 12.0)), "not supported"),
        (grafts((6.0, -6.0)), "not supported"),
        # The latents that were grafted have died.
        (grafts((6.0, 12.0), alive=0.3), "not supported"),
        (grafts((6.0, 12.0), alive=0.7), "inconclusive"),
        # Above on test alone; by less than the margin; scattered; one seed; nothing left.
        (grafts((0.0, 12.0)), "inconclusive"),
        (grafts((1.5, 1.5), jitter=0.01), "inconclusive"),
        (grafts((6.0, 12.0), jitter=9.0), "inconclusive"),
        (grafts((6.0, 12.0), n_seeds=1), "inconclusive"),
        (grafts((6.0, 12.0), gain=0.9), "inconclusive"),
        (grafts((-6.0, -6.0), gain=0.9), "inconclusive"),
    ],
)
def test_grafts(runs, verdict):
    assert nats_can_be_had(runs, MARGINS).verdict == verdict


def test_a_recipe_is_judged_where_something_is_left():
    left = grafts((6.0, 12.0), cells=CELLS[:2])
    nothing = grafts((0.0, 0.0), cells=CELLS[2:], gain=0.1)
    found = nats_can_be_had(pd.concat([left, nothing]), MARGINS)
    assert found.verdicts == {"plain": "supported", "deep": "inconclusive"}
    assert found.verdict == "supported"
    assert (
        "deep at sigma^2 = 3: train 0.10 ± 0.20 nats left: nothing to be had" in found.explanation
    )
    cell = found.numbers["plain"]["3"]["test"]
    assert (cell["answer"], cell["left"], cell["gain"]) == ("yes", True, 8.0)
    assert cell["above_none"]["mean"] == pytest.approx(12.0, abs=0.5)


def test_what_stays_open_says_what_would_decide_it():
    text = nats_can_be_had(grafts((1.0, 12.0), n_seeds=2), MARGINS).explanation
    assert "open at a margin of 2 nats" in text


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
@pytest.mark.parametrize("jitter", [0.5, 3.0])
def test_grafts_that_change_nothing_give_no_verdict(n_seeds, jitter):
    rng = np.random.default_rng(n_seeds)
    null = [grafts((0.0, 0.0), n_seeds, jitter, rng=rng) for _ in range(100)]
    verdicts = [nats_can_be_had(runs, MARGINS).verdict for runs in null]
    assert verdicts.count("inconclusive") >= 95


@pytest.mark.parametrize(("nats", "verdict"), [(4.0, "supported"), (-4.0, "not supported")])
def test_grafts_of_twice_the_margin_are_seen(nats, verdict):
    rng = np.random.default_rng(1)
    planted = [grafts((nats, nats), 3, 0.5, rng=rng) for _ in range(100)]
    verdicts = [nats_can_be_had(runs, MARGINS).verdict for runs in planted]
    assert verdicts.count(verdict) >= 95


@pytest.mark.parametrize(
    ("gain", "error", "left"),
    [(1.01, 0.1, True), (0.99, 0.1, False), (5.0, 1.6, True), (5.0, 1.7, False), (-3, 0.1, False)],
)
def test_nats_are_left_beyond_one_and_three_errors(gain, error, left):
    assert nats_left(gain, error) is left


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        (widths(0.8), "supported"),
        (widths(-0.8), "not supported"),
        (widths(0.05), "inconclusive"),
        (widths(0.8, jitter=0.8), "inconclusive"),
        (widths(0.8, n_seeds=1), "inconclusive"),
        (pd.DataFrame(), "inconclusive"),
    ],
)
def test_widths(runs, verdict):
    assert falls_with_width(runs, MARGINS).verdict == verdict


def test_widths_must_fall_from_each_to_the_next():
    runs = widths(0.8)
    runs.loc[runs["width"] == 160, "log_rho"] = 2.0 + 0.01 * runs["seed"]
    found = falls_with_width(runs, MARGINS)
    assert found.verdict == "inconclusive"
    assert "not from each width to the next" in found.explanation


def test_widths_that_change_nothing_give_no_verdict():
    rng = np.random.default_rng(2)
    for jitter in (0.05, 0.3):
        null = [widths(0.0, jitter=jitter, rng=rng) for _ in range(100)]
        verdicts = [falls_with_width(runs, MARGINS).verdict for runs in null]
        assert verdicts.count("inconclusive") >= 95


@pytest.mark.parametrize(("sign", "verdict"), [(1, "supported"), (-1, "not supported")])
def test_twice_the_margin_of_widths_is_seen(sign, verdict):
    rng = np.random.default_rng(3)
    fall = sign * 2 * np.log1p(MARGINS.residual)
    planted = [widths(fall, n_seeds=3, jitter=0.02, rng=rng) for _ in range(100)]
    verdicts = [falls_with_width(runs, MARGINS).verdict for runs in planted]
    assert verdicts.count(verdict) >= 90
    assert set(verdicts) <= {verdict, "inconclusive"}
