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
        ((6, 9), "inconclusive"),
    ],
)
def test_claim_5_likelihood_over_latents(peaks, verdict):
    tables = {f"data{i}": _likelihood(peak) for i, peak in enumerate(peaks)}
    found = likelihood_over_latents(tables, fixed_at=3)
    assert found.verdict == verdict
    assert found.numbers["data0"]["rise"] == pytest.approx((peaks[0] - 3) ** 2)
