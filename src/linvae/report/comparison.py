"""Finished studies side by side: what each found of every claim, and their collapse."""

from collections.abc import Mapping, Sequence

import pandas as pd

from linvae.digits import rounded, short
from linvae.noise import number
from linvae.report.evidence_table import main_lines, rows_of
from linvae.report.finished import FinishedStudy

__all__ = [
    "against_linear",
    "against_linear_text",
    "claims_side_by_side",
    "comparison_text",
]

_TOLD = (
    *("used", "elbo", "linear_elbo", "test_elbo", "test_linear_elbo", "test_elbo_optimised"),
    *("test_log_likelihood", "test_residual_gain"),
)

_ERROR = ", s.e."
_WITH_ERROR = {
    "used": "used",
    "train ELBO": "elbo",
    "test ELBO": "test_elbo",
    "test ELBO, q optimised": "test_elbo_optimised",
    "test log p(x)": "test_log_likelihood",
    "nats left": "test_residual_gain",
}


def claims_side_by_side(studies: Sequence[FinishedStudy]) -> pd.DataFrame:
    """Tabulate claims by study.

    Returns
    -------
    DataFrame
        Columns ``claim`` (number), ``says``, and of every study ``<name>: verdict`` and
        ``<name>: measured``; nats per datum where no unit is said. Claims that no study ran are
        left out.
    """
    ran = sorted({claim for study in studies for claim in study.claims})
    rows = []
    for of in ran:
        found = [study.claims.get(of) for study in studies]
        row = {"claim": of, "says": next(claim["claim"] for claim in found if claim)}
        for study, claim in zip(studies, found, strict=True):
            row[f"{study.name}: verdict"] = claim["verdict"] if claim else "not run"
            row[f"{study.name}: measured"] = _measured(claim)
        rows.append(row)
    return pd.DataFrame(rows)


def _measured(claim: Mapping | None) -> str:
    """Write the main rows of a claim; or that it was kept without any."""
    if claim and "rows" not in claim:
        return "kept without rows"
    lines = main_lines(rows_of(claim)) if claim else []
    return "; ".join(f"{name}: {value}" for name, value in lines)


def comparison_text(studies: Sequence[FinishedStudy]) -> str:
    """Write the table as Markdown: verdicts, and a block for each claim with what was measured."""
    table = claims_side_by_side(studies)
    parts = [
        "# Studies side by side",
        "",
        "In brackets the intervals over seeds that the verdicts rest on, as `claims.md` of each "
        "study explains them; nats per image where no unit is said.",
        "",
    ]
    parts += [f"- **{study.name}**: {study.label}" for study in studies]
    names = [study.name for study in studies]
    parts += ["", f"| claim | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for row in table.to_dict("records"):
        verdicts = " | ".join(row[f"{name}: verdict"] for name in names)
        parts.append(f"| {row['claim']}. {row['says']} | {verdicts} |")
    for row in table.to_dict("records"):
        parts += [
            "",
            f"## Claim {row['claim']}. {row['says']}",
            "",
            "| study | verdict | measured |",
        ]
        parts.append("|---|---|---|")
        for study in studies:
            measured = row[f"{study.name}: measured"].replace("|", "\\|").replace("; ", "<br>")
            parts.append(f"| {study.name} | {row[f'{study.name}: verdict']} | {measured} |")
    return "\n".join(parts) + "\n"


def against_linear(studies: Sequence[FinishedStudy]) -> pd.DataFrame:
    """Tabulate what the deep VAEs of a fixed sigma^2 have beyond the linear optimum.

    Returns
    -------
    DataFrame
        One row a study, sigma^2 and recipe: ``study``, ``sigma^2``, ``recipe``, ``seeds``,
        ``used`` latents (train), and in nats per datum, each less the linear optimum's on the same
        images: ``train ELBO``, ``test ELBO``, ``test ELBO, q optimised``, ``test log p(x)``; then
        ``log p(x) - ELBO`` (test) and ``nats left`` (a floor, test). Means over seeds, and
        ``<name>, s.e.`` where seeds alone move a column and table 1 has its standard error. What a
        study that was kept earlier has not measured is missing.
    """
    rows = []
    for study in studies:
        if study.recipes is None:
            continue
        table = study.recipes[study.recipes["kind"] == "fixed"]
        for row in table.sort_values("initial", kind="stable", ascending=False).to_dict("records"):
            told = {name: row[f"{name}_mean"] for name in _TOLD}
            found = {
                "study": study.name,
                "sigma^2": row["initial"],
                "recipe": row["model"],
                "seeds": row["seeds"],
                "used": told["used"],
                "train ELBO": told["elbo"] - told["linear_elbo"],
                "test ELBO": told["test_elbo"] - told["test_linear_elbo"],
                "test ELBO, q optimised": told["test_elbo_optimised"] - told["test_linear_elbo"],
                "test log p(x)": told["test_log_likelihood"] - told["test_linear_elbo"],
                "log p(x) - ELBO": told["test_log_likelihood"] - told["test_elbo"],
                "nats left": told["test_residual_gain"],
            }
            # The linear optimum is the same for all seeds.
            errors = {f"{name}{_ERROR}": row[f"{of}_se"] for name, of in _WITH_ERROR.items()}
            rows.append(found | errors)
    return pd.DataFrame(rows)


def against_linear_text(studies: Sequence[FinishedStudy]) -> str:
    """Write the table as Markdown, a table for each study."""
    table = against_linear(studies)
    lines = [
        "# Deep VAEs against the linear optimum",
        "",
        "Latents are counted on train. In nats per image: train ELBO, test ELBO, test ELBO with q "
        "optimised for each image, and log p(x) (test), less those of the linear VAE fitted to the "
        "same training images; log p(x) - ELBO, what inference costs; nats left, what a linear "
        "bypass would add at least (test). Means over seeds ± standard error. log p(x) is "
        "estimated from below by importance weighting from the optimised q.",
    ]
    if table.empty:
        return "\n".join(lines) + "\n"
    for name, rows in table.groupby("study", sort=False):
        columns = [c for c in rows.columns[1:] if not c.endswith(_ERROR)]
        lines += ["", f"## {name}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        for row in rows.to_dict("records"):
            cells = (_cell(row, column) for column in columns)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(row: Mapping, column: str) -> str:
    value, error = row[column], row.get(f"{column}{_ERROR}")
    if isinstance(value, str):
        return f"`{value}`"
    if value != value:
        return "not measured"
    if column == "sigma^2":
        return number(value)
    return short(value) if error is None else rounded(value, error).replace("-", "−")
