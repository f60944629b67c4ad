"""What a claim is: its words, who makes it, what can decide it, and how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from linvae.claims.evidence import Finding, not_run
from linvae.claims.results import Results

__all__ = ["Claim", "Earlier", "Judgement"]


@dataclass(frozen=True)
class Earlier:
    """What the report and the paper said of one figure, in our words.

    Attributes
    ----------
    figure, paper_figure
        Its number here and in the report, and in the paper; empty where that has none.
    report, paper
        What each said; empty where nothing is known.
    report_side, paper_side
        Whether that is the claim (True), its opposite (False), or neither.
    why
        What may make them differ from what is measured.
    """

    figure: int
    paper_figure: str
    report: str
    paper: str
    report_side: bool | None
    paper_side: bool | None
    why: str = ""


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
    instead
        Another section that serves as well, if there is one.
    judge
        Finds what the results say; it is called where the section is not left out.
    shown_in
        Figures and tables, by the short names that readers know: ``fig8``, ``table1``.
    earlier
        What was said before.
    checked
        Where what is ascribed to the paper was checked, or that it was not.
    """

    number: int
    text: str
    made_by: str
    question: int
    section: str
    judge: Callable[[Results], Finding]
    shown_in: tuple[str, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    checked: Literal["theorem", "from memory", ""] = ""
    instead: str = ""

    def judged(self, results: Results) -> "Judgement":
        """Judge by results of which nothing has been read yet: what is read is the evidence."""
        sections = [name for name in (self.section, self.instead) if name]
        asked = [name for name in sections if getattr(results.study, name) is not None]
        if not asked:
            finding = not_run(f"Not run: study.{self.section} is null.")
        elif all(results.all_failed(name) for name in asked):
            finding = not_run(f"No run of study.{asked[0]} could be measured.")
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
    """A claim, what was found, and the paths of the files that this rests on."""

    claim: Claim
    finding: Finding
    evidence: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return an object of ``claims.json``."""
        found = self.finding
        return {
            "id": self.claim.number,
            "claim": self.claim.text,
            "made_by": self.claim.made_by,
            "checked": self.claim.checked,
            "question": self.claim.question,
            "shown_in": list(self.claim.shown_in),
            "verdict": found.verdict,
            **({"verdicts": dict(found.verdicts)} if found.verdicts else {}),
            "sentence": found.sentence,
            "rows": [row.to_dict() for row in found.rows],
            "numbers": dict(found.numbers),
            "evidence": list(self.evidence),
        }
