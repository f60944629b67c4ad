"""What a claim rests on, in a few words."""

import pytest

from linvae.claims.catalogue import main_number


def interval(mean, half=None):
    low, high = (None, None) if half is None else (mean - half, mean + half)
    return {"mean": mean, "low": low, "high": high, "n": 1 if half is None else 3}


CASES = {
    1: (
        {
            "Adam (linear-adam, k = 200: 5000 steps at 0.01)": {"gap": interval(5.3, 0.1)},
            "L-BFGS (linear-lbfgs, k = 200)": {"gap": interval(1.2e-7)},
        },
        "Adam (linear-adam, k = 200: 5000 steps at 0.01) ends 5.3 [5.2, 5.4] nats below the "
        "maximum; L-BFGS (linear-lbfgs, k = 200) ends 1.2 × 10^−7 nats below the maximum",
    ),
    4: (
        {"n_stable": 1, "points": [{}, {}, {}], "worst_relative_error": 3.2e-15},
        "1 of 3 stable; relative error of the formula 3e-15",
    ),
    8: (
        {"deep": {"train": {"collapse": {"means": {"10": 82.5, "0.1": 0.0, "3": 69.0}}}}},
        "deep 0 % at 0.1, 82.5 % at 10",
    ),
    9: (
        {"deep": {"train": {"elbo": {"difference": interval(9.63, 1.0)}}, "test": {}}},
        "deep train 9.63 [8.63, 10.6] between starts",
    ),
    12: (
        {
            "n_total_above": 2,
            "n_above": 2,
            "n_total_below": 5,
            "n_below": 55,
            "largest_eigenvalue": 697.12,
        },
        "2 of 2 above; 5 of 55 below λ₁ = 697",
    ),
    15: (
        {
            "deep": {
                "3": {
                    "splits": {
                        "train": {
                            "ratio_of_starts": interval(2.2),
                            "ratio_of_sizes": {"random": interval(1.1), "principal": interval(1.7)},
                        }
                    }
                }
            }
        },
        "deep at 3: factor 2.2 by start, 1.7 by size",
    ),
}


@pytest.mark.parametrize("claim", CASES)
def test_a_claim_in_a_few_words(claim):
    numbers, expected = CASES[claim]
    assert main_number(claim, numbers) == expected
    assert main_number(claim, {}) == ""
