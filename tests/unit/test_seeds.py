"""Streams are reproducible, separate, and within the range that every library accepts."""

import hashlib

import numpy as np
import pytest

from linvae.seeds import derive_seed, numpy_generator


def test_derived_seed_is_the_leading_63_bits_of_the_digest():
    expected = int(hashlib.sha256(b"7/init").hexdigest(), 16) >> (256 - 63)
    assert derive_seed(7, "init") == expected


def test_derived_seeds_fit_in_63_bits_and_differ():
    seeds = {derive_seed(seed, purpose) for seed in range(50) for purpose in ("a", "b", "0/a")}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_numpy_integer_names_the_same_stream_as_an_int():
    assert derive_seed(np.int64(3), "init") == derive_seed(3, "init")


def test_generators_restart_and_do_not_share_a_stream():
    first = numpy_generator(0, "a").random(4)
    np.testing.assert_array_equal(first, numpy_generator(0, "a").random(4))
    assert not np.array_equal(first, numpy_generator(0, "b").random(4))
    assert not np.array_equal(first, numpy_generator(1, "a").random(4))


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", None])
def test_seed_must_be_a_non_negative_integer(seed):
    with pytest.raises(ValueError, match="seed=.*non-negative integer"):
        derive_seed(seed, "init")


def test_purpose_must_say_something():
    with pytest.raises(ValueError, match="purpose=''"):
        derive_seed(0, "")
