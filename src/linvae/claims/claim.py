"""What a claim is: its words, who makes it, what can decide it, and how."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from linvae.claims.results import Results
from linvae.claims.verdicts import Finding, not_run

__all__ = ["Claim", "Judgement"]


@dataclass(frozen=True)
class Claim:
    """A statement that the results of the study can support or refute.

    Attributes
    ----------
    number, text, made_by
    question
        Key of `linvae.claims.catalogue.QUESTIONS`.
    section
        Section of `linvae.study.study.Study` without which nothing can be said.
    judge
        Finds what the results say; it is called where the section is not left out.
    shown_in
        Figures and tables, by the short names that readers know: ``fig8``, ``table1``.
    main_numbers
        Gives, of the ``numbers`` of a finding, the few that the verdict rests on, in words: one for
        each recipe, optimiser or learning rate.
    """

    number: int
    text: str
    made_by: str
    question: int
    section: str
    judge: Callable[[Results], Finding]
    shown_in: tuple[str, ...] = ()
    main_numbers: Callable[[Mapping], Iterable[str]] = lambda numbers: ()

    def judged(self, results: Results) -> "Judgement":
        """Judge by results of which nothing has been read yet: what is read is the evidence."""
        if getattr(results.study, self.section) is None:
            finding = not_run(f"Not run: study.{self.section} is null.")
        elif results.all_failed(self.section):
            finding = not_run(f"No run of study.{self.section} could be measured.")
        else:
            finding = self._found(results)
        return Judgement(self, finding, tuple(results.used))

    def _found(self, results: Results) -> Finding:
        try:
            return self.judge(results)
        except (LookupError, ValueError) as error:
            if not results.faults:
                raise
            # Which runs a verdict cannot do without, only its own function knows.
            return not_run(f"Runs that it needs could not be measured ({error}).")


@dataclass(frozen=True)
class Judgement:
    """A claim and what was found.

    Attributes
    ----------
    claim, finding
    evidence
        Paths of the files that the numbers come from.
    """

    claim: Claim
    finding: Finding
    evidence: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return an object of ``claims.json``."""
        return {
            "id": self.claim.number,
            "claim": self.claim.text,
            "made_by": self.claim.made_by,
            "verdict": self.finding.verdict,
            **({"verdicts": self.finding.verdicts} if self.finding.verdicts else {}),
            "explanation": self.finding.explanation,
            "numbers": self.finding.numbers,
            "evidence": list(self.evidence),
        }
