"""The row that a run makes in a table: what verdicts and table 1 need of its files."""

from collections.abc import Mapping

import pandas as pd

from linvae.naming import Run
from linvae.noise import number, parse_noise

__all__ = ["deep_row", "falling_share", "linear_row"]

_COPIED = (
    "elbo",
    "linear_bound",
    "noise_variance",
    "largest_eigenvalue",
    "kl",
    "tuned_elbo",
    "tuned_noise_variance",
)


def linear_row(run: Run, metrics: Mapping, curve: pd.DataFrame) -> dict[str, object]:
    """Return the row of a run with a linear decoder: its metrics, and whether it had settled.

    Parameters
    ----------
    run, metrics, curve
        A run, its ``metrics.json`` and its ``curve.csv``.
    """
    return {
        **metrics,
        "model": run.model,
        "seed": run.seed,
        "falling": falling_share(curve),
    }


def falling_share(curve: pd.DataFrame) -> float:
    """Share of the gap that the last tenth of the steps closed; 0 where no gap was left."""
    last = curve["step"].iloc[-1]
    before = float(curve.loc[curve["step"] <= 0.9 * last, "gap"].iloc[-1])
    after = float(curve["gap"].iloc[-1])
    return max(0.0, (before - after) / before) if before > 0 else 0.0


def deep_row(run: Run, metrics: Mapping, epsilon: float) -> dict[str, object]:
    """Return the row of a run with a deep decoder.

    Parameters
    ----------
    run, metrics
        A run and its ``metrics.json``.
    epsilon
        Threshold of collapse, in nats.
    """
    noise, test = parse_noise(run.noise), metrics["test"]
    return {
        "model": run.model,
        "kind": noise.kind,
        "initial": noise.variance,
        "seed": run.seed,
        "collapse": metrics["collapse_percent"][number(epsilon)],
        "test_elbo": test["elbo"],
        "test_collapse": test["collapse_percent"][number(epsilon)],
        "predicted": metrics["predicted_inactive_percent"],
        **{name: metrics[name] for name in _COPIED},
    }
