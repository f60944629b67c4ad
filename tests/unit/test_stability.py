"""Which numbers of used latents count as stable."""

import pytest

from linvae.naming import Run
from linvae.report.stable_counts import stability_table

PAIRS = [("deep", "deep-long")]


def metrics(numbers):
    """Runs by (model, seed), from their numbers at the three thresholds."""
    return {
        Run(model, "mnist-logit-first9", 50, "fixed-3", seed): {
            "used_latents": dict(zip(("0.03", "0.1", "0.3"), used, strict=True))
        }
        for (model, seed), used in numbers.items()
    }


@pytest.mark.parametrize(
    ("last", "stable"),
    [
        ((33, 33, 33), "yes"),
        ((32, 32, 32), "yes"),
        # At 36 the tenth is 3.6: 33 and 36 agree, 32 and 36 do not.
        ((36, 33, 33), "yes"),
        ((37, 33, 33), "no"),
        ((33, 33, 29), "no"),
    ],
)
def test_numbers_must_agree_at_every_threshold(last, stable):
    found = metrics(
        {
            ("deep", 0): (33, 33, 33),
            ("deep-long", 0): (33, 33, 33),
            ("deep", 1): (33, 33, 33),
            ("deep-long", 1): last,
        }
    )
    (row,) = stability_table(found, PAIRS).to_dict("records")
    assert (row["recipe"], row["noise"], row["seeds"], row["stable"]) == (
        "deep",
        "fixed-3",
        2,
        stable,
    )


def test_small_numbers_may_differ_by_two():
    numbers = {("deep", 0): (3, 3, 3), ("deep", 1): (4, 4, 4), ("deep-long", 0): (5, 5, 5)}
    for last, stable in (((5, 5, 5), "yes"), ((6, 5, 5), "no")):
        table = stability_table(metrics({**numbers, ("deep-long", 1): last}), PAIRS)
        assert table["stable"].tolist() == [stable]


def test_one_seed_cannot_say_yes():
    same = {("deep", 0): (9, 9, 9), ("deep-long", 0): (9, 9, 9)}
    assert stability_table(metrics(same), PAIRS)["stable"].tolist() == ["one seed"]
    differs = {("deep", 0): (9, 9, 9), ("deep-long", 0): (99, 9, 9)}
    assert stability_table(metrics(differs), PAIRS)["stable"].tolist() == ["no"]
