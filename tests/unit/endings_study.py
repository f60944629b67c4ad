"""A made-up study of how training ends: its section, and what its runs left."""

import numpy as np
import pandas as pd
from inference_told import with_gaps
from lying import path_of

from linvae.files import write_csv, write_json
from linvae.naming import Product, Run
from linvae.settings.margins import Margins
from linvae.settings.measurement import Measurement

__all__ = ["DATA", "MODELS", "ONE_SETTING", "SECTION", "SETTINGS", "write_endings", "write_runs"]

DATA = "mnist-logit-first60-test20"
K = 100
BASE = {
    "encoder": {"hidden": [200], "posterior": "amortised"},
    "decoder": {"hidden": [200]},
    "training": {"objective": "stochastic", "steps": 10},
}


def _model(start="random", **training):
    return {**BASE, "start": {"weights": start}, "training": {**BASE["training"], **training}}


MODELS = {
    "fast": _model(),
    "fast-principal": _model("principal"),
    "fast-long": _model(steps=20),
    "fast-slow": _model(steps=20, learning_rate=0.0005),
    "poor": _model(learning_rate=0.1),
    "plain": _model(learning_rate=0.3),
}
SECTION = {
    "data": "logit-first60",
    "n_latent": K,
    "recipes": [
        {
            "model": "fast",
            "other_start": "fast-principal",
            "longer": "fast-long",
            "slower": "fast-slow",
            "noise_variances": [3.0],
            "reopened": {"updates": 4, "rate": 0.5},
        },
        {"model": "poor", "noise_variances": [3.0, 10.0]},
    ],
    "drawn_at": 3.0,
    "seeds": [0, 1, 2],
    "other_seeds": [3, 4, 5],
}
ONE_SETTING = {
    "data": "logit-first60",
    "n_latent": K,
    "base": "plain",
    "models": ["poor"],
    "noises": ["fixed-10", "learned-3"],
    "seeds": [0, 1, 2],
}
SETTINGS = {
    "section": SECTION,
    "measurement": Measurement().model_dump(mode="json"),
    "margins": Margins().model_dump(mode="json"),
    "models": MODELS,
    "names": {"dataset": "mnist", "n_test": 20, "seed": 0, "logit_lambda": 1e-6},
}


def _metrics(elbo, used, active):
    counts = {"0.03": used, "0.1": used, "0.3": used}
    percents = {epsilon: 100.0 * (1 - count / K) for epsilon, count in counts.items()}
    both = {
        "elbo": elbo,
        "above_linear": elbo + 100.0,
        "linear_elbo": -100.0,
        "collapse_percent": percents,
        "used_latents": counts,
        "tuned_elbo": elbo,
        "tuned_noise_variance": 1.0,
        "residual_gain": 0.01 * (elbo + 100) ** 2 / 100,
        "kl": 5.0,
    }
    of_test = {f"test_{name}": value for name, value in both.items()}
    return {
        **with_gaps(both | of_test),
        "linear_bound": -100.0,
        "linear_bound_active": active,
        "noise_variance": 3.0,
        "largest_eigenvalue": 50.0,
        "predicted_inactive_percent": 0.0,
    }


def write_runs(folder, models, noise, seeds, elbo, used, active=60, n_latent=K):
    """Write the metrics, curves and times of some runs; return their paths."""
    paths = []
    for model in models:
        for seed in seeds:
            run = Run(model, DATA, n_latent, noise, seed)
            rng = np.random.default_rng([seed, len(model)])
            value = elbo + 0.01 * rng.standard_normal()
            steps = np.array([0, 5, 10])
            curve = {
                "step": steps,
                "images": 20 * steps,
                "subset_elbo": [-200.0, value - 5, value],
                "test_elbo": [-210.0, value - 9, value - 4],
                "used_latents": [n_latent, used + 1, used],
            }
            times = {"step": steps, "images": 20 * steps, "cpu_seconds": [0.0, 1.0, 2.0]}
            files = {
                "metrics.json": (write_json, _metrics(value, used, active)),
                "curve.csv": (write_csv, pd.DataFrame(curve)),
                "times.csv": (write_csv, pd.DataFrame(times)),
            }
            for name, (write, content) in files.items():
                path = folder / path_of(Product(name, run=run))
                path.parent.mkdir(parents=True, exist_ok=True)
                write(path, content)
                paths.append(str(path))
    return paths


def write_endings(folder, *, principal=(-90.0, 40), poor=(-95.0, 80), active=60, kept=40):
    """Write a whole study of endings; ELBO and number of used latents of two of its recipes."""
    paths = write_runs(
        folder, ["fast", "fast-long", "fast-slow"], "fixed-3", [0, 1, 2], -90, 40, active
    )
    paths += write_runs(folder, ["fast-principal"], "fixed-3", [3, 4, 5], *principal, active)
    for noise in ("fixed-3", "fixed-10"):
        paths += write_runs(folder, ["poor"], noise, [0, 1, 2], *poor, active)
    for seed in (0, 1, 2):
        run = Run("fast", DATA, K, "fixed-3", seed)
        path = folder / path_of(Product("graft.json", run=run, variant="certificate-4-0.5"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"used": kept, "grafted_used": 0})
        paths.append(str(path))
    provenance = folder / "results/data/mnist/000000000000/provenance.json"
    provenance.parent.mkdir(parents=True, exist_ok=True)
    write_json(provenance, {"label": "made up"})
    return [*paths, str(provenance)]
