"""The four questions answered in a sentence each, from verdicts and the numbers behind them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from linvae.digits import by_number, short

__all__ = ["Answer", "answers"]

_OPEN = "Not settled"
# By question, the claim whose verdict decides the word.
_JUDGED_BY = {1: 1, 2: 2, 3: 3, 4: 8}
_NOT_RUN = "This study did not run what would answer it."


@dataclass(frozen=True)
class Answer:
    """What a study says to one question.

    Attributes
    ----------
    word
        ``Yes``, ``No``, ``In part`` or ``Not settled``, and what of.
    sentence
        The numbers that it rests on.
    numbers
        A few of them with what they are.
    """

    word: str
    sentence: str
    numbers: tuple[tuple[str, str], ...] = ()


def answers(claims: Mapping[int, Mapping]) -> dict[int, Answer]:
    """Answer each question of `linvae.claims.catalogue.QUESTIONS`.

    Parameters
    ----------
    claims
        Objects of ``claims.json`` by ``id``; any may be missing or not run.
    """
    asked: dict[int, Callable[[Mapping[int, Mapping]], Answer]] = {
        1: _recovers,
        2: _maxima,
        3: _components,
        4: _collapse,
    }
    return {key: _with_reason(key, answer(claims)) for key, answer in asked.items()}


def _with_reason(question: int, answer: Answer) -> Answer:
    """Say where it stands why numbers that are there settle nothing."""
    if answer.word != _OPEN or answer.sentence == _NOT_RUN:
        return answer
    why = f"Why that does not settle it stands with claim {_JUDGED_BY[question]}."
    return replace(answer, sentence=f"{answer.sentence} {why}")


def _verdict(claims: Mapping[int, Mapping], number: int) -> str:
    return claims.get(number, {}).get("verdict", "inconclusive")


def _numbers(claims: Mapping[int, Mapping], number: int) -> Mapping:
    return claims.get(number, {}).get("numbers", {})


def _recovers(claims: Mapping[int, Mapping]) -> Answer:
    found = _numbers(claims, 1)
    if not found:
        return Answer(_OPEN, _NOT_RUN)
    gaps = {name: row["gap"]["mean"] for name, row in found.items()}
    nearest = min(gaps, key=lambda name: abs(gaps[name]))
    short_of_it = [name for name, row in found.items() if not row["reached"]]
    rest = [f"{name} {short(gaps[name])}" for name in short_of_it if name != nearest]
    more = f"; short of it when their steps end: {', '.join(rest)}" if rest else ""
    word = {"supported": "Yes", "not supported": "No"}.get(_verdict(claims, 1), _OPEN)
    text = f"{nearest} ends {short(gaps[nearest])} nats below the exact pPCA maximum{more}."
    rows = tuple((f"gap, {name}", f"{short(gap)} nats") for name, gap in gaps.items())
    return Answer(word, text, rows)


def _maxima(claims: Mapping[int, Mapping]) -> Answer:
    found, added = _numbers(claims, 2), _numbers(claims, 14)
    saddles = _verdict(claims, 14) == "supported"
    parts, rows = [], []
    for name, row in _ways(found):
        at = row["outcomes"].get("at the maximum", 0)
        parts.append(
            f"{name}: {at} of {row['n_starts']} starts end at the global maximum, "
            f"the worst {short(row['worst_gap'])} nats below it"
        )
        rows.append((f"worst gap, {name}", f"{short(row['worst_gap'])} nats"))
    if saddles:
        gaps = [row["gap"] for key, row in added.items() if key.startswith("k=")]
        away = " to ".join(dict.fromkeys(short(gap) for gap in (min(gaps), max(gaps))))
        parts.append(
            f"saddle points that the likelihood has not lie {away} nats below the maximum, and "
            "each way on from them ends there"
        )
        rows.append(("saddle points below the maximum", f"{away} nats"))
    if not parts:
        parts.append(claims[2]["explanation"].rstrip(".") if found else _NOT_RUN.rstrip("."))
    words = {"supported": "No", "not supported": "Yes"}
    word = words.get(_verdict(claims, 2), _OPEN)
    word = "No maxima, but saddle points" if (word, saddles) == ("No", True) else word
    return Answer(word, _sentence("; ".join(parts)), tuple(rows))


def _ways(found: Mapping) -> Iterator[tuple[str, Mapping]]:
    """Ways of solving with their numbers."""
    for name, row in found.items():
        if isinstance(row, Mapping) and "outcomes" in row:
            yield name, row


def _components(claims: Mapping[int, Mapping]) -> Answer:
    found = _numbers(claims, 3)
    if not found:
        return Answer(_OPEN, _NOT_RUN)
    words = {"supported": "Yes, at the maximum", "not supported": "No"}
    rows = {name: row["mean_abs_cos"]["mean"] for name, row in found.items()}
    best = max(rows, key=lambda name: rows[name])
    text = f"mean |cos| with the principal components is {rows[best]:.4f} by {best}"
    far = max(found, key=lambda name: found[name]["gap"]["mean"])
    gap, marginal, inference = (
        found[far][name]["mean"] for name in ("gap", "marginal_gap", "inference_gap")
    )
    if far != best:
        text += (
            f", and {rows[far]:.2f} by {far}, which is {short(gap)} nats short: {short(marginal)} "
            f"in the likelihood of its decoder, {short(inference)} in inference"
        )
    shown = tuple((f"mean |cos|, {name}", f"{value:.4f}") for name, value in rows.items())
    return Answer(words.get(_verdict(claims, 3), _OPEN), _sentence(text), shown)


def _collapse(claims: Mapping[int, Mapping]) -> Answer:
    grows, predicted = _verdict(claims, 8), _verdict(claims, 10)
    if not any(_numbers(claims, number) for number in (8, 10, 12)):
        return Answer(_OPEN, _NOT_RUN)
    text = [
        {
            "supported": "with sigma^2 fixed, collapse grows with it",
            "not supported": "with sigma^2 fixed, collapse does not always grow with it",
        }.get(grows, "whether collapse grows with a fixed sigma^2 stays open"),
        {
            "supported": "the eigenvalues predict how many latents are used",
            "not supported": "the eigenvalues do not predict how many latents are used",
        }.get(predicted, "whether the eigenvalues predict how many latents are used stays open"),
        *(["the start decides more than the sizes"] if _verdict(claims, 15) == "supported" else []),
        *_total(_numbers(claims, 12)),
    ]
    words = {
        ("supported", "supported"): "Yes",
        ("supported", "not supported"): "In part",
        ("not supported", "not supported"): "No",
        ("supported", "inconclusive"): "In part, the rest is not settled",
    }
    rows = (*_trend(claims), *_distance(claims))
    return Answer(words.get((grows, predicted), _OPEN), _sentence("; ".join(text)), rows)


def _total(found: Mapping) -> list[str]:
    if not found.get("n_below"):
        return []
    n, below = found["n_total_below"], found["n_below"]
    failed = ", where it is a failure of training" if n else ""
    return [
        f"{n} of {below} runs collapse entirely below the largest eigenvalue, "
        f"{short(found['largest_eigenvalue'])}{failed}"
    ]


def _trend(claims: Mapping[int, Mapping]) -> Iterator[tuple[str, str]]:
    """Unused latents of each recipe at the smallest and the largest noise, on train."""
    for recipe, row in _numbers(claims, 8).items():
        means = row.get("train", {}).get("collapse", {}).get("means", {})
        ends = sorted(means, key=by_number)
        if len(ends) > 1:
            shown = " to ".join(f"{short(means[v])} % at {v}" for v in (ends[0], ends[-1]))
            yield f"unused latents over sigma^2, {recipe}", shown


def _distance(claims: Mapping[int, Mapping]) -> Iterator[tuple[str, str]]:
    """Points by which collapse curves differ most from the linear optimum's, on train."""
    for recipe, row in _numbers(claims, 10).items():
        found = row.get("train", {}).get("difference", {})
        if found:
            worst = max(found, key=lambda variance: found[variance]["mean"])
            far = short(found[worst]["mean"])
            yield f"furthest from linear theory, {recipe}", f"{far} points at {worst}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
