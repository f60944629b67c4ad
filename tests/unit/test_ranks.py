"""The KL of latents by rank."""

import numpy as np
import pytest

from linvae.measure.ranks import kl_by_rank, tail_sums

KL = np.array([[0.0, 3.0, 1e-9, 1.0], [0.0, 5.0, 3e-9, 0.0]])


def test_latents_stand_in_descending_order_of_their_mean():
    np.testing.assert_allclose(kl_by_rank(KL), [4.0, 0.5, 2e-9, 0.0], rtol=1e-15)


def test_tails_are_what_the_larger_ones_leave():
    # Not the difference of two sums near 4: that would lose the digits of 2e-9.
    np.testing.assert_allclose(tail_sums(KL), [0.5 + 2e-9, 2e-9, 0.0, 0.0], rtol=1e-15)


def test_first_and_tail_are_the_whole():
    kl = np.random.default_rng(0).exponential(size=(50, 8))
    ranked, tails = kl_by_rank(kl), tail_sums(kl)
    np.testing.assert_allclose(np.cumsum(ranked) + tails, kl.sum(1).mean(), rtol=1e-14)
    assert tails[-1] == 0
    assert (np.diff(tails) < 0).all()


@pytest.mark.parametrize("function", [kl_by_rank, tail_sums])
@pytest.mark.parametrize("shape", [(3,), (0, 3), (3, 0)])
def test_other_shapes_are_refused(function, shape):
    with pytest.raises(ValueError, match=r"\(n, k\)"):
        function(np.zeros(shape))
