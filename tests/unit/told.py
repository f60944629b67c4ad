"""Made-up objects of ``claims.json``."""

from linvae.claims.evidence import Evidence
from linvae.claims.verdicts import Interval

__all__ = ["claim", "row"]


def row(quantity="gap", mean=1.0, half=0.5, **more):
    """A row whose interval reaches `half` to either side."""
    return Evidence(quantity, Interval(mean, mean - half, mean + half, 3), **more)


def claim(number, verdict="supported", rows=None, sentence="It was found.", **more):
    """An object of a claim that ran; `rows` empty of one that did not."""
    rows = [row(unit="nats", main=True)] if rows is None else rows
    return {
        "id": number,
        "claim": f"Claim text {number}",
        "made_by": "this project",
        "checked": "",
        "question": 4,
        "shown_in": [],
        "verdict": verdict,
        "sentence": sentence,
        "rows": [one.to_dict() for one in rows],
        "numbers": {},
        "evidence": ["results/a.json"] if rows else [],
        **more,
    }
