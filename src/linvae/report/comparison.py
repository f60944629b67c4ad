"""Finished studies side by side: what each found of every claim, and their collapse."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from linvae.files import read_json
from linvae.report.deep_runs import deep_runs
from linvae.report.digits import short
from linvae.report.main_numbers import main_number

__all__ = [
    "COLLAPSE",
    "RECIPES",
    "RESIDUAL",
    "FinishedStudy",
    "against_linear",
    "against_linear_text",
    "claims_side_by_side",
    "comparison_text",
]

COLLAPSE = "figures/fig11_theory_vs_deep.csv"
RESIDUAL = "figures/fig15_residual_spectrum.csv"
RECIPES = "tables/table1_sigma.csv"
_TOLD = (
    *("used", "elbo", "linear_elbo", "test_elbo", "linear_test_elbo", "test_iwae"),
    "residual_gain_test",
)


@dataclass(frozen=True)
class FinishedStudy:
    """What a study left in its folder.

    Attributes
    ----------
    name
        As its configuration says.
    claims
        Objects of ``claims.json`` by ``id``.
    label
        Its images, in words.
    n_latent
        Of its deep VAEs, or None.
    collapse, residual, recipes
        The tables of figures 11 and 15, and table 1, or None of a study without deep VAEs.
    runs
        As `linvae.report.deep_runs.deep_runs` tabulates them, or None where their metrics do not
        lie beside the study.
    """

    name: str
    claims: dict[int, dict]
    label: str
    n_latent: int | None
    collapse: pd.DataFrame | None
    residual: pd.DataFrame | None
    recipes: pd.DataFrame | None
    runs: pd.DataFrame | None

    @classmethod
    def read(cls, folder: Path, name: str | None = None) -> "FinishedStudy":
        """Read ``results/<study>``, or what `linvae.report.kept.keep` has made of it.

        Parameters
        ----------
        folder
            With ``claims.json`` and ``study.json``.
        name
            To call it by; its own if None.

        Raises
        ------
        FileNotFoundError
            If the study is not finished, or was run elsewhere.
        """
        for needed in ("claims.json", "study.json"):
            if not (folder / needed).is_file():
                msg = f"{folder / needed} is missing: is this the folder of a finished study?"
                raise FileNotFoundError(msg)
        study = read_json(folder / "study.json")
        recipes = study.get("configuration", {}).get("study", {}).get("recipes") or {}
        found = (folder / table for table in (COLLAPSE, RESIDUAL, RECIPES))
        tables = (pd.read_csv(file) if file.is_file() else None for file in found)
        claims = {claim["id"]: claim for claim in read_json(folder / "claims.json")}
        told = (name or study["name"], claims, study["data"]["label"], recipes.get("n_latent"))
        return cls(*told, *tables, _runs(folder))

    def used_by_theory(self) -> dict[float, float]:
        """Return by sigma^2 of table 1 the number of latents that the linear optimum uses."""
        if self.collapse is None or self.recipes is None or self.n_latent is None:
            return {}
        theory = self.collapse[self.collapse["series"] == "theory"]
        theory = theory.sort_values("noise_variance_mean")
        percent = dict(
            zip(theory["noise_variance_mean"], theory["collapse_percent_mean"], strict=True)
        )
        return {
            float(variance): self.n_latent
            * (1.0 - max(p for v, p in percent.items() if v <= variance) / 100.0)
            for variance in self.recipes["initial"].unique()
            if variance >= min(percent)
        }


def _runs(folder: Path) -> pd.DataFrame | None:
    try:
        return deep_runs(folder)
    except FileNotFoundError:
        return None


def claims_side_by_side(studies: Sequence[FinishedStudy]) -> pd.DataFrame:
    """Tabulate claims by study.

    Returns
    -------
    DataFrame
        Columns ``claim`` (number), ``says``, and of every study ``<name>: verdict`` and
        ``<name>: measured``; nats per datum where no unit is said. Claims that no study ran are
        left out.
    """
    numbers = sorted({number for study in studies for number in study.claims})
    rows = []
    for number in numbers:
        found = [study.claims.get(number) for study in studies]
        row = {"claim": number, "says": next(claim["claim"] for claim in found if claim)}
        for study, claim in zip(studies, found, strict=True):
            row[f"{study.name}: verdict"] = claim["verdict"] if claim else "not run"
            row[f"{study.name}: measured"] = main_number(number, claim["numbers"]) if claim else ""
        rows.append(row)
    return pd.DataFrame(rows)


def comparison_text(studies: Sequence[FinishedStudy]) -> str:
    """Write the table as Markdown: verdicts, and a block for each claim with what was measured."""
    table = claims_side_by_side(studies)
    parts = ["# Studies side by side", ""]
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
        ``used`` latents, and in nats per datum, each less the linear optimum's on the same images:
        ``train ELBO``, ``test ELBO``, ``test log p(x)``; then ``log p(x) - ELBO`` (the cost of
        inference, test) and ``nats left`` (a floor, test). Means over seeds.
    """
    rows = []
    for study in studies:
        if study.recipes is None:
            continue
        table = study.recipes[study.recipes["kind"] == "fixed"]
        for row in table.sort_values("initial", kind="stable", ascending=False).to_dict("records"):
            told = {name: row[f"{name}_mean"] for name in _TOLD}
            rows.append(
                {
                    "study": study.name,
                    "sigma^2": row["initial"],
                    "recipe": row["model"],
                    "seeds": row["seeds"],
                    "used": told["used"],
                    "train ELBO": told["elbo"] - told["linear_elbo"],
                    "test ELBO": told["test_elbo"] - told["linear_test_elbo"],
                    "test log p(x)": told["test_iwae"] - told["linear_test_elbo"],
                    "log p(x) - ELBO": told["test_iwae"] - told["test_elbo"],
                    "nats left": told["residual_gain_test"],
                }
            )
    return pd.DataFrame(rows)


def against_linear_text(studies: Sequence[FinishedStudy]) -> str:
    """Write the table as Markdown, a table for each study."""
    table = against_linear(studies)
    lines = [
        "# Deep VAEs against the linear optimum",
        "",
        "Nats per image, means over seeds. Train ELBO, test ELBO and log p(x) (test, weighted by "
        "importance) less those of the linear VAE fitted to the same training images. log p(x) "
        "- ELBO is what inference costs. Nats left: what a linear bypass would add at least, test.",
    ]
    for name, rows in table.groupby("study", sort=False):
        columns = list(rows.columns[1:])
        lines += ["", f"## {name}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        for row in rows[columns].itertuples(index=False):
            cells = [cell if isinstance(cell, str) else short(cell) for cell in row]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
