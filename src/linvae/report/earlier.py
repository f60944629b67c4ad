"""What the report and the paper said of their figures, beside what a study measured there.

The report is a course report that reproduced the paper (Li Hongru, MATH5472, 2022). What each said
stands with the claim that judges it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from linvae.claims.catalogue import CLAIMS
from linvae.claims.claim import Earlier
from linvae.report.evidence_table import main_lines, rows_of

__all__ = ["Compared", "compared"]


@dataclass(frozen=True)
class Compared:
    """One figure: what was said, what this study measured, and whether they agree.

    Attributes
    ----------
    said
    claim
        Number of the claim that judges it.
    verdict
    measured
        What was measured, with what it is.
    agreement
        In words.
    why
        What may make them differ; empty where they do not.
    """

    said: Earlier
    claim: int
    verdict: str
    measured: tuple[tuple[str, str], ...]
    agreement: str
    why: str


def compared(claims: Mapping[int, Mapping]) -> list[Compared]:
    """Compare every figure of which something was said, in the order of their numbers.

    Parameters
    ----------
    claims
        Objects of ``claims.json`` by ``id``; any may be missing or not run.
    """
    rows = [
        _compared(said, claim.number, claims.get(claim.number, {}))
        for claim in CLAIMS
        for said in claim.earlier
    ]
    return sorted(rows, key=lambda row: row.said.figure)


def _compared(said: Earlier, number: int, claim: Mapping) -> Compared:
    rows = rows_of(claim)
    if not rows:
        return Compared(said, number, "inconclusive", (("not run", ""),), "not settled", "")
    verdict = claim["verdict"]
    sides = {"the report": said.report_side, "the paper": said.paper_side}
    agreement = _agreement(sides, verdict)
    agrees = all(side is (verdict == "supported") for side in sides.values())
    settled = verdict != "inconclusive"
    why = "" if settled and agrees else said.why
    return Compared(said, number, verdict, tuple(main_lines(rows)), agreement, why)


def _agreement(sides: Mapping[str, bool | None], verdict: str) -> str:
    if verdict not in ("supported", "not supported"):
        return "not settled"
    holds = verdict == "supported"
    alike = [name for name, side in sides.items() if side is holds]
    unlike = [name for name, side in sides.items() if side is (not holds)]
    parts = [f"as {' and '.join(alike)} said"] if alike else []
    parts += [f"not as {' and '.join(unlike)} said"] if unlike else []
    return ", ".join(parts)
