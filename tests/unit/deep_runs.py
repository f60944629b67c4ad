"""Made-up tables of deep runs."""

import pandas as pd

__all__ = ["FLAT", "RISING", "deep_runs"]


def deep_runs(collapse, kind="fixed", elbo=-90.0, predicted=None, n_seeds=3, model="deep"):
    """Runs with one collapse per noise variance, jittered over seeds."""
    rows = []
    for variance, percent in collapse.items():
        for seed in range(n_seeds):
            rows.append(
                {
                    "model": model,
                    "kind": kind,
                    "initial": variance,
                    "noise_variance": variance,
                    "seed": seed,
                    "elbo": (elbo[variance] if isinstance(elbo, dict) else elbo) + 0.01 * seed,
                    "linear_bound": -100.0,
                    "collapse": min(100.0, percent + 0.5 * seed),
                    "predicted": percent if predicted is None else predicted[variance],
                    "largest_eigenvalue": 50.0,
                }
            )
    return pd.DataFrame(rows)


RISING = {0.1: 0.0, 1.0: 20.0, 10.0: 60.0, 100.0: 100.0}
FLAT = dict.fromkeys(RISING, 20.0)
