"""The cards of the four questions, and what was said before, drawn from rows of evidence."""

import pytest
from told import claim, row

from linvae.claims.catalogue import CLAIMS, QUESTIONS
from linvae.report.answers import answers
from linvae.report.earlier import compared

YES, NO, OPEN = "supported", "not supported", "inconclusive"


@pytest.mark.parametrize(
    ("question", "verdicts", "word"),
    [
        (1, {1: YES}, "Yes"),
        (1, {1: NO}, "No"),
        (1, {1: OPEN}, "Not settled"),
        (2, {2: YES, 14: YES}, "No maxima, but saddle points"),
        (2, {2: YES, 14: OPEN}, "No"),
        (2, {2: YES}, "No"),
        (2, {2: NO, 14: YES}, "Yes"),
        (2, {2: OPEN, 14: YES}, "Not settled"),
        (3, {3: YES}, "Yes, at the maximum"),
        (3, {3: NO}, "No"),
        (4, {8: YES, 10: YES}, "Yes"),
        (4, {8: YES, 10: NO}, "In part"),
        (4, {8: NO, 10: NO}, "No"),
        (4, {8: YES, 10: OPEN}, "In part, the rest is not settled"),
        (4, {8: OPEN, 10: YES}, "Not settled"),
    ],
)
def test_the_word_is_that_of_the_verdicts(question, verdicts, word):
    found = answers({number: claim(number, verdict) for number, verdict in verdicts.items()})
    assert found[question].word == word
    assert all(found[other].word == "Not settled" for other in QUESTIONS if other != question)


def test_a_card_has_the_claims_sentence_three_numbers_and_a_figure():
    rows = [row(f"gap {i}", i, unit="nats", subject="Adam", main=i != 1) for i in range(6)]
    found = answers({1: claim(1, rows=rows, sentence="Adam is short.")})[1]
    assert found.sentence == "Adam is short."
    assert [name for name, _ in found.numbers] == ["gap 0, Adam", "gap 2, Adam", "gap 3, Adam"]
    assert found.numbers[1][1] == "2.00 [1.50, 2.50] nats"
    assert found.figures[0] == "fig1"


def test_every_deciding_claim_has_a_number_on_the_card():
    rows = {n: [row(f"of {n}, {i}", main=True) for i in range(4)] for n in (8, 10)}
    found = answers({n: claim(n, rows=own) for n, own in rows.items()})[4]
    assert [name for name, _ in found.numbers] == ["of 8, 0", "of 10, 0", "of 8, 1"]


def test_what_was_not_run_is_not_answered():
    for claims in ({}, {n: claim(n, OPEN, rows=[]) for n in range(1, 16)}):
        found = answers(claims)
        assert found.keys() == QUESTIONS.keys()
        assert {answer.word for answer in found.values()} == {"Not settled"}
        assert all("did not run" in answer.sentence for answer in found.values())


def test_the_first_eight_figures_are_compared_as_the_readme_lists_them():
    rows = compared({})
    assert [row.said.figure for row in rows] == list(range(1, 9))
    assert {row.said.figure: row.said.paper_figure for row in rows if row.said.paper_figure} == {
        4: "3",
        5: "4",
        6: "2",
        7: "6",
        8: "5",
    }
    assert {row.measured for row in rows} == {(("not run", ""),)}


@pytest.mark.parametrize(
    ("verdict", "agreement"),
    [
        (YES, "as the paper said, not as the report said"),
        (NO, "as the report said, not as the paper said"),
        (OPEN, "not settled"),
    ],
)
def test_where_report_and_paper_differ_the_verdict_tells_who_is_right(verdict, agreement):
    (said,) = (c for c in CLAIMS if any(e.report_side is False for e in c.earlier))
    (found,) = (
        row for row in compared({said.number: claim(said.number, verdict)})
        if row.claim == said.number
    )  # fmt: skip
    assert found.agreement == agreement
    assert found.measured == (("gap", "1.00 [0.50, 1.50] nats"),)
    assert found.why


def test_where_all_agree_there_is_no_reason_to_differ():
    number = next(
        c.number for c in CLAIMS if any(e.report_side and e.paper_side for e in c.earlier)
    )
    found = [row for row in compared({number: claim(number)}) if row.claim == number]
    assert found[0].agreement == "as the report and the paper said"
    assert found[0].why == ""
