"""Rows of evidence: what was measured, its interval, and what that says of a claim.

A claim is judged by rows alone; every table, picture and card is drawn from them, and its sentence
is written from them by the claim's own module. Nothing reads a sentence.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self

from linvae.claims.verdicts import Answer, Interval, Verdict, joint

__all__ = [
    "Evidence",
    "Side",
    "all_within",
    "at_most",
    "equivalence",
    "together",
    "verdicts_of",
    "weakest",
]

Side = Literal["within", "beyond", "open"]


@dataclass(frozen=True)
class Evidence:
    """One quantity with its interval, and what it says.

    Attributes
    ----------
    quantity
        What was measured, in words that stand without the claim: ``ELBO, graft less control``.
    interval
        Over seeds, `Interval.exact` where there are none.
    unit
        ``nats``, ``latents``, ``%``; empty of a pure number.
    subject
        Whose it is, and whose verdict it decides: a recipe, an optimiser, a data set.
    condition
        Where: ``sigma^2 = 3``, ``k = 200``; empty where it holds throughout.
    split
        ``train`` or ``test``; empty where neither is meant.
    reference, margin
        What the interval is held against, in its unit: a value, and how far from it counts. Margin
        is None where the reference alone counts.
    answer
        What it says of the claim; None of a row that is only reported.
    settles
        What would settle it, where it is undecided: which runs, and their cost.
    main
        Whether it is among the few that short tables show.
    """

    quantity: str
    interval: Interval
    unit: str = ""
    subject: str = ""
    condition: str = ""
    split: str = ""
    reference: float = 0.0
    margin: float | None = None
    answer: Answer | None = None
    settles: str = ""
    main: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, told: Mapping) -> Self:
        """Read what `to_dict` gave."""
        return cls(**{**told, "interval": Interval(**told["interval"])})

    def but(self, **changes: object) -> Self:
        """Return the row with some fields changed."""
        return replace(self, **changes)


def verdicts_of(rows: Iterable[Evidence]) -> dict[str, Verdict]:
    """Judge each subject by its rows: all must say yes, and one "no" refutes it.

    Subjects stand in the order of their first row. One whose rows are all only reported has no
    verdict.
    """
    answers: dict[str, list[Answer]] = {}
    for row in rows:
        if row.answer is not None:
            answers.setdefault(row.subject, []).append(row.answer)
    return {subject: joint(given) for subject, given in answers.items()}


def together(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Judge a claim by its subjects: as they all say; inconclusive where they do not agree."""
    found = set(verdicts.values())
    return found.pop() if len(found) == 1 else "inconclusive"


def weakest(rows: Iterable[Evidence], strength: Callable[[Evidence], float]) -> list[Evidence]:
    """Pick the row that supports a claim least: its answer stands for those of all, which is joint.

    Parameters
    ----------
    rows
        Judged; of none, none is picked.
    strength
        Which of several with the same answer supports more.
    """
    order = ("no", "undecided", "yes")
    chosen = sorted(rows, key=lambda row: (order.index(row.answer), strength(row)))
    return chosen[:1]


def equivalence(at_level: Interval, corrected: Interval, margin: float) -> Side:
    """Test whether a difference lies within a margin.

    Parameters
    ----------
    at_level
        Its interval. That all of several differences lie within their margins needs no correction
        for their number: each alone can refute it.
    corrected
        The same at the level that their number asks for: that one of them lies beyond does.
    margin
        Positive.

    References
    ----------
    Berger and Hsu (1996), *Bioequivalence trials, intersection-union tests and equivalence
    confidence sets*.
    """
    if corrected.low is not None and (corrected.low > margin or corrected.high < -margin):
        return "beyond"
    if at_level.low is not None and at_level.low >= -margin and at_level.high <= margin:
        return "within"
    return "open"


def at_most(found: Interval, margin: float) -> Side:
    """Test whether a quantity is at most a margin."""
    if found.above(margin):
        return "beyond"
    return "within" if found.below(margin) else "open"


def all_within(sides: Iterable[Side]) -> Side:
    """Judge several rows together: one beyond its margin is enough, and so is one that is open."""
    found = set(sides)
    if "beyond" in found:
        return "beyond"
    return "within" if found == {"within"} else "open"
