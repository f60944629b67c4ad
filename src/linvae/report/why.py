"""Why a verdict is what it is, in parts that can be read: by recipe, and what would settle it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Reason", "open_points", "reasons"]

_DECIDES = re.compile(
    r"would decide|\bdecides\b|would tell|It takes \d+|too few|too short|would have been seen"
)
# Characters from which on a text is divided into its sentences.
_LONG = 300


@dataclass(frozen=True)
class Reason:
    """What was found of one recipe, or of all where there are none.

    Attributes
    ----------
    recipe, verdict
        Empty where the claim is not judged by recipe.
    text
        Numbers and reason.
    """

    recipe: str
    verdict: str
    text: str


def reasons(claim: Mapping) -> list[Reason]:
    """Divide the explanation of a claim by recipe, where it has verdicts by recipe.

    Parameters
    ----------
    claim
        An object of ``claims.json``.
    """
    text, verdicts = claim["explanation"], claim.get("verdicts", {})
    if not verdicts:
        return _plain(text)
    names = "|".join(re.escape(name) for name in sorted(verdicts, key=len, reverse=True))
    states = "|".join(sorted(set(verdicts.values()), key=len, reverse=True))
    starts = list(re.finditer(rf"(?<!\S)({names})((?: against \S+)?) \(({states})\): ", text))
    if not starts:
        return _plain(text)
    ends = [*(start.start() for start in starts[1:]), len(text)]
    parts = [
        Reason(start[1] + start[2], start[3], text[start.end() : end].strip())
        for start, end in zip(starts, ends, strict=True)
    ]
    before = text[: starts[0].start()].strip()
    last, headline = _headline(parts[-1].text)
    parts[-1] = Reason(parts[-1].recipe, parts[-1].verdict, last)
    whole = [Reason("", "", said) for said in (before, headline) if said]
    return [*parts, *whole]


def open_points(claims: Sequence[Mapping]) -> list[tuple[Mapping, list[Reason]]]:
    """Collect what would settle each claim that is inconclusive, as its explanation says it.

    Returns
    -------
    list
        Of a claim and its reasons, whose text holds the sentences that speak of deciding, or the
        last one where none does. Recipes that have a verdict of their own are left out.
    """
    return [(claim, _open_in(claim)) for claim in claims if claim["verdict"] == "inconclusive"]


def _open_in(claim: Mapping) -> list[Reason]:
    """Tell what would settle one claim: for each recipe that is open, or for the whole."""
    found = reasons(claim)
    parts = [part for reason in found if reason.recipe and (part := _settling(reason))]
    whole = " ".join(reason.text for reason in found if not reason.recipe)
    settled = _settling(Reason("", "", whole)) if whole and not parts else None
    return [*parts, *([settled] if settled else [])]


def _plain(text: str) -> list[Reason]:
    """Give what is said of no recipe, sentence by sentence where it is long."""
    parts = _sentences(text) if len(text) > _LONG else [text]
    return [Reason("", "", part) for part in parts]


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=\.)\s+", text.strip())


def _settling(reason: Reason) -> Reason | None:
    if reason.verdict not in ("", "inconclusive"):
        return None
    sentences = _sentences(reason.text)
    found = [told for sentence in sentences for told in _deciding_clauses(sentence)] or sentences[
        -1:
    ]
    return Reason(reason.recipe, reason.verdict, " ".join(dict.fromkeys(found)))


def _deciding_clauses(sentence: str) -> list[str]:
    """Clauses of a sentence that speak of deciding: those in brackets alone, if there are any."""
    clauses = [part for part in re.findall(r"\(([^()]*)\)", sentence) if _DECIDES.search(part)]
    if clauses:
        return [f"{part[0].upper()}{part[1:]}." for part in clauses]
    return [sentence] if _DECIDES.search(sentence) else []


def _headline(text: str) -> tuple[str, str]:
    """Divide what is said of the last recipe from what is said of all."""
    at = re.search(r"(?:^|(?<=\.) )(?=The headline|No recipe was run)", text)
    return (text[: at.start()].strip(), text[at.start() :].strip()) if at else (text, "")
