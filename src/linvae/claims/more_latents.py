"""Claim 16: whether the importance-weighted bound makes a decoder use more latents than the ELBO.

From the weights of a finished run two trainings go on, with the same draws, updates and rate: one
by the ELBO, one by the importance-weighted bound. Use is counted in the decoder, with q optimised
by the ELBO for each image in both, as the encoder of the second need not be near that q. If the
claim holds, the ELBO is to blame for latents that are not used.

What would turn the verdict: differences whose intervals lie within the margin (an equivalence
test), or below it. That the bound rises by training on it is no evidence and is only reported.
"""

from collections.abc import Iterator

import pandas as pd

from linvae.claims.cells import own_interval
from linvae.claims.claim import Claim
from linvae.claims.deciding import exceeds, with_seeds
from linvae.claims.evidence import Evidence, Finding, not_run
from linvae.claims.recipes import answer_first, at, one_latent
from linvae.claims.results import Results
from linvae.faults import KEY
from linvae.measure.splits import SPLITS
from linvae.naming import Run
from linvae.noise import parse_noise
from linvae.settings.likelihood_job import BOUNDS
from linvae.settings.margins import Margins

__all__ = ["MORE_LATENTS", "more_latents"]


def _from_results(results: Results) -> Finding:
    rows = [_row(results, run) for run in results.runs("likelihood")]
    return more_latents(pd.DataFrame([row for row in rows if row]), results.margins)


def _row(results: Results, run: Run) -> dict[str, object]:
    """Return the row of a run as `more_latents` takes it; empty where a bound was not measured."""
    found = {b: results.values(results.study.likelihood.file(run, b)) for b in BOUNDS}
    results.metrics(run)
    if any(KEY in values for values in found.values()):
        return {}
    row = {
        "model": run.model,
        "initial": parse_noise(run.noise).variance,
        "n_latent": run.n_latent,
        "seed": run.seed,
        "cpu_seconds": results.cpu_seconds(run),
    }
    for prefix in SPLITS.values():
        for name in ("decoder_used", "decoder_kl", "iwae"):
            iwae, elbo = (found[bound][f"{prefix}{name}"] for bound in ("iwae", "elbo"))
            row[f"{prefix}{name}"] = iwae - elbo
    return row


MORE_LATENTS = Claim(
    number=16,
    text="From common weights, training on by the importance-weighted bound makes a decoder use "
    "more latents than training on by the ELBO.",
    made_by="this project, as what would blame the ELBO",
    question=4,
    section="likelihood",
    judge=_from_results,
)


def more_latents(runs: pd.DataFrame, margins: Margins) -> Finding:
    """Claim 16. Whether the importance-weighted bound makes decoders use more, for each recipe.

    Parameters
    ----------
    runs : DataFrame
        One row a run that was trained on: ``model``, ``initial`` (sigma^2), ``n_latent``, ``seed``,
        ``cpu_seconds``, and of either split, the latter with the prefix ``test_``, what the
        importance-weighted bound has more than the ELBO of ``decoder_used`` (latents),
        ``decoder_kl`` and ``iwae`` (nats).
    margins
        Of the study.
    """
    if runs.empty:
        return not_run("No run that was trained on could be measured.")
    rows: list[Evidence] = []
    for _, own in runs.groupby("model", sort=False):
        for variance, cell in own.groupby("initial", sort=True):
            comparisons = own["initial"].nunique() * len(SPLITS)
            rows += _cell(cell, float(variance), margins, comparisons)
    found = Finding.by_subject(rows, "")
    sentence = f"{answer_first(found.verdicts)}: the importance-weighted bound uses more latents."
    return Finding(tuple(rows), sentence, found.verdict, found.verdicts)


def _cell(
    runs: pd.DataFrame, variance: float, margins: Margins, comparisons: int
) -> Iterator[Evidence]:
    unit = one_latent(runs)
    told = {"subject": str(runs["model"].iloc[0]), "condition": at(variance)}
    for split, prefix in SPLITS.items():
        used = unit * runs[f"{prefix}decoder_used"]
        found = own_interval(used, margins.level, comparisons, unit)
        row = Evidence(
            "latents that the decoder uses, importance-weighted less ELBO",
            found,
            "% of k",
            split=split,
            margin=margins.latents,
            main=split == "train",
            **told,
        )
        yield with_seeds(row.answered(exceeds(found, margins.latents)), runs)
    for name, quantity in (
        ("decoder_kl", "KL with q optimised, importance-weighted less ELBO"),
        ("iwae", "importance-weighted bound, trained by it less by the ELBO"),
    ):
        found = own_interval(runs[f"test_{name}"], margins.level)
        yield Evidence(quantity, found, "nats", split="test", **told)
