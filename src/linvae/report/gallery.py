"""The figures as readers meet them: which question each belongs to, and its name in words."""

from linvae.claims.catalogue import CLAIMS, QUESTIONS
from linvae.study.figures import FIGURES

__all__ = ["category", "claims_of", "label", "short_name"]


def short_name(figure: str) -> str:
    """Name by which claims refer to a figure: ``fig8`` for ``fig8_collapse_fixed``."""
    return figure.split("_")[0]


def label(figure: str) -> str:
    """Name that sorts as text as its number does: ``Figure 08: ...``."""
    return f"Figure {int(short_name(figure).removeprefix('fig')):02d}: {FIGURES[figure].title}"


def category(figure: str) -> str:
    """Heading of a figure's question."""
    key = FIGURES[figure].question
    return f"{key}. {QUESTIONS[key]}"


def claims_of(figure: str) -> list[int]:
    """Numbers of the claims that a figure shows."""
    return [claim.number for claim in CLAIMS if short_name(figure) in claim.shown_in]
