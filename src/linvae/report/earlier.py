"""What the report and the paper said of their figures, and what a study measured there.

The report is a course report that reproduced the paper (Li Hongru, MATH5472, 2022); figures 1 to 8
are its own. Only what is known of either is told: where nothing is, a side is None.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from linvae.claims.catalogue import main_number
from linvae.digits import by_number, short

__all__ = ["EARLIER", "Compared", "Earlier", "compared"]

_ADAM = (
    "Adam moves each parameter by about its learning rate a step, and has not arrived when its "
    "steps end: what is short is training, not the theorem."
)


@dataclass(frozen=True)
class Earlier:
    """What was said of one figure.

    Attributes
    ----------
    figure, paper_figure
        Its number here and in the report, and in the paper; empty where that has none.
    claim
        Number of the claim that judges it.
    report, paper
        What each said.
    report_side, paper_side
        Whether that is the claim (True), its opposite (False), or neither.
    why
        What may make them differ from what is measured.
    """

    figure: int
    paper_figure: str
    claim: int
    report: str
    paper: str
    report_side: bool | None
    paper_side: bool | None
    why: str


@dataclass(frozen=True)
class Compared:
    """One row: what was said, what this study measured, and whether they agree."""

    said: Earlier
    verdict: str
    measured: str
    agreement: str
    why: str


EARLIER = (
    Earlier(
        1,
        "",
        1,
        "A curve that looks as naive Adam's does here: one small rate for all parameters.",
        "The ELBO of the linear VAE reaches the pPCA maximum.",
        None,
        True,
        _ADAM,
    ),
    Earlier(
        2,
        "",
        3,
        "Columns that are not aligned: tens of nats short after 5,000 steps of Adam.",
        "At the maximum the decoder's columns are the principal components.",
        None,
        True,
        _ADAM,
    ),
    Earlier(
        3,
        "",
        3,
        "The same columns, against those of pPCA: not aligned.",
        "At the maximum the decoder's columns are the principal components.",
        None,
        True,
        _ADAM,
    ),
    Earlier(
        4,
        "3",
        6,
        "Stochastic training is not slower, nor does it end lower.",
        "Stochastic training is slower and ends lower than analytic training.",
        False,
        True,
        "At a constant rate the exact ELBO goes up and down, and neither kind of training comes to "
        "rest at the maximum: learning rate and step decide what is seen.",
    ),
    Earlier(
        5,
        "4",
        7,
        "Encoders other than linear end below the pPCA maximum.",
        "Encoders other than linear end below the pPCA maximum.",
        True,
        True,
        "An encoder of rectified linear units contains the linear one: what is short is training, "
        "which the linear encoder beside it shows.",
    ),
    Earlier(
        6,
        "2",
        5,
        "At sigma^2 of fewer latents the likelihood rises past their number and then falls.",
        "The same.",
        True,
        True,
        "The rise and the fall are of the data that were chosen: their spectrum decides.",
    ),
    Earlier(
        7,
        "6",
        9,
        "With sigma^2 learned, its initial value still decides collapse and final ELBO.",
        "The same.",
        True,
        True,
        "Recipes of training differ; the headline is that of the recipe nearest to the paper's.",
    ),
    Earlier(
        8,
        "5",
        8,
        "With sigma^2 fixed, collapse grows with sigma^2.",
        "The same.",
        True,
        True,
        "Recipes of training differ, and so does the number of noise variances at which each ran.",
    ),
)


def compared(claims: Mapping[int, Mapping]) -> list[Compared]:
    """Set what was said beside what was measured, for figures 1 to 8.

    Parameters
    ----------
    claims
        Objects of ``claims.json`` by ``id``; any may be missing or not run.
    """
    return [_row(said, claims.get(said.claim, {})) for said in EARLIER]


def _row(said: Earlier, claim: Mapping) -> Compared:
    numbers = claim.get("numbers", {})
    verdict = claim.get("verdict", "inconclusive")
    in_full = _IN_FULL.get(said.claim)
    found = "; ".join(in_full(numbers)) if in_full else main_number(said.claim, numbers)
    measured = found or "Nothing that the study ran tells."
    sides = {"the report": said.report_side, "the paper": said.paper_side}
    agreement = _agreement(sides, verdict)
    differs = not agreement.startswith("as ") or "not as" in agreement
    # Of figures 1 to 3 no side of the report is known, and what is seen of Adam needs its reason.
    adam = said.why == _ADAM and any(not _is_there(row) for row in numbers.values())
    return Compared(said, verdict, measured, agreement, said.why if differs or adam else "")


def _is_there(row: Mapping) -> bool:
    """Whether an optimiser is at the maximum, to a hundredth of a nat."""
    return row["gap"]["mean"] <= 0.01


def _agreement(sides: Mapping[str, bool | None], verdict: str) -> str:
    if verdict not in ("supported", "not supported"):
        return "not settled"
    holds = verdict == "supported"
    alike = [name for name, side in sides.items() if side is holds]
    unlike = [name for name, side in sides.items() if side is (not holds)]
    parts = [f"as {' and '.join(alike)} said"] if alike else []
    parts += [f"not as {' and '.join(unlike)} said"] if unlike else []
    return ", ".join(parts)


def _learned(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        ends = row.get("noise_variance", {})
        if ends:
            told = ", ".join(f"{v} to {short(ends[v])}" for v in sorted(ends, key=by_number))
            yield f"{recipe}: sigma^2 goes from {told}"


def _fixed(numbers: Mapping) -> Iterator[str]:
    for recipe, row in numbers.items():
        means = row.get("train", {}).get("collapse", {}).get("means", {})
        if means:
            told = ", ".join(f"{short(means[v])} % at {v}" for v in sorted(means, key=by_number))
            yield f"{recipe}: unused latents {told}"


# Of these the page tells where every start or noise led, not the one difference that decides.
_IN_FULL: Mapping[int, Callable[[Mapping], Iterator[str]]] = {8: _fixed, 9: _learned}
