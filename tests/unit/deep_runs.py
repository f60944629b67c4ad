"""Made-up tables of deep runs."""

import numpy as np
import pandas as pd

from linvae.settings.margins import Margins

__all__ = ["FLAT", "MARGINS", "RISING", "deep_runs", "scattered", "verdicts_of"]

MARGINS = Margins()
RISING = {0.1: 0.0, 1.0: 20.0, 10.0: 60.0, 100.0: 100.0}
FLAT = dict.fromkeys(RISING, 20.0)


def deep_runs(collapse, kind="fixed", elbo=-90.0, n_seeds=3, model="deep", jitter=0.5):
    """Runs with one collapse per noise variance on both splits, jittered over seeds.

    ELBOs scatter by a fiftieth of what the collapse does, and lie above the linear optimum's.
    """
    rows = []
    for variance, percent in collapse.items():
        for seed in range(n_seeds):
            unused = min(100.0, percent + jitter * seed)
            own = (elbo[variance] if isinstance(elbo, dict) else elbo) + 0.02 * jitter * seed
            rows.append(
                {
                    "model": model,
                    "kind": kind,
                    "initial": variance,
                    "noise_variance": variance,
                    "seed": seed,
                    "n_latent": 100,
                    "elbo": own,
                    "tuned_elbo": own + 0.1,
                    "linear_bound": -100.0,
                    "above_linear": own + 100.0,
                    "test_elbo": own - 5.0,
                    "test_above_linear": own + 99.0,
                    "largest_eigenvalue": 150.0,
                    "cpu_seconds": 60.0,
                    "predicted": 50.0,
                    "test_residual_gain": 90.0,
                    **_collapse(unused),
                }
            )
    return pd.DataFrame(rows)


def _collapse(unused):
    row = {}
    for prefix in ("", "test_"):
        row |= {
            f"{prefix}collapse": unused,
            f"{prefix}mean_collapse": unused,
            f"{prefix}effective": 100.0 - unused,
            f"{prefix}used": 100.0 - unused,
            **{f"{prefix}used_{epsilon}": 100.0 - unused for epsilon in ("0.03", "0.1", "0.3")},
            **{f"{prefix}extra_{epsilon}": 0.0 for epsilon in ("0.03", "0.1", "0.3")},
        }
    return row


def scattered(runs, seed, points=2.0, nats=1.0):
    """Scatter runs as other seeds would: collapse by some points, ELBOs by some nats.

    Measures of one run scatter together in part; train and test with half of their variance.
    """
    rng = np.random.default_rng(seed)
    n = len(runs)
    scales = {"mean_collapse": points, "elbo": nats, "collapse": points}
    moved = {}
    for name, scale in scales.items():
        shared = rng.normal(size=n)
        for prefix in ("", "test_"):
            own = (shared + rng.normal(size=n)) / np.sqrt(2)
            moved[f"{prefix}{name}"] = scale * own
    for prefix in ("", "test_"):
        moved[f"{prefix}used"] = -moved[f"{prefix}collapse"]
        moved[f"{prefix}effective"] = -moved[f"{prefix}mean_collapse"]
        for epsilon in ("0.03", "0.1", "0.3"):
            own = 0.2 * points * rng.normal(size=n)
            moved[f"{prefix}used_{epsilon}"] = own - moved[f"{prefix}collapse"]
            moved[f"{prefix}extra_{epsilon}"] = moved[f"{prefix}used_{epsilon}"]
    return runs.assign(**{name: runs[name].to_numpy() + by for name, by in moved.items()})


def verdicts_of(judge, runs, n=100, **scatter):
    """Count the verdicts on studies that differ in their seeds."""
    found = [judge(scattered(runs, seed, **scatter)).verdict for seed in range(n)]
    return pd.Series(found).value_counts().to_dict()
