"""Claim 12: what a total collapse below the largest eigenvalue leaves."""

import numpy as np
import pandas as pd
import pytest
from deep_runs import deep_runs, scattered

from linvae.claims.total_collapse import ENOUGH_RUNS, total_collapse
from linvae.linear.bound import BOUND_NATS
from linvae.linear.ppca import fit
from linvae.linear.spectrum import Spectrum

FAILED = deep_runs({1.0: 100.0}, elbo=-200.0, n_seeds=3, jitter=0.0)
ESCAPED = deep_runs({1.0: 10.0}, elbo=-95.0, n_seeds=1, model="slow")
ABOVE = deep_runs({180.0: 100.0}, elbo=-100.00004, n_seeds=2, jitter=0.0)


def judge(*runs):
    return total_collapse(pd.concat(runs))


def of(found, quantity):
    return [row for row in found.rows if row.quantity.startswith(quantity)]


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([FAILED, ESCAPED, ABOVE], "supported"),
        # Neither a run above lambda_1 nor one that escaped is needed: a linear VAE is better.
        ([FAILED], "supported"),
        # The default study was judged by two runs above lambda_1, which decide nothing.
        ([ESCAPED, ABOVE], "inconclusive"),
        ([ABOVE], "inconclusive"),
        # Two runs below it are too few.
        ([FAILED[:2], ESCAPED, ABOVE], "inconclusive"),
        # Nothing is claimed above lambda_1: latents in use there are reported.
        ([FAILED, ABOVE.assign(**{"used_0.03": 1.0})], "supported"),
        # A total collapse below it that beats the best linear VAE.
        ([FAILED.assign(elbo=-99.0), ESCAPED, ABOVE], "not supported"),
        ([FAILED, FAILED.assign(elbo=-99.0, model="other")], "not supported"),
        ([FAILED.assign(elbo=-100.0 - BOUND_NATS / 2), ABOVE], "inconclusive"),
        # Collapsed at the study's epsilon, and not at a smaller one.
        ([FAILED.assign(**{"used_0.03": 3.0})], "inconclusive"),
    ],
)
def test_total_collapse(runs, verdict):
    assert judge(*runs).verdict == verdict


def test_one_recipe_twice_without_a_collapse_to_explain_gives_no_verdict():
    runs = pd.concat([deep_runs({1.0: 40.0}), deep_runs({1.0: 40.0}, model="twin")])
    found = {judge(scattered(runs, seed)).verdict for seed in range(20)}
    assert found == {"inconclusive"}


@pytest.mark.parametrize(
    ("above", "verdict"), [(-2 * BOUND_NATS, "supported"), (2 * BOUND_NATS, "not supported")]
)
def test_twice_the_margin_from_the_bound_is_seen(above, verdict):
    assert judge(FAILED.assign(elbo=-100.0 + above), ABOVE).verdict == verdict


def test_g_is_printed_for_each_cell_by_the_run_that_misses_least():
    # `deep-plain` of the default study: fixed at 10, and learned from 30.
    fixed = FAILED[:2].assign(elbo=[-309.30909, -309.30902], model="deep-plain", initial=10.0)
    fixed["noise_variance"] = 10.0
    moved = fixed.assign(kind="learned", initial=30.0, noise_variance=[9.0666726, 9.0871602])
    moved["elbo"] = [-336.35455, -335.69668]
    found = judge(fixed, moved)
    told = {row.condition: row.interval.mean for row in of(found, "G, ")}
    assert told == pytest.approx(
        {"sigma^2 = 10": 209.30902, "sigma^2 = 9.08, learned from 30": 235.69668}
    )
    assert found.verdict == "supported"
    assert found.sentence == (
        "Total collapse below lambda_1 leaves at least 209 nats in 4 runs; it is proved to be the "
        "optimum from sigma^2 = diam^2 / 4 on only."
    )
    # On test images the better model is a linear bypass: told, and no part of the theorem.
    assert [(row.split, row.answer) for row in of(found, "gain of")] == [("test", None)] * 2


def test_too_few_runs_say_what_is_wanted():
    (row,) = of(judge(FAILED[:2]), "totally collapsed runs")
    assert (row.interval.mean, row.reference, row.answer) == (2, ENOUGH_RUNS, "undecided")
    assert row.settles
    assert judge(FAILED[:2]).sentence.endswith("in 2 runs, too few for a verdict.")
    assert judge(ESCAPED).sentence.startswith("No run with sigma^2 below lambda_1 collapsed")


def test_runs_above_lambda_1_are_reported_on_each_split():
    found = judge(FAILED, ABOVE.assign(**{"test_used_0.03": [0.0, 1.0]}))
    told = {row.split: (row.interval.mean, row.answer) for row in of(found, "runs above")}
    assert told == {"train": (100.0, None), "test": (50.0, None)}
    assert not of(judge(FAILED), "runs above")


def test_g_is_what_a_linear_vae_has_more():
    rng = np.random.default_rng(0)
    # A collapsed model is N(mu, sigma^2 I): its ELBO, its bound, and the gain in closed form.
    data = rng.normal(size=(400, 6)) * [5.0, 3.0, 2.0, 1.0, 1.0, 1.0]
    spectrum = Spectrum.from_data(data)
    noise, k = 1.5, 2
    collapsed = fit(spectrum, 1, 10 * spectrum.eigenvalues[0])
    assert not collapsed.weights.any()
    elbo = type(collapsed)(collapsed.weights, collapsed.mean, noise).log_likelihood(spectrum)
    ratios = spectrum.eigenvalues[:k] / noise
    gain = float((ratios - 1 - np.log(ratios)).sum() / 2)
    runs = FAILED.assign(
        elbo=elbo,
        linear_bound=fit(spectrum, k, noise).log_likelihood(spectrum),
        noise_variance=noise,
        largest_eigenvalue=float(spectrum.eigenvalues[0]),
    )
    (row,) = of(judge(runs), "G, ")
    assert row.interval.mean == pytest.approx(gain, rel=1e-9)
