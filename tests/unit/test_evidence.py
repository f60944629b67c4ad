"""Rows of evidence: what follows from them, and how they are shown."""

import json
import re

import pytest
from told import claim, row

from linvae.claims.evidence import Evidence, Finding, together, verdicts_of
from linvae.claims.verdicts import Interval
from linvae.report.document import claims_text
from linvae.report.evidence_table import main_lines, markdown, open_rows, rows_of, shown
from linvae.report.forest import bars


def test_verdicts_follow_from_the_answers_of_each_subject():
    rows = [
        row(subject="a", answer="yes"),
        row(subject="b", answer="yes"),
        row(subject="b", answer="undecided"),
        row(subject="c", answer="undecided"),
        row(subject="c", answer="no"),
        row(subject="d"),
    ]
    assert verdicts_of(rows) == {"a": "supported", "b": "inconclusive", "c": "not supported"}
    assert together({"a": "supported", "b": "supported"}) == "supported"
    assert together({"a": "supported", "b": "not supported"}) == "inconclusive"
    assert together({}) == "inconclusive"
    assert Finding.of(rows[:2], "").verdict == "supported"
    assert Finding.of(rows, "").verdict == "not supported"
    assert Finding.of([row()], "").verdict == "inconclusive"
    assert Finding.by_subject(rows, "", headline="a").verdict == "supported"
    assert Finding.by_subject(rows, "", headline="gone").verdict == "inconclusive"


def test_rows_survive_json():
    rows = [row(subject="a", margin=2.0, answer="no", settles="a seed"), row(main=True)]
    told = json.loads(json.dumps(claim(3, rows=rows)))
    assert rows_of(told) == rows
    assert rows_of({"id": 3, "explanation": "as it was kept before"}) == []


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Interval(13.4321, 12.6123, 14.2519, 3), "13.43 [12.61, 14.25] nats"),
        (Interval(-1234.5, -1334.5, -1134.5, 3), "−1,234 [−1,334, −1,134] nats"),
        (Interval(-1234.5, None, None, 1), "−1,234 (one seed) nats"),
        (Interval(0.5, None, None, 2), "0.5 (no interval) nats"),
        (Interval.exact(0.78125), "0.7812 nats"),
        (Interval(1e-7, 0.5e-7, 1.5e-7, 3), "1 × 10^−7 [5 × 10^−8, 1.5 × 10^−7] nats"),
    ],
)
def test_digits_are_those_that_the_interval_allows(found, text):
    measured = shown(Evidence("gap", found, "nats")).measured
    assert re.sub(r"1\.0 ×", "1 ×", measured).replace("5.0 ×", "5 ×") == text


def test_a_row_says_where_it_is_of_and_what_it_is_held_against():
    cells = shown(row(condition="sigma^2 = 3", split="test", margin=2.0, answer="undecided"))
    assert (cells.where, cells.against, cells.says) == ("sigma^2 = 3, test", "± 2", "open")
    assert shown(row(reference=0.99, answer="yes")).against == "0.99"
    assert shown(row()).against == ""
    assert shown(row(reference=3.0, margin=1.0, answer="no")).against == "3 ± 1"


def test_markdown_leaves_empty_columns_out():
    text = markdown([row(subject="deep | x", answer="yes"), row()])
    head, _, first, *_ = text.splitlines()
    assert [cell.strip() for cell in head.split("|")[1:-1]] == [
        "of",
        "quantity",
        "measured",
        "against",
        "says",
    ]
    assert "deep \\| x" in first


def test_short_tables_show_main_rows_alone():
    lines = main_lines([row("a"), row("b", subject="deep", split="test", unit="%", main=True)])
    assert lines == [("b, deep, test", "1.00 [0.50, 1.50] %")]


def test_open_rows_are_of_subjects_that_are_open():
    rows = [
        row("a", subject="x", answer="undecided", settles="a seed"),
        row("b", subject="y", answer="undecided", settles="another"),
        row("c", subject="x", answer="yes"),
    ]
    told = claim(3, "inconclusive", rows, verdicts={"x": "inconclusive", "y": "not supported"})
    assert [cells.quantity for cells in open_rows(told)] == ["a"]
    text = claims_text([told], "made up", "mine")
    assert "- a seed" in text
    assert "- another" not in text
    assert "made up" in text
    assert "It was found." in text


def places(svg):
    """Where a bar has its margin, its reference, its interval and its mark."""
    margin = re.search(r'<rect x="([\d.]+)" y="1" width="([\d.]+)"', svg)
    reference = re.search(r'<path d="M([\d.]+) 0V', svg)
    interval = re.search(r'<path d="M([\d.]+) 8.0H([\d.]+)"', svg)
    mark = re.search(r'<circle cx="([\d.]+)"', svg)
    return [
        tuple(map(float, m.groups())) if m else None for m in (margin, reference, interval, mark)
    ]


def test_a_bar_stands_where_its_numbers_say():
    rows = [row(mean=4.0, half=1.0, margin=2.0, answer="yes"), row(mean=-1.0, half=1.0, margin=2.0)]
    first, second = (places(str(svg)) for svg in bars(rows))
    # One scale from -2, the margin's lower end, to 5.
    per_unit = (180 - 12) / 7
    assert first[0] == pytest.approx((6, 4 * per_unit), abs=0.1)
    assert first[1] == pytest.approx((6 + 2 * per_unit,), abs=0.1)
    assert first[2] == pytest.approx((6 + 5 * per_unit, 6 + 7 * per_unit), abs=0.1)
    assert first[3] == pytest.approx((6 + 6 * per_unit,), abs=0.1)
    assert second[3] == pytest.approx((6 + per_unit,), abs=0.1)


def test_an_interval_far_wider_than_the_rest_ends_in_arrows_and_hides_nothing():
    wide, narrow = bars(
        [row(mean=0.0, half=6000.0, margin=10.0), row(mean=-50.0, half=4.0, margin=10.0)]
    )
    assert str(wide).count("z") == 2
    assert "z" not in str(narrow)
    # Means and margins from -50 to 10, and as much to either side.
    per_unit = (180 - 12) / 180
    assert places(str(narrow))[3] == pytest.approx((6 + 60 * per_unit,), abs=0.1)
    assert places(str(wide))[2] == pytest.approx((6, 174), abs=0.1)


def test_test_images_are_open_marks_and_pictures_are_hidden_from_screen_readers():
    train, test = map(str, bars([row(split="train"), row(split="test")]))
    assert 'fill="#fff"' in test
    assert 'fill="#fff"' not in train
    assert 'aria-hidden="true"' in train
    (exact,) = bars([Evidence("x", Interval.exact(2.0))])
    assert places(str(exact))[2] is None
