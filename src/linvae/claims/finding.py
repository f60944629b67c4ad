"""What the results say of a claim: rows of evidence, a sentence, and the verdicts that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from linvae.claims.evidence import Evidence, together, verdicts_of
from linvae.claims.verdicts import Verdict, joint

__all__ = ["Finding", "not_run"]


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
