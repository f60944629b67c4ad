"""The four questions, answered by the verdicts of the claims that decide them."""

from collections.abc import Mapping
from dataclasses import dataclass

from linvae.claims.added_saddles import ADDED_SADDLES
from linvae.claims.catalogue import QUESTIONS
from linvae.claims.claim import Claim
from linvae.claims.collapse_grows import COLLAPSE_GROWS
from linvae.claims.maximum import COLUMNS_ARE_COMPONENTS, REACHES_MAXIMUM
from linvae.claims.spurious_maxima import NO_SPURIOUS_MAXIMA
from linvae.claims.theory import PREDICTED
from linvae.report.evidence_table import main_lines, rows_of

__all__ = ["Answer", "answers"]

_OPEN = "Not settled"
_NOT_RUN = "This study did not run what would answer it."
# Numbers on a card.
_FEW = 3
_YES, _NO, _ANY = "supported", "not supported", None
# By question the claims that decide it, the word for each combination of their verdicts, of which
# the first that fits counts, and the claim whose picture shows it.
_DECIDED: dict[int, tuple[tuple[Claim, ...], tuple[tuple[tuple, str], ...]]] = {
    1: ((REACHES_MAXIMUM,), (((_YES,), "Yes"), ((_NO,), "No"))),
    2: (
        (NO_SPURIOUS_MAXIMA, ADDED_SADDLES),
        (
            ((_YES, _YES), "No maxima, but saddle points"),
            ((_YES, _ANY), "No"),
            ((_NO, _ANY), "Yes"),
        ),
    ),
    3: ((COLUMNS_ARE_COMPONENTS,), (((_YES,), "Yes, at the maximum"), ((_NO,), "No"))),
    4: (
        (COLLAPSE_GROWS, PREDICTED),
        (
            ((_YES, _YES), "Yes"),
            ((_YES, _NO), "In part"),
            ((_NO, _NO), "No"),
            ((_YES, "inconclusive"), "In part, the rest is not settled"),
        ),
    ),
}


@dataclass(frozen=True)
class Answer:
    """What a study says to one question.

    Attributes
    ----------
    word
        ``Yes``, ``No``, ``In part`` or ``Not settled``, and what of.
    sentence
        What the deciding claims found.
    numbers
        Three at most, with what they are.
    figures
        Short names of the figures that show it, the best first.
    """

    word: str
    sentence: str
    numbers: tuple[tuple[str, str], ...] = ()
    figures: tuple[str, ...] = ()


def answers(claims: Mapping[int, Mapping]) -> dict[int, Answer]:
    """Answer each question of `linvae.claims.catalogue.QUESTIONS`.

    Parameters
    ----------
    claims
        Objects of ``claims.json`` by ``id``; any may be missing or not run.
    """
    return {question: _answer(question, claims) for question in QUESTIONS}


def _answer(question: int, claims: Mapping[int, Mapping]) -> Answer:
    deciding, words = _DECIDED[question]
    found = [claims.get(claim.number, {}) for claim in deciding]
    ran = [claim for claim in found if rows_of(claim)]
    if not ran:
        return Answer(_OPEN, _NOT_RUN)
    verdicts = [claim.get("verdict", "inconclusive") for claim in found]
    fits = (
        word
        for wanted, word in words
        if all(one in (_ANY, own) for one, own in zip(wanted, verdicts, strict=True))
    )
    lines = [main_lines(rows_of(claim)) for claim in ran]
    # One of each claim in turn, so that none is left out.
    turns = [line for turn in zip(*(_padded(own) for own in lines), strict=True) for line in turn]
    return Answer(
        next(fits, _OPEN),
        " ".join(claim["sentence"] for claim in ran),
        tuple(line for line in turns if line)[:_FEW],
        tuple(name for claim in deciding for name in claim.shown_in if name.startswith("fig")),
    )


def _padded(lines: list) -> list:
    return [*lines[:_FEW], *[None] * (_FEW - len(lines))]
