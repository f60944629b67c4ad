"""From the files of the workflow to the claims: each verdict function gets its numbers."""

from collections.abc import Callable, Mapping

import pandas as pd

from linvae.claims import deep, linear, training, variations
from linvae.claims.deep_runs import deep_row, section_runs
from linvae.claims.linear_runs import encoder_runs, optimiser_runs, pair_curves
from linvae.claims.results import Results
from linvae.claims.statements import STATEMENTS
from linvae.claims.verdicts import Claim, Finding, not_run
from linvae.inputs import Inputs

__all__ = ["judge"]


def judge(inputs: Inputs, spec: Mapping) -> list[Claim]:
    """Judge every claim; one whose section the study leaves out is inconclusive.

    Parameters
    ----------
    inputs, spec
        As in `linvae.claims.results.Results`.
    """
    claims = []
    for identifier, statement in STATEMENTS.items():
        results = Results(inputs, spec)
        if results.study[statement.section] is None:
            finding = not_run(f"Not run: study.{statement.section} is null.")
        else:
            finding = _FINDINGS[identifier](results)
        used = tuple(results.used)
        claims.append(Claim(identifier, statement.claim, statement.made_by, finding, used))
    return claims


def _restarts(results: Results) -> Finding:
    section = results.study["restarts"]
    table = results.table(results.data(section["data"]), f"k{section['n_latent']}")
    return linear.no_spurious_maxima(table)


def _stability(results: Results) -> Finding:
    data = results.data(results.study["stationary"]["data"])
    return linear.stability(results.table("curvature", data))


def _latent_dim(results: Results) -> Finding:
    section = results.study["latent_dim"]
    names = [results.data(variant) for variant in section["data"]]
    tables = {name: results.table("ppca", name) for name in names}
    return training.likelihood_over_latents(tables, section["fixed_at"])


def _annealing(results: Results) -> Finding:
    runs = _deep(results, "collapse", "annealing")
    base = results.study["collapse"]["model"]
    return variations.annealing_leaves_collapse(runs[runs["kind"] == "fixed"], base)


def _deep(results: Results, *sections: str) -> pd.DataFrame:
    """Return the deep runs of some sections, one row a run."""
    epsilon = results.study["collapse"]["epsilon"]
    runs = [run for name in sections for run in section_runs(results.study, name, results.dataset)]
    rows = [deep_row(run, results.metrics(run), epsilon) for run in dict.fromkeys(runs)]
    return pd.DataFrame(rows)


_FINDINGS: dict[int, Callable[[Results], Finding]] = {
    1: lambda results: linear.reaches_maximum(optimiser_runs(results)),
    2: _restarts,
    3: lambda results: linear.columns_are_components(optimiser_runs(results)),
    4: _stability,
    5: _latent_dim,
    6: lambda results: training.stochastic_training(pair_curves(results)),
    7: lambda results: training.other_encoders(encoder_runs(results)),
    8: lambda results: deep.collapse_grows(_deep(results, "collapse")),
    9: lambda results: deep.initial_value_decides(_deep(results, "collapse")),
    10: lambda results: deep.predicted(_deep(results, "collapse")),
    11: _annealing,
    12: lambda results: variations.total_collapse(
        _deep(results, "collapse", "annealing", "optimisation")
    ),
}
