"""Claim 5: the likelihood over latents at a held noise variance."""

import numpy as np
import pandas as pd
import pytest

from linvae.claims.latent_dim import likelihood_over_latents


def _likelihood(peak, last=9):
    k = np.arange(1, last + 1)
    return pd.DataFrame({"n_latent": k, "fixed_log_likelihood": -10.0 - (k - peak) ** 2})


@pytest.mark.parametrize(
    ("peaks", "verdict"),
    [
        ((6, 7), "supported"),
        ((3, 3), "not supported"),
        ((9, 9), "not supported"),
        ((6, 9), "not supported"),
    ],
)
def test_claim_5_likelihood_over_latents(peaks, verdict):
    tables = {f"data{i}": _likelihood(peak) for i, peak in enumerate(peaks)}
    found = likelihood_over_latents(tables, fixed_at=3, margin=0.1)
    assert found.verdict == verdict
    rise, fall = (row for row in found.rows if row.subject == "data0")
    assert rise.interval.mean == (peaks[0] - 3) ** 2
    assert fall.interval.mean == (9 - peaks[0]) ** 2
    assert (rise.condition, fall.condition) == (f"k = 3 to {peaks[0]}", f"k = {peaks[0]} to 9")


def test_claim_5_the_half_that_is_missing_refutes_it():
    rise, fall = likelihood_over_latents({"data": _likelihood(9)}, fixed_at=3, margin=0.1).rows
    assert (rise.answer, fall.answer) == ("yes", "no")


@pytest.mark.parametrize(
    ("scale", "verdict"), [(0.0, "inconclusive"), (0.01, "inconclusive"), (0.05, "supported")]
)
def test_claim_5_a_likelihood_without_rise_or_fall_decides_nothing(scale, verdict):
    table = _likelihood(6).eval(f"fixed_log_likelihood = {scale} * fixed_log_likelihood")
    found = likelihood_over_latents({"data": table}, fixed_at=3, margin=0.1)
    assert found.verdict == verdict
    assert found.sentence.startswith("Open: " if verdict == "inconclusive" else "On all data")


def test_claim_5_what_lies_before_the_held_number_says_nothing():
    table = _likelihood(6)
    table.loc[table["n_latent"] < 3, "fixed_log_likelihood"] = 5.0
    assert likelihood_over_latents({"data": table}, fixed_at=3, margin=0.1).verdict == "supported"
