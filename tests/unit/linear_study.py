"""A made-up study of linear models, with its results in the workflow's layout."""

import math

import numpy as np
import pandas as pd
from lying import PROVENANCE, path_of, paths_of

from linvae.config import configuration as config
from linvae.files import write_csv, write_json
from linvae.landscape.maxima_table import maxima
from linvae.landscape.saddle_climbs import saddle_climbs
from linvae.linear import ppca
from linvae.linear.spectrum import Spectrum
from linvae.naming import Product
from linvae.weights import LinearWeights

__all__ = ["BEST", "CONFIG", "EIGENVALUES", "NAMES", "STEPS", "K", "write_results"]

EIGENVALUES = np.array([16.0, 12.0, 9.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.0])
K, BEST = 3, -20.0
STEPS = np.array([0, 1, 10, 100])
ONE = {"data": "logit-first50", "n_latent": K, "noise": "learned-1", "seeds": [0, 1]}
ADAM = {"objective": "analytic", "steps": 100}
STOCHASTIC = {"objective": "stochastic", "steps": 100}
CONFIG = config.load(
    {
        "name": "linear",
        "models": {
            "adam": {"training": ADAM},
            "fast": {"training": {**ADAM, "learning_rate": 0.01}},
            "noisy": {"training": STOCHASTIC},
            "noisy-fast": {"training": {**STOCHASTIC, "learning_rate": 0.01}},
            "lbfgs": {"training": {**ADAM, "optimizer": "lbfgs"}},
            "relu": {"encoder": {"hidden": [5]}, "training": ADAM},
            "autoencoder": {"training": {"objective": "reconstruction", "steps": 100}},
        },
        "study": {
            "linear": {**ONE, "adam": "adam", "lbfgs": "lbfgs"},
            "latent_dim": {
                "data": ["logit-first50", "pixels-first50"],
                "n_latents": [1, 2, 6],
                "fixed_at": 2,
                "model": "lbfgs",
                "noise": "learned-1",
            },
            "stochastic": {**ONE, "pairs": [["adam", "noisy"], ["fast", "noisy-fast"]]},
            "encoders": {**ONE, "models": ["relu", "adam"]},
            "autoencoder": {
                **ONE,
                "autoencoder": "autoencoder",
                "adam": "adam",
                "lbfgs": "lbfgs",
            },
            "saddles": {"data": "logit-first50", "n_latents": [2, 4]},
            "stationary": {"data": "logit-first50"},
        },
    }
)
NAMES = CONFIG.names()


def made_up_spectrum(seed):
    rng = np.random.default_rng(seed)
    vectors = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    return Spectrum(
        np.zeros(9), vectors @ np.diag(EIGENVALUES) @ vectors.T, EIGENVALUES, vectors, 50
    )


def made_up_curve(run):
    """Gaps that fall as 1 / (1 + step), larger for the second seed; the sum of 3 : 1 parts."""
    gap = (8.0 if run.seed == 0 else 12.0) / (1 + STEPS)
    if run.model == "lbfgs":
        gap[-1] = 1e-12
    fast = run.model.endswith("fast")
    return pd.DataFrame(
        {
            "step": STEPS,
            "elbo_estimate": BEST - 2 * gap,
            "noise_variance": 1.0,
            "learning_rate": np.nan if run.model == "lbfgs" else [0, *[1e-2 if fast else 1e-3] * 3],
            "elbo": BEST - gap,
            "log_likelihood": BEST - 0.75 * gap,
            "ppca_max": BEST,
            "gap": gap,
            "marginal_gap": 0.75 * gap,
            "inference_gap": 0.25 * gap,
            "axis_alignment_distance": gap / 20,
            "subspace_distance": gap / 40,
        }
    )


def made_up_weights(run, spectrum):
    """The pPCA maximum: with columns permuted and flipped by L-BFGS, rotated by Adam."""
    weights = ppca.fit(spectrum, K).weights
    if run.model == "lbfgs":
        return weights[:, [2, 0, 1]] * [1, -1, -1]
    cos, sin = math.cos(0.3), math.sin(0.3)
    return weights @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def write_results():
    """Write the results of all runs of the study below the working directory."""
    spectra = {}
    for seed, variant in enumerate(("logit", "pixels")):
        name = f"mnist-{variant}-first50"
        spectra[name] = made_up_spectrum(seed)
        spectra[name].save(path_of(Product("spectrum.npz", data=name)))
        table = path_of(Product("maxima.csv", data=name, variant="at2"))
        write_csv(table, maxima(spectra[name], 2))
    points, paths = paths_of(CONFIG.study.saddles.drawn(NAMES))
    for path, made in zip(
        (points, paths), saddle_climbs(spectra["mnist-logit-first50"], [2, 4]), strict=True
    ):
        write_csv(path, made)
    for run in CONFIG.study.all_runs(NAMES):
        write_csv(path_of(Product("curve.csv", run=run)), made_up_curve(run))
        metrics = {"elbo": BEST - run.n_latent, "noise_variance": 1.0 / run.n_latent}
        write_json(path_of(Product("metrics.json", run=run)), metrics)
        if run.n_latent == K:
            weights = made_up_weights(run, spectra[run.data])
            model = LinearWeights(weights, weights.T, np.ones(K), 1.0)
            model.save(path_of(Product("model.safetensors", run=run)), {})
    write_json(PROVENANCE, {"label": "made up"})
