"""Runs with a linear decoder as tables, one row a run or a recorded step."""

from collections.abc import Mapping, Sequence

import pandas as pd

from linvae.claims.results import Results
from linvae.naming import Run

__all__ = ["encoder_runs", "falling_share", "optimiser_runs", "pair_curves"]


def optimiser_runs(results: Results) -> pd.DataFrame:
    """Tabulate final metrics of the linear VAE, one row a run."""
    section = results.study["linear"]
    return _final(results, section, (section["adam"], section["lbfgs"]))


def encoder_runs(results: Results) -> pd.DataFrame:
    """Tabulate all encoders, one row a run; ``linear`` where the encoder is a single matrix."""
    section = results.study["encoders"]
    runs = _final(results, section, section["models"])
    hidden = {name: results.models[name]["encoder"]["hidden"] for name in section["models"]}
    return runs.assign(linear=[len(hidden[name]) == 0 for name in runs["model"]])


def pair_curves(results: Results) -> pd.DataFrame:
    """Curves of all analytic and stochastic runs, one row a recorded step."""
    section, tables = results.study["stochastic"], []
    for pair in section["pairs"]:
        for stochastic, model in zip((False, True), pair, strict=True):
            rate = results.models[model]["training"]["learning_rate"]
            for run in _runs(results, section, (model,)):
                labels = {"learning_rate": rate, "stochastic": stochastic, "seed": run.seed}
                tables.append(results.curve(run)[["step", "elbo", "gap"]].assign(**labels))
    return pd.concat(tables, ignore_index=True)


def falling_share(curve: pd.DataFrame) -> float:
    """Share of the gap that the last tenth of the steps closed; 0 where no gap was left."""
    last = curve["step"].iloc[-1]
    before = float(curve.loc[curve["step"] <= 0.9 * last, "gap"].iloc[-1])
    after = float(curve["gap"].iloc[-1])
    return max(0.0, (before - after) / before) if before > 0 else 0.0


def _final(results: Results, section: Mapping, models: Sequence[str]) -> pd.DataFrame:
    rows = [
        {
            **results.metrics(run),
            "model": run.model,
            "optimiser": _optimiser(results, run.model),
            "seed": run.seed,
            "falling": falling_share(results.curve(run)),
        }
        for run in _runs(results, section, models)
    ]
    return pd.DataFrame(rows)


def _runs(results: Results, section: Mapping, models: Sequence[str]) -> list[Run]:
    data = results.data(section["data"])
    return [
        Run(model, data, section["n_latent"], section["noise"], seed)
        for model in models
        for seed in section["seeds"]
    ]


def _optimiser(results: Results, model: str) -> str:
    """Name a model's optimiser and its budget."""
    told = results.models[model]["training"]
    if told["optimizer"] == "lbfgs":
        return f"L-BFGS ({model})"
    budget = f"{told['steps']} steps" if told["steps"] else f"{told['epochs']} epochs"
    return f"Adam ({model}: {budget} at {told['learning_rate']:g})"
