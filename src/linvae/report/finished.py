"""What a finished study left in its folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from linvae.files import read_json
from linvae.report.deep_runs import measured_runs
from linvae.report.publish import STAMPS
from linvae.tables.table1 import with_all_columns

__all__ = ["COLLAPSE", "ENDINGS", "RECIPES", "RESIDUAL", "SETTINGS", "FinishedStudy"]

COLLAPSE = "figures/fig11_theory_vs_deep.csv"
RESIDUAL = "figures/fig15_residual_spectrum.csv"
RECIPES = "tables/table1_sigma.csv"
ENDINGS = "tables/table2_endings.csv"
SETTINGS = "tables/table3_settings.csv"


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
    endings, settings
        Tables 2 and 3, or None.
    runs
        As `linvae.report.deep_runs.measured_runs` tabulates them, or None where their metrics do
        not lie beside the study.
    """

    name: str
    claims: dict[int, dict]
    label: str
    n_latent: int | None
    collapse: pd.DataFrame | None
    residual: pd.DataFrame | None
    recipes: pd.DataFrame | None
    runs: pd.DataFrame | None
    endings: pd.DataFrame | None = None
    settings: pd.DataFrame | None = None

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
        # What is kept of a study has no table of its runs, and no stamp.
        if (folder / "runs.csv").is_file() and not list(folder.glob(STAMPS[0])):
            msg = f"{folder} has no {STAMPS[0]}: the study is not whole; run it to its end"
            raise FileNotFoundError(msg)
        study = read_json(folder / "study.json")
        recipes = study.get("configuration", {}).get("study", {}).get("recipes") or {}
        named = (COLLAPSE, RESIDUAL, RECIPES, ENDINGS, SETTINGS)
        found = (folder / table for table in named)
        tables = (pd.read_csv(file) if file.is_file() else None for file in found)
        claims = {claim["id"]: claim for claim in read_json(folder / "claims.json")}
        collapse, residual, table1, endings, settings = (_filled(table) for table in tables)
        return cls(
            name=name or study["name"],
            claims=claims,
            label=study["data"]["label"],
            n_latent=recipes.get("n_latent"),
            collapse=collapse,
            residual=residual,
            recipes=None if table1 is None else with_all_columns(table1),
            runs=_filled(_runs(folder)),
            endings=endings,
            settings=settings,
        )

    @classmethod
    def named(cls, given: str) -> "FinishedStudy":
        """Read what a command line names, ``FOLDER`` or ``NAME=FOLDER``, as `read` does."""
        name, equals, folder = given.partition("=")
        if equals and not Path(given).exists():
            return cls.read(Path(folder), name)
        return cls.read(Path(given))

    def used_by_theory(self) -> dict[float, float]:
        """Return by sigma^2 of table 1 the number of latents that the linear optimum uses."""
        if self.collapse is None or self.recipes is None or self.n_latent is None:
            return {}
        theory = self.collapse[self.collapse["series"] == "theory"]
        steps = theory.set_index("noise_variance_mean")["collapse_percent_mean"].sort_index()
        return {
            float(variance): self.n_latent * (1.0 - steps[: float(variance)].iloc[-1] / 100.0)
            for variance in self.recipes["initial"].unique()
            if len(steps[: float(variance)])
        }


def _filled(table: pd.DataFrame | None) -> pd.DataFrame | None:
    """Of a study whose runs could all not be measured a table has no rows."""
    return None if table is None or table.empty else table


def _runs(folder: Path) -> pd.DataFrame | None:
    try:
        return measured_runs(folder)
    except FileNotFoundError:
        return None
