"""The figures as readers meet them: which question each belongs to, and its name in words."""

from linvae.claims.catalogue import QUESTIONS
from linvae.report.captions import short_name
from linvae.study.figures import FIGURES

__all__ = ["category", "label"]


def label(figure: str) -> str:
    """Name that sorts as text as its number does: ``Figure 08: ...``."""
    return f"Figure {int(short_name(figure).removeprefix('fig')):02d}: {FIGURES[figure].title}"


def category(figure: str) -> str:
    """Heading of a figure's question."""
    key = FIGURES[figure].question
    return f"{key}. {QUESTIONS[key]}"
