"""Deep runs as a table, and rows of evidence that several claims on recipes share."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from linvae.claims.deciding import spent
from linvae.claims.evidence import Evidence, missing, subjects
from linvae.claims.results import Results
from linvae.claims.rows import THRESHOLDS, deep_row, used_row
from linvae.claims.verdicts import Verdict
from linvae.measure.collapse import CollapseCurve
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import number
from linvae.settings.margins import Margins

__all__ = [
    "another",
    "answer_first",
    "arrived",
    "at",
    "by_threshold",
    "curve_row",
    "deep_columns",
    "deep_runs",
    "effective_number",
    "enough_variances",
    "near_optimum",
    "one_latent",
]

# A trend needs as many noise variances.
ENOUGH_VARIANCES = 3


# Range of epsilon, in nats. Below it latents that nothing uses still carry what sampling leaves of
# their KL, and at 10 those that are used count as collapsed.
TREND = (0.001, 1.0)


def deep_runs(
    results: Results, *sections: str, kind: str | None = None, curves: bool = False
) -> pd.DataFrame:
    """Tabulate the deep runs of some sections, one row a run, each once.

    Of one `kind` of noise variance, ``fixed`` or ``learned``, or of both; with the columns of
    `curve_row` on request.
    """
    runs = dict.fromkeys(run for name in sections for run in results.runs(name))
    chosen = [run for run in runs if kind is None or run.noise.startswith(kind)]
    rows = [deep_columns(results, run) for run in chosen]
    if curves:
        delta = results.measurement.delta
        for run, row in zip(chosen, rows, strict=True):
            row |= curve_row(results.arrays(run, "kl.npz"), run.n_latent, delta)
    return pd.DataFrame(rows)


def deep_columns(results: Results, run: Run) -> dict[str, object]:
    """Return the row of one run: of `linvae.claims.rows`, and what it costs and leaves."""
    metrics = results.metrics(run)
    return {
        **deep_row(run, metrics, results.measurement.epsilon),
        **used_row(metrics),
        "cpu_seconds": results.cpu_seconds(run),
        "test_residual_gain": metrics["test_residual_gain"],
    }


def curve_row(arrays: Mapping[str, NDArray], n_latent: int, delta: float) -> dict[str, float]:
    """Return columns of a deep run's row, of each split; those of test with the prefix ``test_``.

    ``mean_collapse`` is the mean of the collapse curve over the logarithm of epsilon in `TREND`, in
    percent; ``effective`` is `effective_number` in percent of the latents; ``extra_0.03`` and so
    on, for each of `THRESHOLDS`, is the number of used latents less that of the linear optimum at
    the same epsilon (the nearest of the curves'), in percent of the latents.

    `arrays` are ``kl.npz`` of the run, and `delta` the share of the data whose divergence may
    exceed epsilon.
    """
    row = {}
    for prefix in SPLITS.values():
        deep, linear = (
            CollapseCurve.from_arrays(arrays, f"{prefix}{before}") for before in ("", "linear_")
        )
        found, expected = deep.percent(delta), linear.percent(delta)
        inside = (deep.epsilon >= TREND[0] * (1 - 1e-9)) & (deep.epsilon <= TREND[1] * (1 + 1e-9))
        logs = np.log(deep.epsilon)
        mean = np.trapezoid(found[inside], logs[inside]) / np.ptp(logs[inside])
        row |= {
            f"{prefix}effective": 100 * effective_number(arrays[f"{prefix}mean_kl"]) / n_latent,
            f"{prefix}mean_collapse": float(mean),
        }
        for epsilon in THRESHOLDS:
            nearest = np.abs(logs - np.log(epsilon)).argmin()
            extra = float(expected[nearest] - found[nearest])
            row[f"{prefix}extra_{number(epsilon)}"] = extra
    return row


def effective_number(mean_kl: NDArray[np.floating]) -> float:
    """Return how many latents are used, without a threshold: sum of 1 - exp(-2 KL_i).

    `mean_kl` is that of each latent over data, in nats. For the linear optimum it is the sum of
    1 - sigma^2 / lambda_i over used latents, the effective number of parameters of ridge
    regression; at total collapse it is 0.
    """
    return float(-np.expm1(-2.0 * np.asarray(mean_kl, dtype=np.float64)).sum())


def by_threshold(name: str) -> dict[str, tuple[str, str]]:
    """Name the columns of a measure that each threshold has on each split: split and threshold."""
    return {
        f"{prefix}{name}_{number(epsilon)}": (split, number(epsilon))
        for split, prefix in SPLITS.items()
        for epsilon in THRESHOLDS
    }


def one_latent(runs: pd.DataFrame) -> float:
    """Return the percentage of the latents that one of them is."""
    return 100.0 / float(runs["n_latent"].iloc[0])


def at(*variances: float) -> str:
    """Name the condition of a row: ``sigma^2 = 3``, or ``sigma^2 = 3 to 10`` of two."""
    return f"sigma^2 = {' to '.join(number(variance) for variance in variances)}"


def answer_first(verdicts: Mapping[str, Verdict]) -> str:
    """Begin a sentence with the answer of each recipe: ``Yes with deep, open with deep-plain``."""
    words = {"supported": "yes", "not supported": "no", "inconclusive": "open"}
    parts = []
    for verdict, word in words.items():
        if names := subjects(verdicts, verdict):
            told = ", ".join(names) if len(names) <= 3 else f"{len(names)} recipes"
            parts.append(f"{word} with {told}")
    sentence = ", ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def near_optimum(runs: pd.DataFrame, margins: Margins) -> pd.Series:
    """Whether each run ended near or above the linear bound, which its optimum exceeds."""
    return runs["elbo"] >= runs["linear_bound"] - margins.near


def arrived(runs: pd.DataFrame, margins: Margins) -> Evidence:
    """Return the share of one recipe's runs that ended near their optimum.

    Where most did not, the recipe's verdict is open: what it shows is that training was short.
    """
    share = 100.0 * float(near_optimum(runs, margins).mean())
    what = f"runs that end at most {margins.near:g} nats below the linear bound"
    told = {"subject": str(runs["model"].iloc[0]), "split": "train", "reference": 50.0}
    row = Evidence.exact(what, share, "%", **told)
    return row.answered(None if share > 50.0 else "undecided", "longer training")


def another(what: str, runs: pd.DataFrame) -> str:
    """Name one more setting of a recipe to run, and what its seeds cost."""
    cost = runs["seed"].nunique() * float(runs["cpu_seconds"].mean())
    return f"another {what}, {spent(cost)}"


def enough_variances(runs: pd.DataFrame) -> list[Evidence]:
    """Return a row that keeps a trend open where one recipe was run at too few noise variances."""
    n, subject = runs["initial"].nunique(), str(runs["model"].iloc[0])
    if n >= ENOUGH_VARIANCES:
        return []
    settles = another("noise variance", runs)
    return [missing("noise variances run", settles, subject, n, ENOUGH_VARIANCES)]
