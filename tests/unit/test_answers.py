import pytest

from linvae.claims.catalogue import QUESTIONS
from linvae.report.answers import answers
from linvae.report.earlier import EARLIER, compared


def mean(value):
    return {"mean": value, "low": None, "high": None, "n": 1}


OPTIMISERS = {
    "Adam": {
        "gap": mean(23.172),
        "marginal_gap": mean(12.456),
        "inference_gap": mean(10.716),
        "mean_abs_cos": mean(0.26027),
        "reached": False,
    },
    "L-BFGS": {
        "gap": mean(1.176e-7),
        "marginal_gap": mean(1.176e-7),
        "inference_gap": mean(0.0),
        "mean_abs_cos": mean(0.999994),
        "reached": True,
    },
}
STARTS = {
    "L-BFGS with rotations": {
        "n_starts": 20,
        "outcomes": {"at the maximum": 19, "climbing": 1},
        "worst_gap": 0.25,
    }
}
SADDLES = {"k=2": {"gap": 0.03}, "k=16": {"gap": 0.7812}, "margin": 0.01}
TOTAL = {"n_total_below": 5, "n_below": 45, "largest_eigenvalue": 697.2}


def claim(verdict, numbers=None):
    return {"verdict": verdict, "numbers": numbers or {}, "explanation": "Said so."}


@pytest.mark.parametrize(
    ("verdict", "word"),
    [("supported", "Yes"), ("not supported", "No"), ("inconclusive", "Not settled")],
)
def test_the_first_answer_is_the_verdict_with_its_gaps(verdict, word):
    found = answers({1: claim(verdict, OPTIMISERS)})[1]
    assert found.word == word
    assert "L-BFGS ends 1.2 × 10^−7 nats below" in found.sentence
    assert "Adam 23.2" in found.sentence


@pytest.mark.parametrize(
    ("maxima", "saddles", "word"),
    [
        ("supported", "supported", "No maxima, but saddle points"),
        ("supported", "inconclusive", "No"),
        ("not supported", "supported", "Yes"),
        ("inconclusive", "supported", "Not settled"),
    ],
)
def test_the_second_answer_tells_maxima_from_saddle_points(maxima, saddles, word):
    found = answers({2: claim(maxima, STARTS), 14: claim(saddles, SADDLES)})[2]
    assert found.word == word
    assert "19 of 20 starts" in found.sentence
    assert ("0.03 to 0.781 nats" in found.sentence) == (saddles == "supported")


def test_the_third_answer_says_what_is_short_where_columns_are_none():
    found = answers({3: claim("supported", OPTIMISERS)})[3]
    assert found.word == "Yes, at the maximum"
    assert "1.0000 by L-BFGS" in found.sentence
    assert "23.2 nats short: 12.5 in the likelihood of its decoder, 10.7" in found.sentence


@pytest.mark.parametrize(
    ("grows", "predicted", "word"),
    [
        ("supported", "supported", "Yes"),
        ("supported", "not supported", "In part"),
        ("not supported", "not supported", "No"),
        ("inconclusive", "supported", "Not settled"),
    ],
)
def test_the_fourth_answer_weighs_growth_and_prediction(grows, predicted, word):
    trend = {"deep": {"train": {"collapse": {"means": {"10": 83.0, "3": 67.5}}}}}
    given = {8: claim(grows, trend), 10: claim(predicted), 12: claim("supported", TOTAL)}
    found = answers(given)[4]
    assert found.word == word
    assert "5 of 45 runs collapse entirely" in found.sentence
    assert ("unused latents over sigma^2, deep", "67.5 % at 3 to 83 % at 10") in found.numbers


def test_what_was_not_run_is_not_answered():
    found = answers({})
    assert found.keys() == QUESTIONS.keys()
    assert {answer.word for answer in found.values()} == {"Not settled"}
    assert all("did not run" in answer.sentence for answer in found.values())


def test_the_first_eight_figures_are_compared():
    assert [said.figure for said in EARLIER] == list(range(1, 9))
    # As README lists them.
    assert {s.figure: s.paper_figure for s in EARLIER if s.paper_figure} == {
        4: "3",
        5: "4",
        6: "2",
        7: "6",
        8: "5",
    }


@pytest.mark.parametrize(
    ("verdict", "agreement"),
    [
        ("supported", "as the paper said, not as the report said"),
        ("not supported", "as the report said, not as the paper said"),
        ("inconclusive", "not settled"),
    ],
)
def test_where_report_and_paper_differ_the_verdict_tells_who_is_right(verdict, agreement):
    numbers = {"0.001": {"final_difference": mean(4.45)}}
    row = compared({6: claim(verdict, numbers)})[3]
    assert row.agreement == agreement
    assert row.measured == "rate 0.001: final ELBO, analytic less stochastic, 4.45 nats"
    assert row.why


def test_where_all_agree_there_is_no_reason_to_differ():
    numbers = {"mnist": {"rise": 89.3, "fall": 46.9, "peak": 192, "last": 783}}
    row = compared({5: claim("supported", numbers)})[5]
    assert (row.agreement, row.why) == ("as the report and the paper said", "")
    assert row.measured == "mnist: 89.3 nats up to k = 192, then 46.9 down by k = 783"


@pytest.mark.parametrize(("verdict", "told"), [("inconclusive", True), ("supported", False)])
def test_where_nothing_is_settled_the_reason_is_pointed_to(verdict, told):
    found = answers({1: claim(verdict, OPTIMISERS)})[1]
    assert found.sentence.endswith("stands with claim 1.") is told
