"""Rows of evidence: what was measured, its interval, and what that says of a claim.

A claim is judged by rows alone; every table, picture and card is drawn from them, and its sentence
is written from them by the claim's own module. Nothing reads a sentence.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from linvae.claims.verdicts import Answer, Interval, Verdict, joint

__all__ = [
    "RANK",
    "Evidence",
    "Finding",
    "missing",
    "not_run",
    "subjects",
    "together",
    "verdicts_of",
    "weakest",
]

# Which of several answers decides; a row that is only reported decides nothing.
RANK = {"no": 2, "undecided": 1, "yes": 0, None: 0}


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

    @property
    def mean(self) -> float:
        """The mean of its interval."""
        return self.interval.mean

    @classmethod
    def exact(cls, quantity: str, value: float, unit: str = "", **more: object) -> Self:
        """Return the row of a value that no seed moves."""
        return cls(quantity, Interval.exact(value), unit, **more)

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

    def answered(self, answer: Answer | None, settles: str = "") -> Self:
        """Return the row with an answer, and what would settle it where that is undecided."""
        return self.but(answer=answer, settles=settles if answer == "undecided" else "")


def missing(
    quantity: str, settles: str, subject: str = "", n: int = 0, needed: int = 1, **more: object
) -> Evidence:
    """Return a row that keeps the verdict of a subject open: n were run of so many needed."""
    told = {"subject": subject, "reference": needed, "settles": settles}
    return Evidence.exact(quantity, n, answer="undecided", **told, **more)


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


def subjects(verdicts: Mapping[str, Verdict], verdict: Verdict) -> list[str]:
    """List the subjects of one verdict."""
    return [subject for subject, found in verdicts.items() if found == verdict]


def weakest(rows: Iterable[Evidence], strength: Callable[[Evidence], float]) -> list[Evidence]:
    """Pick the row that supports a claim least: its answer stands for those of all, which is joint.

    Of several with the same answer it is the one of least strength; of no rows none is picked.
    """
    return sorted(rows, key=lambda row: (-RANK[row.answer], strength(row)))[:1]


@dataclass(frozen=True)
class Finding:
    """What the results say of a claim.

    Attributes
    ----------
    rows
        All that was measured of it.
    sentence
        What was found, in one sentence.
    verdict
    verdicts
        By subject, where the claim is judged by subject.
    numbers
        Further numbers, as JSON holds them.
    """

    rows: tuple[Evidence, ...]
    sentence: str
    verdict: Verdict
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    numbers: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Sequence[Evidence],
        sentence: str | Mapping[Verdict, str],
        numbers: Mapping[str, object] | None = None,
    ) -> Self:
        """Judge by all rows together: one "no" refutes the claim, whoever it is of.

        The sentence may depend on the verdict.
        """
        verdict = joint(row.answer for row in rows if row.answer is not None)
        said = sentence if isinstance(sentence, str) else sentence[verdict]
        return cls(tuple(rows), said, verdict, {}, numbers or {})

    @classmethod
    def by_subject(
        cls,
        rows: Sequence[Evidence],
        sentence: str,
        numbers: Mapping[str, object] | None = None,
        headline: str | None = None,
    ) -> Self:
        """Judge each subject by its rows, and the claim by one, the headline.

        Where that is None or has no verdict, the claim is what all subjects agree on.
        """
        verdicts = verdicts_of(rows)
        verdict = verdicts[headline] if headline in verdicts else together(verdicts)
        return cls(tuple(rows), sentence, verdict, verdicts, numbers or {})


def not_run(reason: str) -> Finding:
    """Return the finding on a claim without results."""
    return Finding((), reason, "inconclusive")
