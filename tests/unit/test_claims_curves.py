"""What claims take of collapse curves, against the definition."""

import numpy as np
import pytest

from linvae.claims.recipes import curve_row
from linvae.measure.collapse import CollapseCurve


def arrays(**kl):
    """`kl.npz` of constant divergences by latent: deep and linear, train and test."""
    found = {}
    for before, values in kl.items():
        curve = CollapseCurve.from_kl(np.tile(values, (10, 1)))
        prefix = before.removeprefix("train")
        found |= {**curve.arrays(prefix), f"{prefix}mean_kl": np.asarray(values)}
    return found


# Nats of four latents.
DEEP = [0.0001, 0.1, 0.5, 3.0]
LINEAR = [0.0001, 0.02, 2.0, 3.0]
FOUND = curve_row(
    arrays(train=DEEP, test_=LINEAR, linear_=LINEAR, test_linear_=DEEP), n_latent=4, delta=0.01
)


def test_mean_collapse_is_the_mean_over_decades():
    # A latent of divergence q counts as collapsed above it: log10(1 / q) of three decades.
    share = (3.0 + 1.0 + np.log10(2.0)) / 3.0 / 4.0
    # The grid has forty points a decade, each of which stands for a quarter of a latent.
    assert FOUND["mean_collapse"] == pytest.approx(100 * share, abs=100 / 4 / 120)
    assert FOUND["test_mean_collapse"] == pytest.approx(
        100 * (3.0 + np.log10(50.0)) / 12.0, abs=100 / 4 / 120
    )


def test_used_latents_less_the_linear_optimums_have_a_sign():
    # Up to 0.1 the second latent is in use and not in the linear optimum; at 0.3 no latent differs.
    for name, points in {"0.03": 25.0, "0.1": 25.0, "0.3": 0.0}.items():
        assert FOUND[f"extra_{name}"] == points
        assert FOUND[f"test_extra_{name}"] == -points
