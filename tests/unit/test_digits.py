import math

import pytest

from linvae.claims.verdicts import Interval
from linvae.digits import by_number, rounded, short, significant


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [
        (-94.0, 4.0, "-94.0 ± 4.0"),
        (1234.5678, 0.123, "1234.57 ± 0.12"),
        (12345.678, 250.0, "12346 ± 250"),
        # What does not show is not written.
        (-2123.6, 1e-7, "-2123.6"),
        (0.1, 0.0, "0.1"),
        (3431.910002, 1e-6, "3431.91"),
        # Round-off is zero, and so is what it scatters by.
        (-2.27374e-13, math.nan, "0"),
        (-2.27374e-13, 4e-13, "0"),
        (1.7e-7, math.nan, "1.7e-07"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (33.5, math.nan, "33.5"),
        (1000000.0, math.nan, "1000000"),
        # A mean that is rounded to zero has no sign.
        (-0.004, 0.5, "0.00 ± 0.50"),
    ],
)
def test_a_mean_has_the_digits_that_its_error_allows(mean, error, text):
    assert rounded(mean, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (23.172, "23.2"),
        (1.176e-7, "1.2 × 10^−7"),
        (-2.3e-13, "0"),
        (-1475.2, "−1,475"),
        (0.260271, "0.26"),
        (100.0, "100"),
    ],
)
def test_numbers_in_sentences_are_short(value, text):
    assert short(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-0.0, 4, "0"),
        (-2.3e-13, 4, "0"),
        (1.151e-7, 4, "1.151e-07"),
        (-0.35, 4, "-0.35"),
        (697.123, 4, "697.1"),
        # Never 1.235e+04.
        (12345.6, 4, "12346"),
        (9999.6, 4, "10000"),
        (1978.64, 2, "1979"),
    ],
)
def test_numbers_of_explanations_hold_no_round_off(value, digits, text):
    assert significant(value, digits) == text


def test_an_interval_holds_none_either():
    assert str(Interval(-0.0, -2.3e-13, 4e-13, 3)) == "0 [0, 0]"
    assert str(Interval(-2.3e-13, None, None, 1)) == "0 (one seed)"
    assert str(Interval(0.1, -0.25, 0.45, 3)) == "0.10 [−0.25, 0.45]"


def test_names_sort_as_their_numbers():
    names = ["fixed-10", "learned-1", "fixed-3", "fixed-0.1", "fixed-1", "deep"]
    expected = ["deep", "fixed-0.1", "fixed-1", "fixed-3", "fixed-10", "learned-1"]
    assert sorted(names, key=by_number) == expected
    assert sorted(["first1000", "first500"], key=by_number) == ["first500", "first1000"]
