"""The claims as Markdown: a table, then a paragraph each."""

from collections.abc import Sequence

import pandas as pd

from linvae.report.evidence_table import markdown, open_rows, rows_of

__all__ = ["CHECKED", "MAKERS", "claims_text", "verdict_table"]

MAKERS = (
    "Claims are made by the paper (Lucas et al. 2019, *Don't Blame the ELBO!*), by the report (Li "
    "Hongru, MATH5472, 2022: a course report that reproduced the paper, from which this study "
    "started), by Li et al. (2025, arXiv:2510.01621), and by this project."
)

# What is ascribed to the paper is in this project's words.
CHECKED = {
    "": "",
    "theorem": " (in our words, after its Theorem 1)",
    "from memory": " (in our words and from memory: its text was not at hand)",
}


def claims_text(claims: Sequence[dict], label: str, study: str) -> str:
    """Render ``claims.md``.

    Parameters
    ----------
    claims
        As in ``claims.json``.
    label
        Where the data come from.
    study
        Its name.
    """
    lines = [
        f"# Claims, judged by the study {study}",
        "",
        f"Data: {label}. Every verdict is computed from the results of this study. ELBOs and gaps "
        "are in nats per image; a mean over seeds is followed by its confidence interval in "
        "brackets. Each row of a claim says yes or no to it, or leaves it open; rows with a dash "
        "are reported. What counts as a difference stands in `config.yaml` (`margins`).",
        "",
        MAKERS,
        "",
        verdict_table(claims),
    ]
    for claim in claims:
        lines += ["", f"## {claim['id']}. {claim['claim']}", "", _attributes(claim), ""]
        lines += [claim["sentence"]]
        if rows := rows_of(claim):
            lines += ["", markdown(rows)]
        lines += _settled_by(claim)
        if claim["evidence"]:
            lines += ["", _evidence(claim["evidence"])]
    return "\n".join(lines)


def verdict_table(claims: Sequence[dict]) -> str:
    """One row a claim."""
    rows = [
        {
            "": claim["id"],
            "claim": claim["claim"].replace("|", "\\|"),
            "made by": claim["made_by"],
            "verdict": f"**{claim['verdict']}**",
        }
        for claim in claims
    ]
    return pd.DataFrame(rows).to_markdown(index=False)


def _settled_by(claim: dict) -> list[str]:
    """List what would settle a claim that is open."""
    wanted = dict.fromkeys(row.settles for row in open_rows(claim) if row.settles)
    if claim["verdict"] != "inconclusive" or not wanted:
        return []
    return ["", "What would settle it:", "", *(f"- {told}" for told in wanted)]


def _attributes(claim: dict) -> str:
    shown = ", ".join(claim["shown_in"])
    seen = f" See {shown}." if shown and claim["evidence"] else ""
    made_by = f"{claim['made_by']}{CHECKED[claim.get('checked', '')]}"
    return f"Made by: {made_by}. Verdict: **{claim['verdict']}**.{seen}"


def _evidence(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 3} more (in `claims.json`)" if len(paths) > 3 else ""
    return "Evidence: " + ", ".join(f"`{path}`" for path in paths[:3]) + more + "."
